package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

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
	// Required are top-level members, at most 64, without which the body is no
	// success; Within are those of the object that Result holds.
	Required, Within []string
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

// Open makes a call whose answer nobody documented. An object is decoded, and
// no body gives an empty map, since nobody promised one. Anything else is an
// error: it could not be returned, and a list or a text may well say "no".
func Open(c Caller, req *http.Request, editors []Editor) (map[string]any, error) {
	res, body, err := c.send(req, editors)
	if err != nil {
		return nil, err
	}
	v := map[string]any{}
	switch text := bytes.TrimSpace(body); {
	case len(text) == 0, string(text) == "null":
		return v, nil
	case text[0] != '{':
		return nil, c.unexpected(req, res, body, errors.New("the body is no JSON object"))
	}
	if err := decodeOpen(body, &v); err != nil {
		return nil, c.unexpected(req, res, body, fmt.Errorf("decode body: %w", err))
	}
	return v, nil
}

// Bytes makes a call whose answer is a file. A page is none: it is what a login
// form or a proxy sends.
func Bytes(c Caller, req *http.Request, editors []Editor) ([]byte, error) {
	res, body, err := c.send(req, editors)
	switch {
	case err != nil:
		return nil, err
	case len(body) == 0, markup(body):
		return nil, c.unexpected(req, res, body, errors.New("the body is no file"))
	}
	return body, nil
}

// Nothing makes a call whose success has no documented body. Of a write, a body
// that is not JSON is no success: "money sent" must not rest on a proxy's page.
func Nothing(c Caller, req *http.Request, editors []Editor) error {
	res, body, err := c.send(req, editors)
	if err == nil && c.mayChange(req) && len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
		return c.unexpected(req, res, body, errors.New("the body is neither empty nor JSON"))
	}
	return err
}

func markup(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body[:min(len(body), 64)]), []byte("<"))
}

func (c Caller) value(req *http.Request, editors []Editor, shape Shape, v any) error {
	res, body, err := c.send(req, editors)
	if err != nil {
		return err
	}
	value, err := shape.find(body)
	if err == nil {
		if err = jsonx.Unmarshal(value, v); err != nil {
			err = fmt.Errorf("decode body: %w", err)
		} else if len(shape.Required)+len(shape.Within) == 0 && !recognised(value, v) {
			err = errors.New("the body holds none of the documented members")
		}
	}
	if err != nil {
		return c.unexpected(req, res, body, err)
	}
	return nil
}

// find returns the part of a body that is the value, or why there is none.
func (s Shape) find(body []byte) ([]byte, error) {
	switch {
	case len(bytes.TrimSpace(body[:min(len(body), 64)])) == 0:
		return nil, errors.New("the body is empty")
	case s.Result == "" && len(s.Required) == 0:
		if string(bytes.TrimSpace(body[:min(len(body), 64)])) == "null" {
			return nil, errors.New("the body is null")
		}
		return body, nil
	}
	value := body
	if s.Result != "" {
		value = nil
	}
	missing, err := members(body, s.Required, func(name, raw []byte) {
		if s.Result != "" && string(name) == s.Result {
			value = raw
		}
	})
	if err == nil && s.Result != "" && (value == nil || string(value) == "null") {
		missing = s.Result
	}
	if err == nil && missing == "" && len(s.Within) > 0 {
		missing, err = members(value, s.Within, nil)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("decode body: %w", err)
	case missing != "":
		return nil, fmt.Errorf("member %q is missing or empty", missing)
	}
	return value, nil
}

// members walks an object and returns the first required member that is not
// there, is null, or is empty where that makes it useless.
func members(body []byte, required []string, visit func(name, raw []byte)) (missing string, err error) {
	var have uint64 // of required, by position
	err = jsonx.Walk(body, func(name, raw []byte) {
		if visit != nil {
			visit(name, raw)
		}
		for i, want := range required {
			if string(name) != want {
				continue
			}
			if string(raw) == "null" || (string(raw) == `""` && vital(want)) {
				have &^= 1 << i
			} else {
				have |= 1 << i
			}
		}
	})
	for i, name := range required {
		if err == nil && have&(1<<i) == 0 {
			return name, nil
		}
	}
	return "", err
}

// vital reports whether a required member is of no use when it is empty: an id
// or a token. An empty text elsewhere is the provider's business.
func vital(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "id") || strings.HasSuffix(name, "token") || name == "access" || name == "refresh"
}

// recognised reports whether an object that gave only zero values names at
// least one member that its type knows: an error in a shape that nobody
// documented would otherwise pass for an empty success.
func recognised(body []byte, v any) bool {
	value := reflect.ValueOf(v).Elem()
	if value.Kind() != reflect.Struct || !value.IsZero() {
		return true
	}
	known := false
	_ = jsonx.Members(body, func(name string, _ []byte) {
		for f := range value.Type().Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			known = known || tag == name
		}
	})
	return known
}

// Do applies the editors and sends the request. The answer is the caller's to
// close, whatever its status; the error is an *apierr.Error.
func (c Caller) Do(req *http.Request, editors []Editor) (*http.Response, error) {
	if c.Doer == nil {
		return nil, c.lost(req, errors.New("the client was not made by New"), false)
	}
	for _, list := range [2][]Editor{c.Editors, editors} {
		for _, edit := range list {
			if edit == nil {
				continue
			}
			if err := edit(req.Context(), req); err != nil {
				return nil, c.lost(req, err, false)
			}
		}
	}
	res, err := c.Doer.Do(req)
	if err == nil && (res == nil || res.Body == nil) {
		err = errors.New("the HttpRequestDoer returned no response")
	}
	if err != nil {
		return nil, c.lost(req, err, c.mayChange(req) && !errors.Is(err, authn.ErrNotSent))
	}
	return res, nil
}

// mayChange reports whether sending req may change something. A request that
// was built elsewhere does not say; of such only a GET does not.
func (c Caller) mayChange(req *http.Request) bool {
	switch operation.EffectOf(req.Context()) {
	case operation.Write:
		return true
	case "":
		return req.Method != "" && req.Method != http.MethodGet && req.Method != http.MethodHead
	}
	return false
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
		return nil, nil, c.unexpected(req, res, body, fmt.Errorf("read body: %w", err))
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
	e := c.base(req, res)
	if readErr != nil {
		e.Err = fmt.Errorf("read body: %w", readErr)
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
		e.Message = kindOfBody(body)
	}
	if c.mayChange(req) && !refusal(e, known) {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	return newScrubber(req, res).error(e, body)
}

// refusal reports whether an error answer to a write says that the write was
// not done.
func refusal(e *apierr.Error, known bool) bool {
	switch s := e.Status; {
	case s >= 500, s == http.StatusRequestTimeout, s == 499: // the last two: a proxy that gave up
		// A gateway that lost its upstream does not know, and "internal error"
		// may come after the money moved. A reason does: a bad field, a limit.
		return known && !e.Is(apierr.ErrServer) && !e.Is(apierr.ErrUnexpectedResponse)
	case s >= 400:
		return true
	case s == http.StatusMovedPermanently, s == http.StatusTemporaryRedirect, s == http.StatusPermanentRedirect:
		return true // "send it there instead", which we did not
	case s >= 200 && s < 300:
		return known // an error in the provider's own words
	}
	return false
}

// unexpected describes a 2xx that is not what was promised.
func (c Caller) unexpected(req *http.Request, res *http.Response, body []byte, cause error) error {
	e := c.base(req, res)
	e.Add(apierr.ErrUnexpectedResponse)
	if c.mayChange(req) {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	e.Message, e.Err = kindOfBody(body), cause
	return newScrubber(req, res).error(e, body)
}

// lost describes a call without an answer.
func (c Caller) lost(req *http.Request, cause error, maybeSent bool) error {
	e := &apierr.Error{Operation: c.operation(req), Err: cause}
	var a *authn.Error
	if errors.As(cause, &a) {
		e.TokenCall, e.Status, e.Code, e.RetryAfter = true, a.Status, a.Code, a.RetryAfter
		if errors.Is(cause, authn.ErrRejected) {
			e.Add(apierr.ErrUnauthorized)
		} else if k := apierr.KindOf(a.Status); k != nil {
			e.Add(k)
		}
		if a.Status >= 200 && a.Status < 400 {
			e.Add(apierr.ErrUnexpectedResponse)
		}
		maybeSent = false // the token call failed, so the call itself was never made, or was refused
	}
	var later interface{ RetryAfter() time.Duration } // a limiter that knows
	if a == nil && errors.As(cause, &later) {
		e.Add(apierr.ErrRateLimited)
		e.RetryAfter = later.RetryAfter()
	}
	if maybeSent {
		e.Add(apierr.ErrOutcomeUnknown)
	}
	return newScrubber(req, nil).error(e, nil)
}

func (c Caller) operation(req *http.Request) operation.Operation {
	op, ok := operation.From(req.Context())
	if !ok {
		op = operation.Operation{ID: req.Method + " request", Method: req.Method}
		if c.Provider != nil {
			op.Provider = c.Provider.Name
		}
	}
	return op
}

func (c Caller) base(req *http.Request, res *http.Response) *apierr.Error {
	e := &apierr.Error{Operation: c.operation(req), Status: res.StatusCode, Header: res.Header.Clone()}
	for h := range e.Header {
		if secretName.MatchString(h) { // Set-Cookie, X-Auth-Token, Www-Authenticate …
			delete(e.Header, h)
		}
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
func kindOfBody(body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 512)]))
	switch {
	case text == "":
		return "empty body"
	case markup(body):
		return "HTML body"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "undocumented JSON body"
	}
	return fmt.Sprintf("%d bytes that are no JSON", len(body))
}

// decodeOpen decodes an object of unknown shape; numbers keep their digits.
func decodeOpen(body []byte, v *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
