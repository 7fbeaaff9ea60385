package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

// counting is a provider that answers documented bytes and counts how often
// each submission arrived whole.
type counting struct {
	write, read []byte
	mu          sync.Mutex
	arrived     map[string]int
}

func (s *counting) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if _, err := io.ReadAll(req.Body); err != nil {
		return // it did not arrive
	}
	w.Header().Set("Content-Type", "application/json")
	if res := tokens(req); res != nil {
		_, _ = io.Copy(w, res.Body)
		return
	}
	id := req.Header.Get("X-Submission")
	s.mu.Lock()
	s.arrived[id]++
	s.mu.Unlock()
	if strings.HasPrefix(id, "w") {
		_, _ = w.Write(s.write)
		return
	}
	_, _ = w.Write(s.read)
}

func (s *counting) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived[id]
}

// line is a row of the result table.
type line struct {
	call                                                     string
	requestBytes, responseBytes                              int64
	faults, values, unknown, typed, repeats, duplicates, bad atomic.Int64
	slowest                                                  atomic.Int64
}

// TestFaults breaks the connection at every byte of request and answer, in three
// ways, on a connection that was in use before: then net/http is tempted to
// repeat a request by itself. A sample runs always; PAYCLIENTS_FAULTS=all runs
// every offset and prints the table for the README.
func TestFaults(t *testing.T) {
	// Whatever ran before in this process is not ours to judge.
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	all := os.Getenv("PAYCLIENTS_FAULTS") == "all"
	workers := 8
	if all {
		workers = 24
	}
	var table []*line
	for _, p := range providers {
		for _, write := range []bool{true, false} {
			table = append(table, faults(t, p, write, all, workers))
		}
	}
	var b strings.Builder
	b.WriteString("| call | bytes sent + received | faults | value | outcome unknown | other typed error | repeated reads | duplicate writes | untyped or hanging | slowest |\n|---|---|---|---|---|---|---|---|---|---|\n")
	var sum line
	for _, l := range table {
		fmt.Fprintf(&b, "| %s | %d + %d | %d | %d | %d | %d | %d | %d | %d | %v |\n", l.call, l.requestBytes, l.responseBytes,
			l.faults.Load(), l.values.Load(), l.unknown.Load(), l.typed.Load(), l.repeats.Load(), l.duplicates.Load(), l.bad.Load(),
			time.Duration(l.slowest.Load()).Round(time.Millisecond))
		for _, pair := range [][2]*atomic.Int64{{&sum.faults, &l.faults}, {&sum.values, &l.values}, {&sum.unknown, &l.unknown}, {&sum.typed, &l.typed}, {&sum.repeats, &l.repeats}, {&sum.duplicates, &l.duplicates}, {&sum.bad, &l.bad}} {
			pair[0].Add(pair[1].Load())
		}
	}
	fmt.Fprintf(&b, "| **all** | | %d | %d | %d | %d | %d | %d | %d | |\n", sum.faults.Load(), sum.values.Load(), sum.unknown.Load(), sum.typed.Load(), sum.repeats.Load(), sum.duplicates.Load(), sum.bad.Load())
	t.Log("\n" + b.String())
	require.Zero(t, sum.duplicates.Load(), "duplicate writes")
	require.Zero(t, sum.bad.Load(), "untyped outcomes or hangs")
	if all {
		require.GreaterOrEqual(t, sum.faults.Load(), int64(10_000))
	}
}

func faults(t *testing.T, p provider, write, all bool, workers int) *line {
	t.Helper()
	id, what := p.read, "read"
	if write {
		id, what = p.write, "write"
	}
	l := &line{call: fmt.Sprintf("%s.%s (%s)", p.name, id, what)}
	srv := &counting{
		write: fixture(t, p.name, p.write, specs.Response), read: fixture(t, p.name, p.read, specs.Response), arrived: map[string]int{},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: srv, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	defer func() { _ = server.Close(); <-done }()

	// Measure an exchange first.
	w := newWorker(t, p, write, listener.Addr().String(), srv, l)
	w.warm(t)
	w.proxy.arm(nil)
	_, err = w.call(context.Background(), submission(map[bool]string{true: "w-measure", false: "r-measure"}[write]))
	require.NoError(t, err)
	l.requestBytes, l.responseBytes = w.proxy.counted()
	w.stop()

	var plan []fault
	step := int64(1)
	if !all {
		step = (l.requestBytes + l.responseBytes) / 10
	}
	for _, kind := range []string{"reset", "stall", "half-close"} {
		for n := int64(0); n <= l.requestBytes; n += step {
			plan = append(plan, fault{kind, false, n})
		}
		for n := int64(0); n <= l.responseBytes; n += step {
			plan = append(plan, fault{kind, true, n})
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			w := newWorker(t, p, write, listener.Addr().String(), srv, l)
			defer w.stop()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(plan) {
					return
				}
				w.one(t, i, plan[i])
			}
		})
	}
	group.Wait()
	return l
}

func submission(id string) editor {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set("X-Submission", id)
		return nil
	}
}

// worker is one client behind one proxy.
type worker struct {
	proxy     *proxy
	transport *http.Transport
	client    client
	write     bool
	call      func(context.Context, ...editor) (any, error)
	srv       *counting
	line      *line
}

func newWorker(t *testing.T, p provider, write bool, target string, srv *counting, l *line) *worker {
	px, err := newProxy(target)
	if err != nil {
		t.Error(err)
		return nil
	}
	w := &worker{proxy: px, write: write, srv: srv, line: l}
	w.transport = &http.Transport{MaxIdleConnsPerHost: 4, ResponseHeaderTimeout: patience / 2}
	w.client, err = p.connect(settings{
		base: "http://" + px.Addr().String(), doer: &http.Client{Transport: w.transport}, timeout: patience,
		retry: &retry.Policy{Attempts: 3, Base: time.Millisecond, Cap: time.Millisecond},
	})
	if err != nil {
		t.Error(err)
		return nil
	}
	w.call = w.client.read
	if write {
		w.call = w.client.write
	}
	return w
}

func (w *worker) stop() {
	w.proxy.stop()
	w.transport.CloseIdleConnections()
	_ = w.client.close(context.Background())
}

// warm makes a call that succeeds, so that a connection is open and a token is there.
func (w *worker) warm(t *testing.T) {
	var err error
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(time.Millisecond) {
		if _, err = w.client.read(context.Background(), submission("r-warming")); err == nil {
			return
		}
	}
	t.Errorf("the way is not clear: %v", err)
}

func (w *worker) one(t *testing.T, n int, f fault) {
	w.warm(t)
	id := fmt.Sprintf("%c%08d", map[bool]byte{true: 'w', false: 'r'}[w.write], n)
	w.proxy.arm(&f)
	start := time.Now()
	v, err := w.call(context.Background(), submission(id))
	took := time.Since(start)
	w.proxy.arm(nil)
	if err != nil {
		w.proxy.drop()
		w.transport.CloseIdleConnections()
	}
	l := w.line
	l.faults.Add(1)
	for old := l.slowest.Load(); int64(took) > old && !l.slowest.CompareAndSwap(old, int64(took)); old = l.slowest.Load() {
	}
	arrived := w.srv.count(id)
	if w.write && arrived > 1 {
		l.duplicates.Add(1)
		t.Errorf("%s: %+v: arrived %d times", l.call, f, arrived)
	}
	if !w.write && arrived > 1 {
		l.repeats.Add(1)
	}
	if took > 10*time.Second {
		l.bad.Add(1)
		t.Errorf("%s: %+v: took %v", l.call, f, took)
	}
	var e *apierr.Error
	unknown := errors.Is(err, apierr.ErrOutcomeUnknown)
	switch {
	case err == nil && v != nil && arrived > 0:
		l.values.Add(1)
	case err == nil || !errors.As(err, &e) || v != nil:
		l.bad.Add(1)
		t.Errorf("%s: %+v: value %v, error %#v, arrived %d times", l.call, f, v, err, arrived)
	case w.write && !unknown && arrived > 0:
		l.bad.Add(1)
		t.Errorf("%s: %+v: arrived, and the error does not say that it may have: %v", l.call, f, err)
	case !w.write && unknown:
		l.bad.Add(1)
		t.Errorf("%s: %+v: a read has no outcome: %v", l.call, f, err)
	case unknown:
		l.unknown.Add(1)
	default:
		l.typed.Add(1)
	}
}
