package authn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/authn/internal/redistest"
	"github.com/seed-4fcf5cf3/payclients/authn/redisstore"
)

// The crash test runs real processes: this test binary starts itself four times
// as a worker. Before and after each step of the protocol a worker asks its parent
// whether to go on; the parent kills it with SIGKILL where it wants, lets nothing
// be cleaned up, and starts another.

const (
	crashLife    = 1600 * time.Millisecond
	crashTimeout = time.Second // of one exchange
	crashWorkers = 4
	crashCallers = 64 // in each worker
)

var (
	crashSteps = []string{
		"load", "lease.before", "lease.after", "take.before", "take.after",
		"exchange.before", "exchange.during", "exchange.after",
		"save.before", "save.after", "release.before", "release.after",
	}
	// crashShort leaves out a step that only asks again where the one before did:
	// nothing is written between them.
	crashShort = []string{
		"load", "lease.before", "lease.after", "take.after",
		"exchange.during", "exchange.after", "save.after", "release.after",
	}
)

func TestMain(m *testing.M) {
	if os.Getenv("AUTHN_CRASH_WORKER") != "" {
		crashWorker()
		return
	}
	os.Exit(m.Run())
}

func TestKillAtEveryStepOnFile(t *testing.T) {
	t.Parallel()
	killAtEveryStep(t, "file:"+filepath.Join(t.TempDir(), "tokens"))
}

func TestKillAtEveryStepOnRedis(t *testing.T) {
	t.Parallel()
	killAtEveryStep(t, "redis:"+redistest.Start(t))
}

// PAYCLIENTS_CRASH_ROUNDS runs the whole matrix that often; without it the short one once.
func killAtEveryStep(t *testing.T, store string) {
	rounds, steps := 1, crashShort
	if n, err := strconv.Atoi(os.Getenv("PAYCLIENTS_CRASH_ROUNDS")); err == nil {
		rounds, steps = n, crashSteps
	}
	c := &crashParent{
		t: t, store: store,
		workers: map[int]*exec.Cmd{}, until: map[string]time.Time{}, spent: map[string]bool{}, errors: map[string]int{},
		done: make(chan struct{}),
	}
	for range rounds {
		c.targets = append(c.targets, steps...)
	}
	kills := len(c.targets)
	srv := httptest.NewServer(c)
	defer srv.Close()
	c.base = srv.URL
	for range crashWorkers {
		c.spawn()
	}
	start := time.Now()
	select {
	case <-c.done:
	case <-time.After(time.Duration(rounds) * 90 * time.Second):
		c.mu.Lock()
		t.Errorf("steps that nobody came to: %v", c.targets)
		c.mu.Unlock()
	}
	time.Sleep(2 * crashLife) // the survivors go on
	c.mu.Lock()
	c.stopped = true
	ran := time.Since(start)
	for _, w := range c.workers {
		_ = w.Process.Kill()
	}
	c.mu.Unlock()
	c.wg.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("%v: %d kills, %d logins, %d refreshes, %d replays, %d calls, %d refused, %d errors, longest wait %v",
		ran.Round(time.Millisecond), kills, c.logins, c.refreshes, c.replays, c.calls, c.refused, len(c.errors), c.longest.Round(time.Millisecond))
	require.Empty(t, c.errors, "callers that got an error")
	require.Zero(t, c.replays, "spent refresh tokens that were sent again")
	require.Zero(t, c.refused, "calls with a dead token")
	// A renewal comes three quarters of a life after the last one at the earliest.
	require.LessOrEqual(t, c.refreshes, int(ran/(crashLife*3/4))+1, "accepted refreshes")
	// Of each round five kills fall where a refresh token is out, one may meet the
	// first login, and each may be followed by a login.
	require.LessOrEqual(t, c.logins, 1+7*rounds, "logins")
	require.Less(t, c.longest, 2*crashTimeout+500*time.Millisecond, "nobody may wait longer than two exchange timeouts")
	require.Greater(t, c.calls, 100*rounds)
}

// crashParent is the provider, CryptoPay's dialect with short lives, and the killer.
type crashParent struct {
	t           testing.TB
	store, base string
	done        chan struct{}
	wg          sync.WaitGroup

	mu                         sync.Mutex
	workers                    map[int]*exec.Cmd
	targets                    []string
	stopped                    bool
	n                          int
	until                      map[string]time.Time // access tokens
	spent                      map[string]bool      // refresh tokens
	logins, refreshes, replays int
	calls, refused             int
	errors                     map[string]int
	killedAt                   int // how many tokens there were
	longest                    time.Duration
}

func (c *crashParent) spawn() {
	cmd := exec.Command(os.Args[0]) //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), "AUTHN_CRASH_WORKER="+c.base, "AUTHN_CRASH_STORE="+c.store)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Error(err)
		return
	}
	c.mu.Lock()
	c.workers[cmd.Process.Pid] = cmd
	c.mu.Unlock()
	c.wg.Go(func() {
		_ = cmd.Wait()
		c.mu.Lock()
		delete(c.workers, cmd.Process.Pid)
		stopped := c.stopped
		c.mu.Unlock()
		if !stopped {
			c.spawn()
		}
	})
}

// step kills the worker if this is the step that is wanted next, and if the fleet
// has got over the last kill.
func (c *crashParent) step(name, pid string) (killed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.targets) == 0 || c.targets[0] != name || c.n <= c.killedAt+1 {
		return false
	}
	n, _ := strconv.Atoi(pid)
	w := c.workers[n]
	if w == nil {
		return false
	}
	_ = w.Process.Kill()
	c.targets = c.targets[1:]
	c.killedAt = c.n
	if len(c.targets) == 0 {
		close(c.done)
	}
	return true
}

func (c *crashParent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pid := r.Header.Get("X-Pid")
	switch r.URL.Path {
	case "/step":
		if c.step(r.URL.Query().Get("name"), pid) {
			<-r.Context().Done()
		}
	case "/api/auth/login":
		time.Sleep(20 * time.Millisecond)
		c.mu.Lock()
		c.logins++
		c.mu.Unlock()
		c.mint(w)
	case "/api/auth/token/refresh/":
		var in struct{ Refresh string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		c.mu.Lock()
		spent, known := c.spent[in.Refresh]
		c.spent[in.Refresh] = true
		switch {
		case spent:
			c.replays++
		case known:
			c.refreshes++
		}
		c.mu.Unlock()
		if spent || !known {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if c.step("exchange.during", pid) {
			return // the pair that nobody got
		}
		time.Sleep(50 * time.Millisecond)
		c.mint(w)
	case "/api":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.calls++
		nanos, _ := strconv.ParseInt(r.Header.Get("X-Handed-Out"), 10, 64)
		handedOut := time.Unix(0, nanos) // not when it arrived: this machine may be slow
		if auth := r.Header.Get("Authorization"); len(auth) < 8 || !handedOut.Before(c.until[auth[7:]]) {
			c.refused++
		}
	case "/report":
		var in struct {
			Error string
			Wait  time.Duration
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.longest = max(c.longest, in.Wait)
		if in.Error != "" {
			c.errors[in.Error]++
		}
	}
}

func (c *crashParent) mint(w http.ResponseWriter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	now := time.Now()
	until := now.Add(crashLife)
	jwt := func(kind string, exp time.Time) string {
		return jwtWith(c.t, fmt.Sprintf(`{"k":%q,"n":%d,"iat":%.3f,"exp":%.3f}`, kind, c.n, float64(now.UnixMicro())/1e6, float64(exp.UnixMicro())/1e6))
	}
	access, refresh := jwt("a", until), jwt("r", now.Add(time.Hour))
	c.until[access], c.spent[refresh] = until, false
	fmt.Fprintf(w, `{"access":%q,"refresh":%q}`, access, refresh)
}

// crashWorker is the other process.
func crashWorker() {
	base, store := os.Getenv("AUTHN_CRASH_WORKER"), os.Getenv("AUTHN_CRASH_STORE")
	w := &worker{base: base, pid: strconv.Itoa(os.Getpid())}
	var s authn.Store
	var err error
	switch u, _ := url.Parse(store); u.Scheme {
	case "file":
		s, err = authn.NewFile(u.Path)
	default:
		s, err = redisstore.New(redis.NewClient(&redis.Options{Addr: store[len("redis:"):], ContextTimeoutEnabled: true}), "", bytes.Repeat([]byte{3}, 32))
	}
	if err != nil {
		panic(err)
	}
	session, err := authn.CryptoPayLogin{Username: "u", Password: "p"}.Session(authn.Config{
		BaseURL: base, Timeout: crashTimeout,
		HTTP:  &http.Client{Transport: w},
		Store: steppingStore{s, w},
	})
	if err != nil {
		panic(err)
	}
	for i := range crashCallers {
		go func() {
			for {
				start := time.Now()
				tok, err := session.Token(context.Background())
				if took := time.Since(start); err != nil || took > 10*time.Millisecond {
					w.report(err, took)
				}
				if i == 0 && err == nil {
					w.call(tok.Access)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	for { // until killed, or until the parent is gone
		time.Sleep(500 * time.Millisecond)
		if os.Getppid() == 1 {
			os.Exit(1)
		}
	}
}

type worker struct{ base, pid string }

// RoundTrip is between the session and the provider.
func (w *worker) RoundTrip(req *http.Request) (*http.Response, error) {
	w.step("exchange.before")
	req.Header.Set("X-Pid", w.pid)
	resp, err := http.DefaultTransport.RoundTrip(req)
	w.step("exchange.after")
	return resp, err
}

func (w *worker) do(method, path string, body io.Reader, header ...string) {
	req, err := http.NewRequest(method, w.base+path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Pid", w.pid)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		os.Exit(1) // the parent is gone
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

func (w *worker) step(name string) {
	w.do(http.MethodGet, "/step?name="+name, nil)
}

func (w *worker) call(tok authn.Secret) {
	w.do(http.MethodGet, "/api", nil, "Authorization", "Bearer "+tok.Reveal(),
		"X-Handed-Out", strconv.FormatInt(time.Now().UnixNano(), 10))
}

func (w *worker) report(err error, took time.Duration) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	b, _ := json.Marshal(map[string]any{"Error": text, "Wait": took})
	w.do(http.MethodPost, "/report", bytes.NewReader(b))
}

type steppingStore struct {
	authn.Store
	w *worker
}

func (s steppingStore) Load(ctx context.Context, key string) (authn.Record, error) {
	s.w.step("load")
	return s.Store.Load(ctx, key)
}

func (s steppingStore) Swap(ctx context.Context, key string, old uint64, next authn.Record) (bool, error) {
	op := "save"
	if next.Taken {
		op = "take"
	}
	s.w.step(op + ".before")
	ok, err := s.Store.Swap(ctx, key, old, next)
	s.w.step(op + ".after")
	return ok, err
}

func (s steppingStore) Lease(ctx context.Context, key string, ttl time.Duration) (authn.Lease, error) {
	s.w.step("lease.before")
	l, err := s.Store.Lease(ctx, key, ttl)
	if err != nil {
		return nil, err
	}
	s.w.step("lease.after")
	return steppingLease{l, s.w}, nil
}

type steppingLease struct {
	authn.Lease
	w *worker
}

func (l steppingLease) Release(ctx context.Context) error {
	l.w.step("release.before")
	err := l.Lease.Release(ctx)
	l.w.step("release.after")
	return err
}
