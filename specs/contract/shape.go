package contract

import (
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// shape is what the closed world knows about a schema, worked out once when a
// document is loaded: which schemas speak about the same value, and whether
// any of them lets names in that it does not list.
//
// The pass that uses it replaces copies of the document with
// additionalProperties: false. Such copies refuse every allOf, and judge a
// oneOf by the branch that happens to fit; a shape takes the union.
type shape struct {
	all   []*openapi3.Schema  // itself and whatever it is composed of
	open  bool                // takes names it does not list
	known map[string]struct{} // x-extensible-enum, if the values of strings are listed
	maps  []*openapi3.Schema  // schemas for names not listed
}

func (c *Checker) prepareShapes(dropRequired bool) {
	c.shapes = map[*openapi3.Schema]*shape{}
	c.names = map[string]struct{}{}
	c.eachSchema(func(s *openapi3.Schema) {
		if dropRequired {
			s.Required = nil
		}
		for name := range s.Properties {
			c.names[name] = struct{}{}
		}
	})
	for _, op := range c.ops {
		for _, p := range op.params {
			c.names[p.Name] = struct{}{}
		}
	}
	c.eachSchema(func(s *openapi3.Schema) { c.shapes[s] = newShape(s) })
}

func newShape(s *openapi3.Schema) *shape {
	sh := &shape{all: flatten(nil, s)}
	sh.open = opens(s, nil)
	for _, f := range sh.all {
		if ap := f.AdditionalProperties.Schema; ap != nil && ap.Value != nil {
			sh.maps = append(sh.maps, ap.Value)
		}
	}
	sh.known = knownValues(sh.all)
	return sh
}

func flatten(into []*openapi3.Schema, s *openapi3.Schema) []*openapi3.Schema {
	if s == nil || slices.Contains(into, s) {
		return into
	}
	into = append(into, s)
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, r := range refs {
			into = flatten(into, r.Value)
		}
	}
	return into
}

// opens reports whether a schema takes names that it does not list: it says
// so, or it is an object about which nothing at all is said.
func opens(s *openapi3.Schema, seen []*openapi3.Schema) bool {
	if s == nil || slices.Contains(seen, s) {
		return false
	}
	seen = append(seen, s)
	ap := s.AdditionalProperties
	if ap.Schema != nil || ap.Has != nil && *ap.Has {
		return true
	}
	for _, refs := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		for _, r := range refs {
			if opens(r.Value, seen) {
				return true
			}
		}
	}
	for _, r := range s.AllOf {
		v := r.Value
		if v != nil && !bare(v) && opens(v, seen) {
			return true
		}
	}
	composed := len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0
	return !composed && bare(s) || composed && allBare(s)
}

// bare is a schema that lets an object in and lists no names.
func bare(s *openapi3.Schema) bool {
	return len(s.Properties) == 0 && (s.Type == nil || s.Type.Includes(openapi3.TypeObject)) &&
		len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) == 0
}

func allBare(s *openapi3.Schema) bool {
	if len(s.Properties) > 0 || len(s.OneOf)+len(s.AnyOf) > 0 {
		return false
	}
	for _, r := range s.AllOf {
		if r.Value != nil && !bare(r.Value) {
			return false
		}
	}
	return true
}

func knownValues(all []*openapi3.Schema) map[string]struct{} {
	var out map[string]struct{}
	extensible := false
	for _, s := range all {
		if len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0 && s.Type == nil {
			continue
		}
		if s.Type != nil && !s.Type.Includes(openapi3.TypeString) {
			continue
		}
		list, ok := s.Extensions["x-extensible-enum"].([]any)
		extensible = extensible || ok
		if !ok {
			list = s.Enum
		}
		if list == nil {
			return nil // one of them takes any string
		}
		if out == nil {
			out = map[string]struct{}{}
		}
		for _, v := range list {
			if str, ok := v.(string); ok {
				out[str] = struct{}{}
			}
		}
	}
	if !extensible {
		return nil // a closed enum is the validator's business
	}
	return out
}

// eachSchema visits every schema of the document once.
func (c *Checker) eachSchema(visit func(*openapi3.Schema)) {
	w := schemaWalk{seen: map[*openapi3.Schema]bool{}, visit: visit}
	if comps := c.doc.Components; comps != nil {
		for _, r := range comps.Schemas {
			w.schema(r)
		}
	}
	for _, op := range c.ops {
		for _, p := range op.params {
			w.schema(p.Schema)
			w.content(p.Content)
		}
		if op.body != nil {
			w.content(op.body.Content)
		}
		for _, r := range op.op.Responses.Map() {
			w.content(r.Value.Content)
			for _, h := range r.Value.Headers {
				w.schema(h.Value.Schema)
			}
		}
	}
}

type schemaWalk struct {
	seen  map[*openapi3.Schema]bool
	visit func(*openapi3.Schema)
}

func (w schemaWalk) content(content openapi3.Content) {
	for _, m := range content {
		w.schema(m.Schema)
	}
}

func (w schemaWalk) schema(r *openapi3.SchemaRef) {
	if r == nil || r.Value == nil || w.seen[r.Value] {
		return
	}
	s := r.Value
	w.seen[s] = true
	w.visit(s)
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, r := range refs {
			w.schema(r)
		}
	}
	for _, p := range s.Properties {
		w.schema(p)
	}
	w.schema(s.Items)
	w.schema(s.Not)
	w.schema(s.AdditionalProperties.Schema)
}

// closedWorld reports what a value holds and the document does not mention.
type closedWorld struct {
	c    *Checker
	path []string
	idx  []int // an index where path holds ""
	out  func(rule, where, what, expected string)
}

func (j *judgement) undocumented(s *openapi3.Schema, v any) {
	w := closedWorld{c: j.c, out: func(rule, where, what, expected string) {
		j.add(Undocumented, rule, where, what, expected)
	}}
	w.one(s, v)
}

// one judges a value that a single schema describes, the common case.
func (w *closedWorld) one(s *openapi3.Schema, v any) {
	switch v.(type) {
	case map[string]any, []any, string:
	default:
		return
	}
	sh := w.c.shapes[s]
	if sh == nil { // not reachable from the document: made by a test
		sh = newShape(s)
	}
	w.value(sh.all, sh.open, sh.known, sh.maps, v)
}

// several judges a value that schemas of several branches describe.
func (w *closedWorld) several(schemas []*openapi3.Schema, v any) {
	if len(schemas) == 1 {
		w.one(schemas[0], v)
		return
	}
	var all []*openapi3.Schema
	var maps []*openapi3.Schema
	open := false
	for _, s := range schemas {
		sh := w.c.shapes[s]
		if sh == nil {
			sh = newShape(s)
		}
		open = open || sh.open
		maps = append(maps, sh.maps...)
		for _, f := range sh.all {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	w.value(all, open, knownValues(all), maps, v)
}

func (w *closedWorld) value(all []*openapi3.Schema, open bool, known map[string]struct{}, maps []*openapi3.Schema, v any) {
	switch v := v.(type) {
	case string:
		if known != nil {
			if _, ok := known[v]; !ok {
				w.out("extensible-enum", w.where(), "has a value that is not among the known ones", "")
			}
		}
	case []any:
		var items []*openapi3.Schema
		for _, s := range all {
			if s.Items != nil && s.Items.Value != nil {
				items = append(items, s.Items.Value)
			}
		}
		if items == nil {
			return
		}
		for i, e := range v {
			w.push("", i)
			w.several(items, e)
			w.pop()
		}
	case map[string]any:
		for name, e := range v {
			w.push(name, 0)
			w.property(all, open, maps, name, e)
			w.pop()
		}
	}
}

func (w *closedWorld) property(all []*openapi3.Schema, open bool, maps []*openapi3.Schema, name string, v any) {
	var first *openapi3.Schema
	var more []*openapi3.Schema
	for _, s := range all {
		if p := s.Properties[name]; p != nil && p.Value != nil {
			switch {
			case first == nil:
				first = p.Value
			case more == nil:
				more = []*openapi3.Schema{first, p.Value}
			default:
				more = append(more, p.Value)
			}
		}
	}
	switch {
	case more != nil:
		w.several(more, v)
	case first != nil:
		w.one(first, v)
	case len(maps) > 0:
		w.several(maps, v)
	case !open:
		w.out("undocumented", w.where(), "is not documented", "")
	}
}

func (w *closedWorld) push(name string, i int) {
	w.path, w.idx = append(w.path, name), append(w.idx, i)
}
func (w *closedWorld) pop() { w.path, w.idx = w.path[:len(w.path)-1], w.idx[:len(w.idx)-1] }

func (w *closedWorld) where() string {
	path := slices.Clone(w.path)
	for i := range path {
		if path[i] == "" {
			path[i] = strconv.Itoa(w.idx[i])
		}
	}
	return w.c.pointer(path)
}
