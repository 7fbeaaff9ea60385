package contract

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Request judges a request, as a client is about to send it or as a server
// received it, and names the operation it is addressed to. The body is read
// up to the limit and put back; nothing else changes.
func (c *Checker) Request(req *http.Request) (op string, v []Violation) {
	body, restored, err := peek(req.Body, c.limit)
	req.Body = restored
	op, v = c.RequestBytes(req, body)
	if err != nil {
		v = append(v, c.unread(op, InRequest, 0))
	}
	return op, v
}

// RequestBytes judges a request whose body has been read already. It does not
// touch req.Body.
func (c *Checker) RequestBytes(req *http.Request, body []byte) (op string, v []Violation) {
	f, allowed := c.routes.find(req.Method, req.URL.EscapedPath())
	if f.op == nil {
		return "", []Violation{c.noRoute(req.Method, allowed)}
	}
	j := &judgement{c: c, op: f.op.info.ID, in: InRequest}
	h := canonical(req.Header)
	j.credentials(f.op, req, h)
	j.parameters(f, req, h)
	if b := f.op.body; b != nil {
		j.body(b.Content, b.Required, h, body, c.asRequest)
	} else {
		j.body(nil, false, h, body, c.asRequest)
	}
	return j.op, j.v
}

func (c *Checker) noRoute(method string, allowed []string) Violation {
	v := Violation{Provider: c.provider, In: InRoute, Where: "path", Kind: Broken, Rule: "route", What: "belongs to no documented operation"}
	if len(method) < 10 && c.name(method) == method {
		v.Where = method + " path" // the path itself may hold a key
	}
	if allowed != nil {
		v.What, v.Expected = "has no such method", strings.Join(allowed, ", ")
	}
	return v
}

func (c *Checker) unread(op string, in In, status int) Violation {
	return Violation{Provider: c.provider, Operation: op, In: in, Status: status, Where: "body", What: "could not be read to its end", Kind: Broken, Rule: "read"}
}

// canonical makes headers that were set past http.Header's methods, such as
// "merchant_id", findable.
func canonical(h http.Header) http.Header {
	for k := range h {
		if http.CanonicalHeaderKey(k) != k {
			out := make(http.Header, len(h))
			for k, v := range h {
				k = http.CanonicalHeaderKey(k)
				out[k] = append(out[k], v...)
			}
			return out
		}
	}
	return h
}

func (j *judgement) parameters(f found, req *http.Request, h http.Header) {
	op := f.op
	var query url.Values
	if req.URL.RawQuery != "" {
		var err error
		if query, err = url.ParseQuery(req.URL.RawQuery); err != nil {
			j.broken("syntax", "query", "cannot be read", "")
		}
		if !op.anyQuery {
			j.queryNames(op, query)
		}
	}
	if len(op.params) == 0 {
		return
	}
	if query == nil {
		query = url.Values{}
	}
	input := &openapi3filter.RequestValidationInput{
		Request:     &http.Request{Method: req.Method, URL: req.URL, Header: h},
		PathParams:  f.params,
		QueryParams: query,
		Options:     &openapi3filter.Options{SkipSettingDefaults: true, MultiError: true, SchemaValidationOptions: j.c.asRequest},
	}
	for _, p := range op.params {
		if err := openapi3filter.ValidateParameter(context.Background(), input, p); err != nil {
			j.parameter(p, err)
		}
	}
}

func (j *judgement) queryNames(op *operation, query url.Values) {
	for name := range query {
		if op.query[name] || slices.ContainsFunc(op.security, func(alt []Scheme) bool {
			return slices.ContainsFunc(alt, func(s Scheme) bool { return s.In == "query" && s.Key == name })
		}) {
			continue
		}
		if base, _, ok := strings.Cut(name, "["); ok && (op.query[base] || op.query[base+"[]"]) {
			continue // deepObject
		}
		shown := j.c.name(name)
		if query.Get(name) == "" {
			shown = masked(name) // a text without "=" might be anything, even a secret
		}
		j.add(Undocumented, "undocumented", "query "+shown, "is not documented", "")
	}
}

func (j *judgement) parameter(p *openapi3.Parameter, err error) {
	at := p.In + " " + p.Name
	var parse *openapi3filter.ParseError
	var schema *openapi3.SchemaError
	var many openapi3.MultiError
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		j.broken("required", at, "is missing", "it, as a required parameter")
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		j.broken("empty", at, "is empty", "a value")
	case errors.As(err, &parse):
		var s *openapi3.Schema
		if p.Schema != nil {
			s = p.Schema.Value
		}
		j.broken("type", at, "cannot be read as documented", expectedType(s))
	case errors.As(err, &many):
		j.explain(many, at, 0)
	case errors.As(err, &schema):
		j.explain(schema, at, 0)
	default:
		j.broken("schema", at, "does not fit its schema", "")
	}
}

// credentials reports a request that does not carry what its operation's
// security declares. Whether the credentials are good is not for us to say.
func (j *judgement) credentials(op *operation, req *http.Request, h http.Header) {
	if len(op.security) == 0 {
		return
	}
	var first []Violation
	for i, alt := range op.security {
		try := &judgement{c: j.c, op: j.op, in: j.in}
		for _, s := range alt {
			try.credential(s, req, h)
		}
		if len(try.v) == 0 {
			return
		}
		if i == 0 {
			first = try.v
		}
	}
	if n := len(op.security) - 1; n > 0 {
		for i := range first {
			first[i].Expected += ", or another documented scheme"
		}
	}
	j.v = append(j.v, first...)
}

func (j *judgement) credential(s Scheme, req *http.Request, h http.Header) {
	where, want := "header Authorization", "scheme "+s.Name
	value := h.Get("Authorization")
	switch {
	case s.Type == "apiKey" && s.In == "header":
		where, value = "header "+s.Key, h.Get(s.Key)
	case s.Type == "apiKey" && s.In == "query":
		where, value = "query "+s.Key, req.URL.Query().Get(s.Key)
	case s.Type == "apiKey" && s.In == "cookie":
		where, value = "cookie "+s.Key, ""
		for _, c := range (&http.Request{Header: h}).CookiesNamed(s.Key) {
			value = c.Value
		}
	}
	if strings.TrimSpace(value) == "" {
		j.broken("security", where, "is missing", want)
		return
	}
	prefix := "bearer"
	switch s.Type {
	case "apiKey":
		if prefix = s.Prefix; prefix == "" {
			return
		}
	case "http":
		prefix = s.HTTP
	}
	word, rest, _ := strings.Cut(value, " ")
	if !strings.EqualFold(word, prefix) || strings.TrimSpace(rest) == "" {
		j.broken("security", where, "has another form", want+", which is \""+prefix+" …\"")
		return
	}
	if prefix == "basic" {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		if err != nil || !strings.Contains(string(b), ":") {
			j.broken("security", where, "is not base64 of user:password", want)
		}
	}
}
