package contract

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// sample is one decoded fixture in one of its places in the document.
type sample struct {
	fixture specs.Fixture
	target  target
	value   any
	whole   any  // for mutation: all of it, where value has of each list only a few elements
	partial bool // its source cut it off: missing members prove nothing
}

// samples decodes fixtures for their places. Fixtures that are known to be
// bad, or that cannot be decoded, are left out: other tests speak of those.
func (c *Checker) samples(fixtures []specs.Fixture, e specs.Exceptions) []sample {
	var out []sample
	for _, f := range fixtures {
		if _, bad := e.KnownBad[f.Name]; bad {
			continue
		}
		_, partial := e.Partial[f.Name]
		partial = partial || f.Form && f.Kind == specs.Webhook
		targets, _ := c.targets(f)
		seen := map[*openapi3.Schema]bool{}
		for _, t := range targets {
			if t.schema == nil || seen[t.schema] {
				continue
			}
			seen[t.schema] = true
			j := &judgement{c: c}
			if v, ok := t.value(j, f); ok && len(j.v) == 0 {
				out = append(out, sample{fixture: f, target: t, value: v, partial: partial})
			}
		}
	}
	return out
}

// accepts is the verdict on a value in a sample's place. Undocumented members
// count, as they do for fixtures.
func (s *sample) accepts(v any) bool {
	t := s.target
	err := t.schema.VisitJSON(v, t.options()...)
	if err != nil && !s.partial {
		return false
	}
	j := &judgement{c: t.c, op: t.op, in: t.in}
	if err != nil {
		j.explain(err, "", 0)
	}
	j.undocumented(t.schema, v)
	return !slices.ContainsFunc(j.v, func(v Violation) bool {
		return !s.partial || v.Rule != "required" && v.Rule != "oneOf-conflict"
	})
}

// place is a value inside a sample: the steps to it, member names and
// indices.
type place struct {
	sample *sample
	path   []any
}

// touches walks through a sample and names, for every value in it, the
// schemas that describe it.
func (s *sample) touches(visit func(schema *openapi3.Schema, path []any, v any)) {
	s.walk([]*openapi3.Schema{s.target.schema}, nil, s.value, visit)
}

func (s *sample) walk(schemas []*openapi3.Schema, path []any, v any, visit func(*openapi3.Schema, []any, any)) {
	var all []*openapi3.Schema
	for _, x := range schemas {
		all = fitting(all, x, v)
	}
	for _, x := range all {
		visit(x, path, v)
	}
	switch v := v.(type) {
	case []any:
		var items []*openapi3.Schema
		for _, x := range all {
			if x.Items != nil && x.Items.Value != nil {
				items = append(items, x.Items.Value)
			}
		}
		for i, e := range v {
			s.walk(items, append(slices.Clip(path), i), e, visit)
		}
	case map[string]any:
		for name, e := range v {
			var props []*openapi3.Schema
			for _, x := range all {
				if p := x.Properties[name]; p != nil && p.Value != nil {
					props = append(props, p.Value)
				}
			}
			if props == nil {
				for _, x := range all {
					if ap := x.AdditionalProperties.Schema; ap != nil && ap.Value != nil {
						props = append(props, ap.Value)
					}
				}
			}
			s.walk(props, append(slices.Clip(path), name), e, visit)
		}
	}
}

// documented names the members that some schema lists, as opposed to the keys
// of maps and of free-form objects.
func (s *sample) documented() map[string]bool {
	out := map[string]bool{}
	s.touches(func(x *openapi3.Schema, path []any, v any) {
		m, _ := v.(map[string]any)
		for name := range m {
			if x.Properties[name] != nil {
				out[general(append(slices.Clip(path), name))] = true
			}
		}
	})
	return out
}

// fitting is flatten without the branches that do not fit the value.
func fitting(into []*openapi3.Schema, s *openapi3.Schema, v any) []*openapi3.Schema {
	if s == nil || slices.Contains(into, s) {
		return into
	}
	into = append(into, s)
	for _, r := range s.AllOf {
		into = fitting(into, r.Value, v)
	}
	for _, refs := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		for _, r := range refs {
			if r.Value != nil && r.Value.VisitJSON(v) == nil {
				into = fitting(into, r.Value, v)
			}
		}
	}
	return into
}

// schemaNames gives every schema a name for people: that of its component, or
// of its owner with the way from there, such as Invoice.amount or Page.items[].
func (c *Checker) schemaNames() map[*openapi3.Schema]string {
	n := namer{}
	if c.doc.Components != nil {
		comps := c.doc.Components.Schemas
		for _, name := range slices.Sorted(maps.Keys(comps)) {
			if comps[name].Ref == "" {
				n[comps[name].Value] = name
			}
		}
		for _, name := range slices.Sorted(maps.Keys(comps)) {
			n.inside(comps[name].Value, name)
		}
	}
	for _, op := range c.ops {
		if op.body != nil {
			n.content(op.body.Content, op.info.ID+" request")
		}
		for _, status := range op.info.Statuses {
			n.content(op.op.Responses.Value(status).Value.Content, op.info.ID+" "+status)
		}
	}
	return n
}

type namer map[*openapi3.Schema]string

func (n namer) content(content openapi3.Content, name string) {
	for _, mt := range sortedKeys(content) {
		n.add(content[mt].Schema, name)
	}
}

func (n namer) add(r *openapi3.SchemaRef, name string) {
	if r == nil || r.Value == nil {
		return
	}
	if _, ok := n[r.Value]; ok {
		return
	}
	n[r.Value] = name
	n.inside(r.Value, name)
}

func (n namer) inside(s *openapi3.Schema, name string) {
	for _, p := range slices.Sorted(maps.Keys(s.Properties)) {
		n.add(s.Properties[p], name+"."+p)
	}
	n.add(s.Items, name+"[]")
	n.add(s.AdditionalProperties.Schema, name+".*")
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for i, r := range refs {
			n.add(r, name+"#"+strconv.Itoa(i))
		}
	}
}

// general is a path with its indices left out, so that the elements of a list
// are one place: "/result/*/amount".
func general(path []any) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		if s, ok := p.(string); ok {
			b.WriteString(escapePointer(s))
		} else {
			b.WriteByte('*')
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}
