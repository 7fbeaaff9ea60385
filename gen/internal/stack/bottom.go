package stack

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// bottom hands the request to the network. It tells a failure after which
// nothing can have reached the provider from all others: the first may be
// repeated by the caller, the other is an unknown outcome.
type bottom struct {
	base http.RoundTripper
	// traces: base reports its connections through net/http/httptrace, so that
	// no report means no connection. Of a stranger silence means nothing.
	traces bool
}

func newBottom(base http.RoundTripper) *bottom {
	_, traces := base.(*http.Transport)
	return &bottom{base, traces}
}

func (b *bottom) RoundTrip(req *http.Request) (*http.Response, error) {
	effect := operation.EffectOf(req.Context())
	if effect == operation.Read {
		return b.base.RoundTrip(req) // may be repeated anyway
	}
	changes := effect == operation.Write || (effect == "" && req.Method != http.MethodGet && req.Method != http.MethodHead)
	if changes && (has(req.Header, "Idempotency-Key") || has(req.Header, "X-Idempotency-Key")) {
		return nil, unsent(req, errors.New("an Idempotency-Key header makes net/http repeat a write by itself; the provider documents none"))
	}
	w := new(watch)
	w.trace.GetConn, w.trace.GotConn = w.ask, w.get
	res, err := b.base.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &w.trace)))
	if err != nil && !w.got.Load() && (b.traces || w.asked.Load()) {
		err = &notSent{err: err}
	}
	return res, err
}

// watch sees whether a request had a connection to leave through.
type watch struct {
	trace      httptrace.ClientTrace
	asked, got atomic.Bool
}

// ask may come again: net/http found its idle connection closed, and makes the
// attempt anew. Of a write it does so only if no byte was written.
func (w *watch) ask(string) { w.asked.Store(true); w.got.Store(false) }

func (w *watch) get(httptrace.GotConnInfo) { w.got.Store(true) }

// has looks for the key as net/http does: the name counts, not the value.
func has(h http.Header, name string) bool { _, ok := h[name]; return ok }

// notSent is a failure before anything left this machine. It reads like its
// cause and is [authn.ErrNotSent].
type notSent struct {
	err   error
	final bool
}

func (e *notSent) Error() string        { return e.err.Error() }
func (e *notSent) Unwrap() error        { return e.err }
func (e *notSent) Is(target error) bool { return target == authn.ErrNotSent }

// Final tells package retry not to try again.
func (e *notSent) Final() bool { return e.final }

// unsent refuses a request. A RoundTripper closes the body even when it fails.
func unsent(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &notSent{err: err, final: true}
}

// sameOrigin is the topmost layer: whatever an editor did to the request, it
// goes to the origin that the client was made for, or nowhere.
type sameOrigin struct {
	base   http.RoundTripper
	origin *url.URL
}

func (s *sameOrigin) RoundTrip(req *http.Request) (*http.Response, error) {
	if !authn.SameOrigin(s.origin, req.URL) {
		return nil, unsent(req, authn.ErrOrigin)
	}
	return s.base.RoundTrip(req)
}
