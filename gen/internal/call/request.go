// Package call is the part of the generated clients that is the same for all
// of them: it builds a request, sends it and turns the answer into a value or
// an *apierr.Error.
package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/oapi-codegen/runtime"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// Server remembers the parsed form of the base URL a client used last, so that
// it is parsed once and not on every call.
type Server struct{ last atomic.Pointer[parsed] }

type parsed struct {
	text string
	url  *url.URL
}

func (s *Server) parse(text string) (*url.URL, error) {
	if p := s.last.Load(); p != nil && p.text == text {
		return p.url, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("base URL cannot be parsed") // url.Error repeats the text, which may hold a password
	}
	if u.Scheme == "" || u.Host == "" {
		return nil, errors.New("base URL needs a scheme and a host")
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""
	s.last.Store(&parsed{text, u})
	return u, nil
}

// Builder puts one request together. The first mistake is kept and returned by
// Request, so that the generated code reads as a list.
type Builder struct {
	ctx    context.Context
	op     *operation.Operation
	url    url.URL
	path   strings.Builder // decoded
	raw    strings.Builder // encoded
	query  []string
	header http.Header
	body   io.Reader
	err    error
}

// NewBuilder begins a request of an operation.
func NewBuilder(ctx context.Context, server string, cache *Server, op *operation.Operation) *Builder {
	b := &Builder{ctx: ctx, op: op, header: make(http.Header, 6)}
	u, err := cache.parse(server)
	if err != nil {
		b.fail("%w", err)
		return b
	}
	b.url = *u
	b.path.WriteString(u.Path)
	b.raw.WriteString(u.EscapedPath())
	b.header.Set("Accept", "application/json")
	return b
}

// EditBuilder begins a change of a request that exists; Apply makes it.
func EditBuilder(req *http.Request, op *operation.Operation) *Builder {
	return &Builder{ctx: req.Context(), op: op, header: req.Header}
}

// Apply adds the parameters to the request. It refuses a request of another
// operation.
func (b *Builder) Apply(req *http.Request) error {
	if op, ok := operation.From(req.Context()); !ok || op.ID != b.op.ID {
		b.fail("parameters of this operation on a request of another")
	}
	if b.err != nil {
		return b.err
	}
	if len(b.query) > 0 {
		list := b.query
		if req.URL.RawQuery != "" {
			list = append([]string{req.URL.RawQuery}, list...)
		}
		req.URL.RawQuery = strings.Join(list, "&")
	}
	return nil
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %s: "+format, append([]any{b.op.Provider, b.op.ID}, args...)...)
	}
}

// Missing refuses the request because a parameter object is absent.
func (b *Builder) Missing(name string) { b.fail("parameter %s is required", name) }

// Path appends a path template and fills its parameters in order.
func (b *Builder) Path(template string, values ...any) {
	for _, v := range values {
		open := strings.IndexByte(template, '{')
		end := strings.IndexByte(template, '}')
		if open < 0 || end < open {
			b.fail("path template and parameters do not agree")
			return
		}
		b.literal(template[:open])
		b.segment(template[open+1:end], v)
		template = template[end+1:]
	}
	b.literal(template)
}

func (b *Builder) literal(s string) {
	b.path.WriteString(s)
	b.raw.WriteString(s)
}

// segment appends a path parameter. A value that would change which endpoint
// is called (empty, "." or "..", plainly or percent-encoded) is refused: with
// ".." a request and its credentials would reach the parent endpoint.
func (b *Builder) segment(name string, value any) {
	enc, err := runtime.StyleParamWithOptions("simple", false, name, value, runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationPath})
	if err != nil {
		b.fail("path parameter %s: %w", name, err)
		return
	}
	dec, err := url.PathUnescape(enc)
	if err != nil {
		b.fail("path parameter %s: cannot be escaped", name)
		return
	}
	if dots(dec) {
		b.fail("path parameter %s is empty, \".\" or \"..\"", name)
		return
	}
	b.path.WriteString(dec)
	b.raw.WriteString(enc)
}

// dots reports whether s, decoded as often as a careless server might, is a
// segment that a server would resolve away.
func dots(s string) bool {
	for range 4 {
		if s == "" || s == "." || s == ".." {
			return true
		}
		next, err := url.PathUnescape(s)
		if err != nil || next == s {
			return false
		}
		s = next
	}
	return false
}

// Query adds a query parameter in the style that the document gives.
func (b *Builder) Query(name, style string, explode bool, typ, format string, value any) {
	enc, err := runtime.StyleParamWithOptions(style, explode, name, value, runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationQuery, Type: typ, Format: format})
	if err != nil {
		b.fail("query parameter %s: %w", name, err)
		return
	}
	b.query = append(b.query, enc)
}

// Header sets a header parameter. An empty one is refused.
func (b *Builder) Header(name string, value any) {
	enc, err := runtime.StyleParamWithOptions("simple", false, name, value, runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationHeader})
	if err != nil {
		b.fail("header %s: %w", name, err)
		return
	}
	if enc == "" || strings.ContainsAny(enc, "\r\n\x00") {
		b.fail("header %s is empty or holds a line break", name)
		return
	}
	b.header.Set(name, enc)
}

// Cookie adds a cookie parameter.
func (b *Builder) Cookie(name string, value any) {
	enc, err := runtime.StyleParamWithOptions("simple", false, name, value, runtime.StyleParamOptions{ParamLocation: runtime.ParamLocationCookie})
	if err != nil {
		b.fail("cookie %s: %w", name, err)
		return
	}
	b.header.Add("Cookie", (&http.Cookie{Name: name, Value: enc}).String())
}

// JSON sets a JSON body.
func (b *Builder) JSON(contentType string, v any) {
	buf, err := jsonx.Marshal(v)
	if err != nil {
		b.fail("encode body: %w", err)
		return
	}
	b.Body(contentType, bytes.NewReader(buf))
}

// Form sets a body of urlencoded pairs in the order of the struct's fields.
func (b *Builder) Form(v any) {
	var buf strings.Builder
	b.pairs(v, func(name, value string) error {
		if buf.Len() > 0 {
			buf.WriteByte('&')
		}
		buf.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(value))
		return nil
	})
	b.Body("application/x-www-form-urlencoded", strings.NewReader(buf.String()))
}

// Multipart sets a multipart/form-data body in the order of the struct's
// fields. It is built in memory, so that it can be sent again after a 401.
func (b *Builder) Multipart(v any) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	b.pairs(v, w.WriteField)
	if err := w.Close(); err != nil {
		b.fail("encode body: %w", err)
		return
	}
	b.Body(w.FormDataContentType(), bytes.NewReader(buf.Bytes()))
}

// pairs calls f for each member of v's JSON object; strings lose their quotes.
func (b *Builder) pairs(v any, f func(name, value string) error) {
	buf, err := jsonx.Marshal(v)
	if err != nil {
		b.fail("encode body: %w", err)
		return
	}
	err = jsonx.Members(buf, func(name string, value []byte) {
		text := string(value)
		if len(value) > 0 && value[0] == '"' {
			if err := jsonx.Unmarshal(value, &text); err != nil {
				b.fail("encode body: %w", err)
			}
		}
		if err := f(name, text); err != nil {
			b.fail("encode body: %w", err)
		}
	})
	if err != nil {
		b.fail("encode body: %w", err)
	}
}

// Body sets any body under any content type.
func (b *Builder) Body(contentType string, body io.Reader) {
	if contentType == "" {
		b.fail("the body's content type is empty")
		return
	}
	b.header.Set("Content-Type", contentType)
	b.body = body
}

// Request returns the finished request. Its context carries the operation.
func (b *Builder) Request() (*http.Request, error) {
	if b.err != nil {
		return nil, b.err
	}
	req, err := http.NewRequestWithContext(operation.With(b.ctx, b.op), b.op.Method, "", b.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", b.op.Provider, b.op.ID, err)
	}
	u := b.url
	u.Path, u.RawPath = b.path.String(), b.raw.String()
	if u.RawPath == u.Path {
		u.RawPath = ""
	}
	u.RawQuery = strings.Join(b.query, "&")
	req.URL, req.Host, req.Header = &u, u.Host, b.header
	return req, nil
}
