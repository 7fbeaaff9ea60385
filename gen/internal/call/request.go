// Package call is the part of the generated clients that is the same for all
// of them: it builds a request, sends it and turns the answer into a value or
// an *apierr.Error.
package call

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/oapi-codegen/runtime"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// Server is what the requests of one provider have in common. It remembers the
// parsed form of the base URL a client used last, so that it is parsed once and
// not on every call.
type Server struct {
	// Operations of the document, by id.
	Operations map[string]*operation.Operation

	last     atomic.Pointer[parsed]
	once     sync.Once
	siblings map[string][][]string
}

// collides reports whether the path parameters make another operation's path.
func (s *Server) collides(op *operation.Operation, values []string) bool {
	s.once.Do(func() { s.siblings = siblings(s.Operations) })
	return collides(s.siblings[op.ID], values)
}

type parsed struct {
	text string
	url  *url.URL
}

func (s *Server) parse(text string) (*url.URL, error) {
	if p := s.last.Load(); p != nil && p.text == text {
		return p.url, nil
	}
	u, err := authn.ParseBaseURL(text)
	if err != nil {
		return nil, err
	}
	s.last.Store(&parsed{text, u})
	return u, nil
}

// Builder puts one request together. The first mistake is kept and returned by
// Request, so that the generated code reads as a list.
type Builder struct {
	ctx    context.Context
	op     *operation.Operation
	common *Server
	server *url.URL
	path   string   // decoded
	raw    string   // encoded
	values []string // the path parameters
	query  string
	header http.Header
	body   io.Reader
	err    error
}

// NewBuilder begins a request of an operation.
func NewBuilder(ctx context.Context, server string, cache *Server, op *operation.Operation) *Builder {
	b := &Builder{ctx: ctx, op: op, header: make(http.Header, 6)}
	if ctx == nil {
		b.fail("the context is nil")
		return b
	}
	u, err := cache.parse(server)
	if err != nil {
		b.fail("%w", err)
		return b
	}
	b.common, b.server, b.path, b.raw = cache, u, u.Path, u.EscapedPath()
	b.header.Set("Accept", "application/json")
	return b
}

// Accept asks for another kind of answer than JSON.
func (b *Builder) Accept(mediaType string) { b.header.Set("Accept", mediaType) }

// EditBuilder begins a change of a request that exists; Apply makes it.
func EditBuilder(req *http.Request, op *operation.Operation) *Builder {
	return &Builder{ctx: req.Context(), op: op, header: req.Header}
}

// Apply adds the parameters to the request. It refuses a request of another
// operation.
func (b *Builder) Apply(req *http.Request) error {
	if op, ok := operation.From(req.Context()); !ok || op.String() != b.op.String() {
		b.fail("parameters of this operation on a request of another")
	}
	if b.err != nil {
		return b.err
	}
	if b.query != "" {
		if req.URL.RawQuery != "" {
			req.URL.RawQuery += "&"
		}
		req.URL.RawQuery += b.query
	}
	return nil
}

// fail keeps the first mistake, as the error that all calls return: nothing
// was sent, and sending the same again will not help.
func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = &apierr.Error{Operation: *b.op, Kinds: []error{apierr.ErrValidation}, Err: fmt.Errorf(format, args...)}
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
	if len(b.values) > 0 && b.err == nil && b.common.collides(b.op, b.values) {
		b.fail("path parameters %q name another operation", b.values)
	}
}

func (b *Builder) literal(s string) {
	b.path += s
	b.raw += s
}

// segment appends a path parameter. A value that would change which endpoint
// is called is refused: with ".." a request and its credentials would reach the
// parent endpoint.
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
	if strays(dec) {
		b.fail("path parameter %s is empty, or holds \".\", \"..\" or a control character", name)
		return
	}
	b.path += dec
	b.raw += enc
	b.values = append(b.values, dec)
}

// strays reports whether a path parameter, decoded as often as a careless server
// might, is or holds a segment that a server would resolve away. Proxies are
// known that take %2F and \ for a slash, and "..;x" for "..".
func strays(s string) bool {
	for range 4 {
		if s == "" || strings.ContainsFunc(s, unicode.IsControl) {
			return true
		}
		for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
			part, _, _ = strings.Cut(part, ";")
			if part == "." || part == ".." {
				return true
			}
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
	if b.query != "" && enc != "" {
		b.query += "&"
	}
	b.query += enc
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
	buf, ok := b.encode(v)
	if !ok {
		return
	}
	b.Body(contentType, bytes.NewReader(buf))
}

// encode refuses what would be sent as something else than what was meant.
func (b *Builder) encode(v any) ([]byte, bool) {
	if name, found := emptyNumber(v); found {
		b.fail("body: member %s is an empty json.Number, which would be sent as 0", name)
		return nil, false
	}
	buf, err := jsonx.Marshal(v)
	switch {
	case err != nil:
		b.fail("encode body: %w", err)
	case string(buf) == "null":
		if v != nil && reflect.TypeOf(v).Kind() == reflect.Map {
			return []byte("{}"), true // a nil map is an empty one
		}
		b.fail("the body is nil")
	default:
		return buf, true
	}
	return nil, false
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
	buf, ok := b.encode(v)
	if !ok {
		return
	}
	err := jsonx.Members(buf, func(name string, value []byte) {
		text := string(value)
		if text == "null" {
			return // these formats have no null
		}
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
		b.fail("%w", err)
		return nil, b.err
	}
	*req.URL = *b.server
	req.URL.Path, req.URL.RawPath = b.path, b.raw
	if b.raw == b.path {
		req.URL.RawPath = ""
	}
	req.URL.RawQuery = b.query
	req.Host, req.Header = b.server.Host, b.header
	return req, nil
}
