package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// OperationInfo is what the document says about one operation, so that
// others may list operations without reading OpenAPI themselves.
type OperationInfo struct {
	ID       string
	Method   string
	Path     string // as in the document, without the server's base path
	Summary  string
	Tag      string
	Docs     string // externalDocs.url
	Effect   string // x-effect: read, write or auth
	Evidence string // x-evidence: client or inferred; empty when documented
	Outcome  string // x-outcome: how to find out what an unanswered write did
	Result   string // x-result: the property that holds the result
	// Security lists the alternatives, each a list of scheme names; an empty
	// alternative means that no credentials are needed.
	Security     [][]string
	ContentTypes []string       // of the request body
	Statuses     []string       // documented statuses in order
	Responses    []ResponseInfo // one per status
	Deprecated   bool
}

// ResponseInfo is what the document says about one answer.
type ResponseInfo struct {
	Status       string
	Description  string
	Evidence     string
	ContentTypes []string // empty: no body is documented
}

// Scheme is a documented way to present credentials.
type Scheme struct {
	Name string
	Type string // apiKey, http, oauth2, openIdConnect
	In   string // of an apiKey: header, query or cookie
	Key  string // of an apiKey: the name of the header, parameter or cookie
	HTTP string // of http: basic or bearer
	// Prefix is the word that an apiKey's value begins with (x-prefix), such as
	// CryptoCloud's Token; empty if none is documented.
	Prefix string
}

// Operations lists the document's operations in the order of paths and
// methods. The slice is the caller's own.
func (c *Checker) Operations() []OperationInfo {
	out := make([]OperationInfo, len(c.ops))
	for i, op := range c.ops {
		out[i] = op.info
	}
	return out
}

// Lookup returns the operation of an id.
func (c *Checker) Lookup(id string) (OperationInfo, bool) {
	op, ok := c.byID[id]
	if !ok {
		return OperationInfo{}, false
	}
	return op.info, true
}

// Operation returns the id of the operation that a request is addressed to,
// whatever its host.
func (c *Checker) Operation(req *http.Request) (id string, ok bool) {
	f, _ := c.routes.find(req.Method, req.URL.EscapedPath())
	if f.op == nil {
		return "", false
	}
	return f.op.info.ID, true
}

// Schemes lists the documented security schemes by name.
func (c *Checker) Schemes() map[string]Scheme {
	out := map[string]Scheme{}
	if c.doc.Components == nil {
		return out
	}
	for name, ref := range c.doc.Components.SecuritySchemes {
		out[name] = scheme(name, ref.Value)
	}
	return out
}

func scheme(name string, s *openapi3.SecurityScheme) Scheme {
	prefix, _ := s.Extensions["x-prefix"].(string)
	return Scheme{Name: name, Type: s.Type, In: s.In, Key: s.Name, HTTP: strings.ToLower(s.Scheme), Prefix: prefix}
}

// operation is an operation prepared for judging.
type operation struct {
	info      OperationInfo
	op        *openapi3.Operation
	bases     []string // base paths of its own servers, if it has any
	params    []*openapi3.Parameter
	query     map[string]bool // documented query parameters
	anyQuery  bool            // a parameter spreads over names of its own
	security  [][]Scheme
	responses map[int]*openapi3.Response
	body      *openapi3.RequestBody
}

func (c *Checker) prepare(cfg config) error {
	c.byID = map[string]*operation{}
	for _, path := range c.doc.Paths.InMatchingOrder() {
		item := c.doc.Paths.Value(path)
		for _, method := range slices.Sorted(maps.Keys(item.Operations())) {
			op, err := c.newOperation(path, method, item)
			if err != nil {
				return err
			}
			if c.byID[op.info.ID] != nil {
				return fmt.Errorf("operationId %q is there twice", op.info.ID)
			}
			c.ops = append(c.ops, op)
			c.byID[op.info.ID] = op
		}
	}
	slices.SortFunc(c.ops, func(a, b *operation) int {
		if d := strings.Compare(a.info.Path, b.info.Path); d != 0 {
			return d
		}
		return strings.Compare(a.info.Method, b.info.Method)
	})
	c.prepareShapes(cfg.noRequired)
	return c.route(cfg.server)
}

// route builds the routes for one server under test, or for the document's
// own servers if server is empty.
func (c *Checker) route(server string) error {
	c.routes = &router{}
	servers := serverURLs(c.doc.Servers)
	if server != "" {
		servers = []string{server}
	}
	if len(servers) == 0 {
		servers = []string{"/"}
	}
	var bases []string
	for _, s := range servers {
		b, err := basePath(s)
		if err != nil {
			return fmt.Errorf("server %q: %w", s, err)
		}
		if !slices.Contains(bases, b) {
			bases = append(bases, b)
		}
	}
	for _, op := range c.ops {
		own := bases
		if server == "" && op.bases != nil {
			own = op.bases
		}
		for _, b := range own {
			c.routes.add(b, op)
		}
	}
	return nil
}

func (c *Checker) newOperation(path, method string, item *openapi3.PathItem) (*operation, error) {
	o := item.GetOperation(method)
	op := &operation{op: o, query: map[string]bool{}, responses: map[int]*openapi3.Response{}}
	op.info = OperationInfo{
		ID: o.OperationID, Method: method, Path: path, Summary: o.Summary, Deprecated: o.Deprecated,
		Effect: extension(o.Extensions, "x-effect"), Evidence: extension(o.Extensions, "x-evidence"),
		Outcome: extension(o.Extensions, "x-outcome"), Result: extension(o.Extensions, "x-result"),
	}
	if op.info.ID == "" {
		op.info.ID = method + " " + path // a stranger's document need not name its operations
	}
	if len(o.Tags) > 0 {
		op.info.Tag = o.Tags[0]
	}
	if o.ExternalDocs != nil {
		op.info.Docs = o.ExternalDocs.URL
	}
	own := item.Servers
	if o.Servers != nil {
		own = *o.Servers
	}
	for _, s := range serverURLs(own) {
		b, err := basePath(s)
		if err != nil {
			return nil, fmt.Errorf("server %q of %s: %w", s, op.info.ID, err)
		}
		op.bases = append(op.bases, b)
	}
	op.addParams(item)
	op.addResponses()
	if o.RequestBody != nil {
		op.body = o.RequestBody.Value
		op.info.ContentTypes = slices.Sorted(maps.Keys(op.body.Content))
	}
	return op, c.addSecurity(op)
}

func (op *operation) addParams(item *openapi3.PathItem) {
	params := slices.Clone(op.op.Parameters)
	for _, p := range item.Parameters {
		if params.GetByInAndName(p.Value.In, p.Value.Name) == nil {
			params = append(params, p)
		}
	}
	for _, p := range params {
		v := p.Value
		if v.In == openapi3.ParameterInHeader {
			switch http.CanonicalHeaderKey(v.Name) {
			case "Accept", "Content-Type", "Authorization": // OpenAPI: such a definition shall be ignored
				continue
			}
		}
		if v.In == openapi3.ParameterInQuery {
			op.query[v.Name] = true
			if v.Schema != nil && v.Schema.Value.Type.Is(openapi3.TypeObject) {
				op.anyQuery = true
			}
		}
		op.params = append(op.params, v)
	}
}

func (op *operation) addResponses() {
	for _, status := range slices.Sorted(maps.Keys(op.op.Responses.Map())) {
		r := op.op.Responses.Value(status).Value
		info := ResponseInfo{Status: status, Evidence: extension(r.Extensions, "x-evidence"), ContentTypes: slices.Sorted(maps.Keys(r.Content))}
		if r.Description != nil {
			info.Description = *r.Description
		}
		op.info.Statuses = append(op.info.Statuses, status)
		op.info.Responses = append(op.info.Responses, info)
		if n, err := strconv.Atoi(status); err == nil {
			op.responses[n] = r
		}
	}
}

// response is the documented answer for a status: literal, by class, default.
func (op *operation) response(status int) *openapi3.Response {
	if r := op.responses[status]; r != nil {
		return r
	}
	if r := op.op.Responses.Value(strconv.Itoa(status/100) + "XX"); r != nil {
		return r.Value
	}
	if r := op.op.Responses.Default(); r != nil {
		return r.Value
	}
	return nil
}

func (c *Checker) addSecurity(op *operation) error {
	reqs := c.doc.Security
	if op.op.Security != nil {
		reqs = *op.op.Security
	}
	for _, req := range reqs {
		names := slices.Sorted(maps.Keys(req))
		schemes := make([]Scheme, 0, len(names))
		for _, n := range names {
			var ref *openapi3.SecuritySchemeRef
			if c.doc.Components != nil {
				ref = c.doc.Components.SecuritySchemes[n]
			}
			if ref == nil {
				return fmt.Errorf("%s: security scheme %q is not declared", op.info.ID, n)
			}
			schemes = append(schemes, scheme(n, ref.Value))
		}
		op.security = append(op.security, schemes)
		op.info.Security = append(op.info.Security, names)
	}
	return nil
}

func extension(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return strings.TrimSpace(s)
}
