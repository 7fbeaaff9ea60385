package contract

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Report is the verdict on one attempt that went through a [Transport].
type Report struct {
	Provider   string
	Operation  string // empty when no operation matches
	Method     string
	Status     int // 0 when no answer came
	Violations []Violation
	Err        error // of the attempt itself
	Took       time.Duration
	// Incomplete says that the caller closed the answer before its end, so
	// that the body could not be judged.
	Incomplete bool
	// Dropped counts the attempts that were let through unjudged since the
	// last report, because the queue or the memory was full.
	Dropped int64
}

// TransportOption changes what a [Transport] looks at.
type TransportOption func(*transport)

// SampleEvery judges one attempt in n, the first included.
func SampleEvery(n int) TransportOption {
	return func(t *transport) { t.every = uint64(max(n, 1)) }
}

// Async judges in the background, so that the caller of the API never waits
// for it. At most queue attempts and memory bytes of bodies are held; what
// does not fit passes unjudged and is counted. Zero values mean 64 attempts
// and 4 MiB. The goroutine that judges ends when nothing is left to judge.
func Async(queue int, memory int64) TransportOption {
	return func(t *transport) {
		if queue <= 0 {
			queue = 64
		}
		if memory <= 0 {
			memory = 4 << 20
		}
		t.queue = make(chan *attempt, queue)
		t.memory = memory
	}
}

// BodyCap sets how many bytes of each body are kept for judging. The default
// is the checker's limit, and 256 KiB with [Async].
func BodyCap(n int64) TransportOption { return func(t *transport) { t.cap = n } }

// Transport returns a RoundTripper that lets every attempt through base
// unchanged and judges it: the request as it was sent, the answer when the
// caller has read it to its end or closed it. The answer is neither altered
// nor delayed; report is called once per judged attempt, on the goroutine
// that finished the body, or in the background with [Async]. It is called
// concurrently. A nil base is http.DefaultTransport.
func Transport(base http.RoundTripper, c *Checker, report func(Report), opts ...TransportOption) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	t := &transport{base: base, c: c, report: report, every: 1}
	for _, o := range opts {
		o(t)
	}
	if t.cap <= 0 {
		t.cap = c.limit
		if t.queue != nil {
			t.cap = min(t.cap, 256<<10)
		}
	}
	return t
}

// Slog returns a reporter that logs each violation: what is broken as a
// warning, the rest at level info.
func Slog(l *slog.Logger) func(Report) {
	return func(r Report) {
		for _, v := range r.Violations {
			level := slog.LevelInfo
			if v.Kind == Broken {
				level = slog.LevelWarn
			}
			l.LogAttrs(context.Background(), level, "contract violation",
				slog.String("provider", v.Provider), slog.String("operation", v.Operation), slog.String("in", string(v.In)),
				slog.Int("status", r.Status), slog.String("where", v.Where), slog.String("what", v.What),
				slog.String("expected", v.Expected), slog.String("kind", string(v.Kind)))
		}
		if r.Dropped > 0 {
			l.LogAttrs(context.Background(), slog.LevelInfo, "contract: attempts passed unjudged",
				slog.String("provider", r.Provider), slog.Int64("dropped", r.Dropped))
		}
	}
}

type transport struct {
	base    http.RoundTripper
	c       *Checker
	report  func(Report)
	every   uint64
	cap     int64
	count   atomic.Uint64
	dropped atomic.Int64

	queue   chan *attempt // nil: judge on the spot
	memory  int64
	held    atomic.Int64
	working atomic.Bool
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// attempt is what is kept of one request and its answer.
type attempt struct {
	t      *transport
	req    http.Request // method, URL and header only
	sent   *tee
	got    *tee
	status int
	header http.Header
	err    error
	start  time.Time
	took   time.Duration
	size   int64
	done   sync.Once
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.every > 1 && (t.count.Add(1)-1)%t.every != 0 {
		return t.base.RoundTrip(req)
	}
	if t.queue != nil && t.held.Load() >= t.memory {
		t.dropped.Add(1)
		return t.base.RoundTrip(req)
	}
	a := &attempt{t: t, start: time.Now(), sent: &tee{cap: t.cap}, got: &tee{cap: t.cap}}
	// The caller may change its request once the answer is closed, and judging
	// may come later: keep copies.
	u := *req.URL
	a.req = http.Request{Method: req.Method, URL: &u, Host: req.Host, Header: req.Header.Clone()}
	if req.Body != nil && req.Body != http.NoBody {
		req = a.sent.request(req)
	} else {
		a.sent.end(nil)
	}

	res, err := t.base.RoundTrip(req)
	if err != nil || res == nil {
		a.err = err
		a.finish()
		return res, err
	}
	a.status, a.header = res.StatusCode, res.Header.Clone()
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols: // the body is the connection, and must stay what it is
		a.finish()
	case res.Body == nil || res.Body == http.NoBody:
		a.got.end(nil)
		a.finish()
	default:
		res.Body = &teeBody{body: res.Body, a: a}
	}
	return res, nil
}

// finish hands the attempt over for judging, once.
func (a *attempt) finish() {
	a.done.Do(func() {
		a.took = time.Since(a.start)
		if a.t.queue == nil {
			a.judge()
			return
		}
		a.size = a.sent.len() + a.got.len()
		a.t.held.Add(a.size)
		select {
		case a.t.queue <- a:
			a.t.work()
		default:
			a.t.held.Add(-a.size)
			a.t.dropped.Add(1)
		}
	})
}

// work starts the one goroutine that judges, unless it is there already.
func (t *transport) work() {
	if !t.working.CompareAndSwap(false, true) {
		return
	}
	go func() {
		for {
			select {
			case a := <-t.queue:
				a.judge()
				t.held.Add(-a.size)
				continue
			default:
			}
			t.working.Store(false)
			// Something may have been queued before that store was seen.
			if len(t.queue) == 0 || !t.working.CompareAndSwap(false, true) {
				return
			}
		}
	}()
}

func (a *attempt) judge() {
	c := a.t.c
	r := Report{Provider: c.provider, Method: a.req.Method, Status: a.status, Err: a.err, Took: a.took, Dropped: a.t.dropped.Swap(0)}
	if r.Err == nil {
		r.Err = a.got.failure()
	}
	body, whole := a.sent.bytes()
	r.Operation, r.Violations = c.RequestBytes(&a.req, body)
	if !whole {
		r.Violations = onlyHead(r.Violations, InRequest)
	}
	if a.status != 0 && r.Operation != "" {
		r.Violations = append(r.Violations, a.answer(&r)...)
	}
	a.t.report(r)
}

func (a *attempt) answer(r *Report) []Violation {
	c := a.t.c
	body, whole := a.got.bytes()
	v := c.ResponseBytes(&a.req, a.status, a.header, body)
	switch {
	case a.got.over():
		v = append(onlyHead(v, InResponse), Violation{
			Provider: c.provider, Operation: r.Operation, In: InResponse, Status: a.status, Where: "body",
			What: "is longer than what is kept for judging", Kind: Unjudged, Rule: "limit",
		})
	case !whole && !complete(body):
		// The caller stopped reading; what is there proves nothing.
		r.Incomplete = true
		v = onlyHead(v, InResponse)
	}
	return v
}

// complete reports whether what was read before the caller closed the body is
// a JSON value: decoders stop at its last byte.
func complete(b []byte) bool {
	_, faults, ok := parseJSON(b)
	return ok && len(faults) == 0
}

// onlyHead keeps what does not depend on the body.
func onlyHead(vs []Violation, in In) []Violation {
	var out []Violation
	for _, v := range vs {
		switch v.Rule {
		case "security", "status", "route", "content-type":
			out = append(out, v)
		default:
			if v.In != in || len(v.Where) > 6 && (v.Where[:6] == "header" || v.Where[:6] == "query ") {
				out = append(out, v)
			}
		}
	}
	return out
}

// tee keeps a copy of what passes, up to a cap. The transport may still be
// reading a request's body when its answer has arrived, hence the lock.
type tee struct {
	mu    sync.Mutex
	b     []byte
	cap   int64
	total int64
	ended bool
	err   error
}

func (t *tee) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(len(p))
	if room := t.cap - int64(len(t.b)); room > 0 {
		t.b = append(t.b, p[:min(int64(len(p)), room)]...)
	}
}

// end notes that nothing more will come, because of err if it is not nil.
func (t *tee) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.ended = true
	} else if t.err == nil {
		t.err = err
	}
}

func (t *tee) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *tee) len() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(len(t.b))
}

func (t *tee) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total > t.cap
}

// bytes returns what was kept, and whether it is everything. The slice is not
// written to again: later writes append past its end.
func (t *tee) bytes() (b []byte, whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b[:len(t.b):len(t.b)], t.ended && t.total == int64(len(t.b))
}

// request returns a copy of a request whose body is teed. The copy's GetBody
// starts over, so that a connection that was lost before the request was read
// is retried as without us.
func (t *tee) request(req *http.Request) *http.Request {
	out := *req // a shallow copy: what it refers to is not changed
	out.Body = &teeRequest{body: req.Body, t: t, left: req.ContentLength}
	if get := req.GetBody; get != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := get()
			if err != nil {
				return nil, err
			}
			t.mu.Lock()
			t.b, t.total, t.ended = nil, 0, false
			t.mu.Unlock()
			return &teeRequest{body: body, t: t, left: req.ContentLength}, nil
		}
	}
	return &out
}

type teeRequest struct {
	body io.ReadCloser
	t    *tee
	left int64 // what Content-Length announced; net/http need not read on to EOF
}

func (r *teeRequest) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.t.write(p[:n])
	if r.left -= int64(n); err == io.EOF || r.left == 0 {
		r.t.end(nil)
	}
	return n, err
}

func (r *teeRequest) Close() error { return r.body.Close() }

type teeBody struct {
	body io.ReadCloser
	a    *attempt
}

func (b *teeBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.a.got.write(p[:n])
	switch err {
	case nil:
	case io.EOF:
		b.a.got.end(nil)
		b.a.finish()
	default:
		b.a.got.end(err)
	}
	return n, err
}

func (b *teeBody) Close() error {
	err := b.body.Close()
	b.a.finish()
	return err
}
