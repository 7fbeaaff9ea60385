package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	stdio "io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/contract/record"
)

const proxyHelp = `Give the client the printed address as its base URL. Traffic passes unaltered,
every exchange is judged, and each violation is printed when it happens: what
is broken each time, what is undocumented once. The summary comes at the end,
at Ctrl-C. -format json prints one object per line: {"violation":…}, then
{"summary":…} in the shape of payctl check.

-record appends the exchanges to a file of JSON lines that payctl check reads,
with placeholders for credentials: authorization, API keys, cookies, passwords,
tokens, card numbers. Names, addresses and amounts stay; keep the file to
yourself. Exchanges are written as addressed to the document's own server.

Exit status: 0 all held; 1 something broke, or had no whole answer; 2 wrong use.
`

func runProxy(ctx context.Context, fs *flag.FlagSet, args []string, io IO) (err error) {
	provider := fs.String("provider", "", "whose document to judge by")
	upstream := fs.String("upstream", "", "base URL of the provider: https, or http on loopback, such as a sandbox's")
	addr := fs.String("addr", "127.0.0.1:0", "loopback address and port; port 0 picks a free one")
	file := fs.String("record", "", "append the exchanges to this file, without credentials")
	format := fs.String("format", "text", "text or json")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if err := oneOf("format", *format, "text", "json"); err != nil {
		return err
	}
	if *provider == "" || *upstream == "" {
		return errors.New("needs -provider and -upstream")
	}
	if err := knownProvider(*provider); err != nil {
		return err
	}
	to, err := upstreamURL(*upstream)
	if err != nil {
		return err
	}
	c, err := contract.For(*provider)
	if err != nil {
		return err
	}
	l, err := listenLoopback(ctx, *addr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // Serve closes it too
	host, path := home(c)
	w := &witness{c: c, home: host + path, prefix: strings.TrimSuffix(to.EscapedPath(), "/"), judge: record.NewJudge(c), told: map[contract.Violation]bool{}, out: io.Out, json: *format == "json"}
	if *file != "" {
		f, err := os.OpenFile(*file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w.record, w.redact = f, newRedactor(c)
	}
	fmt.Fprintf(io.Err, "proxy ready: %s_BASE_URL=http://%s stands before %s (stop with Ctrl-C)\n", strings.ToUpper(*provider), l.Addr(), to)
	if err := w.serve(ctx, l, to); err != nil {
		return err
	}
	return w.end()
}

func upstreamURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("-upstream cannot be read as a URL") // the cause quotes it
	case u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("-upstream must be an http or https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("-upstream must hold no user, query or fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("-upstream %s: http is for loopback; credentials travel over https only", u.Host)
	}
	return u, nil
}

// listenLoopback refuses other addresses: whoever reaches the proxy reaches
// the provider.
func listenLoopback(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !loopback(host) {
		return nil, fmt.Errorf("-addr %s is not a loopback address", addr)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

// serve passes traffic through until the context ends and what is under way
// is done, or has had its time.
func (w *witness) serve(ctx context.Context, l net.Listener, to *url.URL) error {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.DisableCompression = true // else the client gets another body than was sent
	base.MaxIdleConnsPerHost = 64
	defer base.CloseIdleConnections()
	w.base = base
	silent := log.New(stdio.Discard, "", 0) // net/http's messages may quote traffic; ours do not
	srv := &http.Server{
		ErrorLog: silent, ReadHeaderTimeout: 10 * time.Second,
		Handler: &httputil.ReverseProxy{
			Transport: w, FlushInterval: -1, ErrorLog: silent,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.URL.RawQuery = r.In.URL.RawQuery // else what cannot be parsed is dropped
				for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
					if v, ok := r.In.Header[name]; ok {
						r.Out.Header[name] = v
					}
				}
			},
			ErrorHandler: func(rw http.ResponseWriter, r *http.Request, err error) {
				status := http.StatusBadGateway
				if timeout(err) {
					status = http.StatusGatewayTimeout
				}
				http.Error(rw, "payctl proxy: "+reason(err), status)
			},
		},
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-stopped
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// witness is the proxy's RoundTripper: it keeps a copy of each exchange, and
// judges and records it when the answer has passed.
type witness struct {
	base         http.RoundTripper
	c            *contract.Checker
	home, prefix string

	mu     sync.Mutex // around everything below
	n      int
	judge  *record.Judger
	cut    []string // exchanges without a whole answer
	told   map[contract.Violation]bool
	out    stdio.Writer
	json   bool
	record stdio.Writer
	redact *redactor
	failed error // of writing the record
}

// maxBody is what is kept of a body; the checker does not judge longer ones.
const maxBody = 10 << 20

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	e := &passing{w: w, sent: &copied{}, got: &copied{}}
	e.x = contract.Exchange{Time: time.Now().UTC(), Method: req.Method, URL: w.local(req.URL), RequestHeader: req.Header.Clone()}
	if req.Body != nil && req.Body != http.NoBody {
		out := *req // a RoundTripper does not change its request
		out.Body = &copiedBody{ReadCloser: req.Body, to: e.sent, left: req.ContentLength}
		req = &out
	} else {
		e.sent.whole = true
	}
	res, err := w.base.RoundTrip(req)
	if err != nil {
		e.end(err)
		return nil, err
	}
	e.x.Status, e.x.ResponseHeader = res.StatusCode, res.Header.Clone()
	if res.StatusCode == http.StatusSwitchingProtocols { // the body is the connection, and must stay what it is
		e.got.whole = true
		e.end(nil)
		return res, nil
	}
	res.Body = &copiedBody{ReadCloser: res.Body, to: e.got, left: -1, done: e.end}
	return res, nil
}

// local is the URL as if the document's own server had been called.
func (w *witness) local(u *url.URL) string {
	s := w.home + strings.TrimPrefix(u.EscapedPath(), w.prefix)
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	return s
}

// passing is an exchange under way.
type passing struct {
	w         *witness
	x         contract.Exchange
	sent, got *copied
	once      sync.Once
}

// end judges the exchange. The error is that of the attempt.
func (e *passing) end(err error) {
	e.once.Do(func() {
		var whole bool
		if e.x.RequestBody, whole = e.sent.bytes(); !whole {
			e.x.RequestBody, e.x.NoRequestBody = nil, true
		}
		if e.x.ResponseBody, whole = e.got.bytes(); !whole && e.x.Status != 0 {
			e.x.ResponseBody, e.x.NoResponseBody = nil, true
		}
		e.w.saw(e.x, err)
	})
}

func (w *witness) saw(x contract.Exchange, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	x.Source = fmt.Sprintf("exchange %d", w.n)
	for _, v := range w.judge.Add(x) {
		if v.Kind == contract.Broken || !w.told[v] {
			w.tell(v)
		}
		if len(w.told) < maxFindings {
			w.told[v] = true
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) { // the client may leave
		line := fmt.Sprintf("%s: %s", x.Source, reason(err))
		if len(w.cut) < 100 {
			w.cut = append(w.cut, line)
		}
		w.judge.Fail(errors.New(line))
		w.print(map[string]any{"exchange": w.n, "error": reason(err)}, "#"+line[len("exchange "):])
	}
	if w.record != nil && w.failed == nil {
		w.failed = record.WriteJSONLine(w.record, w.redact.exchange(x))
	}
}

func (w *witness) tell(v contract.Violation) {
	w.print(map[string]any{"exchange": w.n, "violation": v}, fmt.Sprintf("#%d %s", w.n, v))
}

func (w *witness) print(object map[string]any, line string) {
	if w.json {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(object) // plain data
		_, _ = w.out.Write(b.Bytes())
		return
	}
	fmt.Fprintln(w.out, line)
}

// end prints the summary.
func (w *witness) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	col := newCollector(false)
	col.provider(w.c)
	sum := w.judge.Summary()
	col.recording(sum, []*contract.Checker{w.c})
	col.input(input{Path: "traffic", Kind: kindLive, Provider: w.c.Provider(), Judged: sum.Exchanges, Foreign: sum.Foreign, Damaged: sum.Damaged, Errors: w.cut})
	r := col.report()
	if w.json {
		w.print(map[string]any{"summary": r}, "")
	} else {
		fmt.Fprintf(w.out, "\n%s", r.text())
	}
	if w.failed != nil {
		return fmt.Errorf("the recording is incomplete: %w", w.failed)
	}
	if !r.OK {
		return errFailed
	}
	return nil
}

// copied keeps a copy of what passes. The transport may still be reading a
// request's body when its answer has arrived, hence the lock.
type copied struct {
	mu    sync.Mutex
	b     []byte
	over  bool
	whole bool
}

func (c *copied) bytes() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b[:len(c.b):len(c.b)], c.whole && !c.over
}

type copiedBody struct {
	stdio.ReadCloser
	to   *copied
	left int64 // of a request: what Content-Length announced; net/http need not read on to EOF
	done func(error)
}

func (b *copiedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.mu.Lock()
	if len(b.to.b)+n > maxBody {
		b.to.over = true
	} else {
		b.to.b = append(b.to.b, p[:n]...)
	}
	if b.left -= int64(n); err == stdio.EOF || b.left == 0 {
		b.to.whole = true
	}
	b.to.mu.Unlock()
	if err != nil && b.done != nil {
		if err == stdio.EOF {
			b.done(nil)
		} else {
			b.done(err)
		}
	}
	return n, err
}

func (b *copiedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.done != nil {
		b.done(nil)
	}
	return err
}

func timeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// reason says why there was no whole answer. Messages of net/http may quote
// what was received, so that only those of known kinds are passed on.
func reason(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return "the client left"
	case timeout(err):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the upstream's name is not found"
	case errors.As(err, &cert):
		return "the upstream's certificate is not trusted"
	case errors.As(err, &errno):
		return "no connection to the upstream: " + errno.Error()
	case errors.Is(err, stdio.EOF), errors.Is(err, stdio.ErrUnexpectedEOF):
		return "the upstream ended the answer too early"
	}
	return "the upstream's answer is no HTTP"
}
