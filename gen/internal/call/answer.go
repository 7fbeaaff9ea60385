package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// How much of a body is read: more is an error, not a full memory.
const (
	maxSuccess = 10 << 20
	maxFailure = 1 << 20
)

// Editor changes a request before it is sent.
type Editor = func(ctx context.Context, req *http.Request) error

// Doer sends a request.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Provider is what a provider's hand-written part knows about its answers.
type Provider struct {
	Name string
	// Decode fills code, message, fields and kinds from the body of an
	// answer and reports whether the body is one of the documented errors.
	Decode func(e *apierr.Error, body []byte) bool
	// Failed reports whether the body of a 2xx is an error all the same. It is
	// asked only about bodies that hold one of the Markers, so that a plain
	// success is parsed once.
	Failed  func(body []byte) bool
	Markers []string
}

// Caller sends the requests of one client.
type Caller struct {
	Doer     Doer
	Editors  []Editor
	Provider *Provider
}

// Shape says what a success looks like.
type Shape struct {
	// Result is the member that holds the value; empty if the body is it.
	Result string
	// Required are top-level members without which the body is no success.
	Required []string
}

// Object makes the call and returns the decoded object, never nil and nil.
func Object[T any](c Caller, req *http.Request, editors []Editor, shape Shape) (*T, error) {
	v := new(T)
	if err := c.value(req, editors, shape, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Value is Object for slices and other types that are returned as they are.
func Value[T any](c Caller, req *http.Request, editors []Editor, shape Shape) (T, error) {
	var v, zero T
	if err := c.value(req, editors, shape, &v); err != nil {
		return zero, err
	}
	return v, nil
}

// Open makes a call whose answer nobody documented. An object is decoded; an
// empty body or another JSON value gives an empty map, since a success must
// not be turned into a failure by what nobody promised.
func Open(c Caller, req *http.Request, editors []Editor) (map[string]any, error) {
	res, body, err := c.send(req, editors)
	if err != nil {
		return nil, err
	}
	v := map[string]any{}
	text := strings.TrimSpace(string(body))
	switch {
	case strings.HasPrefix(text, "<"):
		return nil, c.unexpected(req, res, body, errors.New("the body is markup, not JSON"))
	case strings.HasPrefix(text, "{"):
		if err := decodeOpen(body, &v); err != nil {
			return nil, c.unexpected(req, res, body, fmt.Errorf("decode body: %w", err))
		}
	}
	return v, nil
}

// Bytes makes a call whose answer is a file.
func Bytes(c Caller, req *http.Request, editors []Editor) ([]byte, error) {
	_, body, err := c.send(req, editors)
	return body, err
}

// Nothing makes a call whose success has no body.
func Nothing(c Caller, req *http.Request, editors []Editor) error {
	_, _, err := c.send(req, editors)
	return err
}

func (c Caller) value(req *http.Request, editors []Editor, shape Shape, v any) error {
	res, body, err := c.send(req, editors)
	if err != nil {
		return err
	}
	value := body
	if shape.Result != "" || len(shape.Required) > 0 {
		var found bool
		seen := 0
		err := jsonx.Members(body, func(name string, raw []byte) {
			if name == shape.Result && shape.Result != "" && string(raw) != "null" {
				value, found = raw, true
			}
			if slices.Contains(shape.Required, name) && string(raw) != "null" && string(raw) != `""` {
				seen++
			}
		})
		switch {
		case err != nil && len(body) == 0:
			return c.unexpected(req, res, body, errors.New("the body is empty"))
		case err != nil:
			return c.unexpected(req, res, body, fmt.Errorf("decode body: %w", err))
		case shape.Result != "" && !found:
			return c.unexpected(req, res, body, fmt.Errorf("member %q is missing", shape.Result))
		case seen < len(shape.Required):
			return c.unexpected(req, res, body, fmt.Errorf("a member of %q is missing or empty", shape.Required))
		}
	} else if len(body) == 0 {
		return c.unexpected(req, res, body, errors.New("the body is empty"))
	} else if strings.TrimSpace(string(body[:min(len(body), 16)])) == "null" {
		return c.unexpected(req, res, body, errors.New("the body is null"))
	}
	if err := jsonx.Unmarshal(value, v); err != nil {
		return c.unexpected(req, res, body, fmt.Errorf("decode body: %w", plain(err)))
	}
	return nil
}

// Do applies the editors and sends the request. The answer is the caller's to
// close, whatever its status; the error is an *apierr.Error.
func (c Caller) Do(req *http.Request, editors []Editor) (*http.Response, error) {
	for _, list := range [2][]Editor{c.Editors, editors} {
		for _, edit := range list {
			if err := edit(req.Context(), req); err != nil {
				return nil, c.lost(req, err, false)
			}
		}
	}
	op, _ := operation.From(req.Context())
	var wire wire
	sent := req
	if op.Effect == operation.Write {
		sent = req.WithContext(wire.trace(req.Context()))
	}
	res, err := c.Doer.Do(sent)
	if err != nil {
		return nil, c.lost(req, err, op.Effect == operation.Write && wire.mayHaveSent())
	}
	return res, nil
}

// send makes the call, reads the body under a cap and returns it only for a
// success.
func (c Caller) send(req *http.Request, editors []Editor) (*http.Response, []byte, error) {
	res, err := c.Do(req, editors)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	ok := res.StatusCode >= 200 && res.StatusCode < 300
	limit := maxFailure
	if ok {
		limit = maxSuccess
	}
	body, err := read(res, limit)
	if r := operation.Captured(req.Context()); r != nil {
		r.Status, r.Header, r.Body = res.StatusCode, res.Header, body
	}
	switch {
	case !ok:
		return nil, nil, c.failure(req, res, body, err)
	case err != nil:
		return nil, nil, c.unexpected(req, res, body, fmt.Errorf("read body: %w", plain(err)))
	case c.Provider.failed(body):
		return nil, nil, c.failure(req, res, body, nil)
	}
	return res, body, nil
}

func (p *Provider) failed(body []byte) bool {
	for _, m := range p.Markers {
		if bytes.Contains(body, []byte(m)) {
			return p.Failed(body)
		}
	}
	return false
}

func read(res *http.Response, limit int) ([]byte, error) {
	size := int64(512)
	if n := res.ContentLength; n > 0 {
		size = min(n, int64(limit)) + 1 // one more, so that the end is seen without growing
	}
	buf := make([]byte, 0, size)
	for {
		if len(buf) > limit {
			return buf[:limit], fmt.Errorf("the body is longer than %d bytes", limit)
		}
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(cap(buf), limit+1-cap(buf)))
		}
		n, err := res.Body.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// failure describes an answer that is an error.
func (c Caller) failure(req *http.Request, res *http.Response, body []byte, readErr error) error {
	e := c.base(req, res, body)
	if readErr != nil {
		e.Err = fmt.Errorf("read body: %w", plain(readErr))
	}
	e.RetryAfter, _ = apierr.RetryAfter(res.Header, body)
	known := c.Provider.Decode != nil && c.Provider.Decode(e, body)
	if len(e.Kinds) == 0 {
		e.Add(apierr.KindOf(res.StatusCode))
	}
	if len(e.Kinds) == 0 {
		e.Add(apierr.ErrUnexpectedResponse)
	}
	if e.Message == "" && !known {
		e.Message = kindOfBody(res, body)
	}
	// A gateway that lost its upstream does not know whether the write was
	// done. A provider's own error does: it says so in its own words.
	if e.Operation.Effect == operation.Write && res.StatusCode >= 500 && !known {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	return c.redact(e, req, res, body)
}

// unexpected describes a 2xx that is not what was promised.
func (c Caller) unexpected(req *http.Request, res *http.Response, body []byte, cause error) error {
	e := c.base(req, res, body)
	e.Add(apierr.ErrUnexpectedResponse)
	if e.Operation.Effect == operation.Write {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	e.Message, e.Err = kindOfBody(res, body), cause
	return c.redact(e, req, res, body)
}

// lost describes a call without an answer.
func (c Caller) lost(req *http.Request, cause error, maybeSent bool) error {
	op, _ := operation.From(req.Context())
	e := &apierr.Error{Operation: op, Err: plain(cause)}
	var a *authn.Error
	if errors.As(cause, &a) {
		e.TokenCall, e.Status, e.Code = true, a.Status, a.Code
		if errors.Is(cause, authn.ErrRejected) {
			e.Add(apierr.ErrUnauthorized)
		} else if k := apierr.KindOf(a.Status); k != nil {
			e.Add(k)
		}
		if a.Status >= 200 && a.Status < 400 {
			e.Add(apierr.ErrUnexpectedResponse)
		}
		maybeSent = false // the token call failed, so the call itself was never made
	}
	if maybeSent {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	return e
}

func (c Caller) base(req *http.Request, res *http.Response, body []byte) *apierr.Error {
	op, _ := operation.From(req.Context())
	e := &apierr.Error{Operation: op, Status: res.StatusCode, Header: res.Header.Clone()}
	for _, h := range []string{"Set-Cookie", "Authorization", "Proxy-Authorization", "Www-Authenticate"} {
		e.Header.Del(h)
	}
	for _, h := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "Cf-Ray"} {
		if v := res.Header.Get(h); v != "" {
			e.RequestID = v
			break
		}
	}
	return e
}

// kindOfBody says in a few words what came instead of the documented body.
func kindOfBody(res *http.Response, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 512)]))
	switch {
	case text == "":
		return "empty body"
	case strings.HasPrefix(text, "<"):
		return "HTML body"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "undocumented JSON body"
	}
	return fmt.Sprintf("%d bytes that are no JSON", len(body))
}

// plain takes the URL, which may hold secrets in its query, out of an error of
// net/http, and the offending text out of a decoding error.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// wire watches whether any byte of a write may have reached the provider.
type wire struct{ asked, got atomic.Bool }

func (w *wire) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true); w.got.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	})
}

// mayHaveSent is false only if a connection was asked for and never had. A
// transport that reports nothing gets the benefit of no doubt.
func (w *wire) mayHaveSent() bool { return !w.asked.Load() || w.got.Load() }
