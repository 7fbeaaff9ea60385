package contract

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Response judges an answer to a request. The body is read up to the limit
// and put back.
func (c *Checker) Response(req *http.Request, res *http.Response) []Violation {
	body, restored, err := peek(res.Body, c.limit)
	res.Body = restored
	v := c.ResponseBytes(req, res.StatusCode, res.Header, body)
	if err != nil {
		op, _ := c.Operation(req)
		v = append(v, c.unread(op, InResponse, res.StatusCode))
	}
	return v
}

// ResponseBytes judges an answer whose body has been read already. Of the
// request only method and path matter.
func (c *Checker) ResponseBytes(req *http.Request, status int, h http.Header, body []byte) []Violation {
	f, allowed := c.routes.find(req.Method, req.URL.EscapedPath())
	if f.op == nil {
		return []Violation{c.noRoute(req.Method, allowed)}
	}
	j := &judgement{c: c, op: f.op.info.ID, in: InResponse, status: status}
	r := f.op.response(status)
	if r == nil {
		j.broken("status", "status", "is not documented", strings.Join(f.op.info.Statuses, ", "))
		return j.v
	}
	j.headers(r, canonical(h))
	if req.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		if len(body) > 0 {
			j.broken("body", "body", "is there", "none")
		}
		return j.v
	}
	j.body(r.Content, len(r.Content) > 0, h, body, c.asResponse)
	return j.v
}

func (j *judgement) headers(r *openapi3.Response, h http.Header) {
	if len(r.Headers) == 0 {
		return
	}
	names := make([]string, 0, len(r.Headers))
	for name := range r.Headers {
		if !strings.EqualFold(name, "Content-Type") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		spec, at := r.Headers[name].Value, "header "+name
		values := h.Values(name)
		if len(values) == 0 {
			if spec.Required {
				j.broken("required", at, "is missing", "it, as a required header")
			}
			continue
		}
		if spec.Schema == nil || spec.Schema.Value == nil {
			continue
		}
		s := spec.Schema.Value
		if s.Type.Includes(openapi3.TypeArray) || s.Type.Includes(openapi3.TypeObject) {
			continue
		}
		if err := s.VisitJSON(scalar(s, values[0]), j.c.asResponse...); err != nil {
			j.explain(err, at, 0)
		}
	}
}

// peek reads a body under a cap and returns what was read and a body that
// reads as if nothing had happened, the error included.
func peek(body io.ReadCloser, limit int64) ([]byte, io.ReadCloser, error) {
	if body == nil || body == http.NoBody {
		return nil, body, nil
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	rest := io.Reader(body)
	if err != nil {
		rest = failed{err}
	}
	return b, &restored{Reader: io.MultiReader(bytes.NewReader(b), rest), Closer: body}, err
}

type restored struct {
	io.Reader
	io.Closer
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
