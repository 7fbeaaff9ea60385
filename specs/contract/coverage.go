package contract

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// OperationCoverage says what the fixtures of one operation show.
type OperationCoverage struct {
	ID              string
	HasRequest      bool     // the operation declares a body
	Requests        int      // fixtures of it
	Statuses        []string // documented
	ShownStatuses   []string // of which a fixture exists
	Properties      int      // documented in its body and answers
	ShownProperties int      // of which some fixture holds one
}

// Coverage says what fixtures show of a document.
type Coverage struct {
	Provider   string
	Operations []OperationCoverage
	Webhooks   []string // schemas with a fixture
	// Properties and ShownProperties count each property of the document
	// once, however many operations use it.
	Properties, ShownProperties int
}

// property is a member of one schema.
type property struct {
	schema *openapi3.Schema
	name   string
}

// Coverage works out what fixtures show. Fixtures that are known to be bad do
// not count.
func (c *Checker) Coverage(fixtures []specs.Fixture, e specs.Exceptions) Coverage {
	shown := map[property]bool{}
	out := Coverage{Provider: c.provider}
	for _, s := range c.samples(fixtures, e) {
		s.touches(func(x *openapi3.Schema, _ []any, v any) {
			m, _ := v.(map[string]any)
			for name := range m {
				if x.Properties[name] != nil {
					shown[property{x, name}] = true
				}
			}
		})
		if s.target.in == InWebhook {
			if name := WebhookSchema(s.fixture.Operation); !slices.Contains(out.Webhooks, name) {
				out.Webhooks = append(out.Webhooks, name)
			}
		}
	}
	count := func(all map[property]bool) (n int) {
		for p := range all {
			if shown[p] {
				n++
			}
		}
		return n
	}
	whole := map[property]bool{}
	c.eachSchema(func(s *openapi3.Schema) {
		for name := range s.Properties {
			whole[property{s, name}] = true
		}
	})
	out.Properties, out.ShownProperties = len(whole), count(whole)
	for _, op := range c.ops {
		own := op.properties()
		oc := OperationCoverage{
			ID: op.info.ID, HasRequest: op.body != nil, Statuses: slices.Clone(op.info.Statuses),
			Properties: len(own), ShownProperties: count(own),
		}
		for _, f := range fixtures {
			if _, bad := e.KnownBad[f.Name]; bad {
				continue
			}
			switch {
			case f.Kind == specs.Request && f.Operation == op.info.ID:
				oc.Requests++
			case f.Kind == specs.Response && (f.Operation == op.info.ID || f.Any()):
				for _, s := range op.info.Statuses {
					if f.MatchesStatus(s) && !slices.Contains(oc.ShownStatuses, s) {
						oc.ShownStatuses = append(oc.ShownStatuses, s)
					}
				}
			}
		}
		slices.Sort(oc.ShownStatuses)
		out.Operations = append(out.Operations, oc)
	}
	slices.Sort(out.Webhooks)
	return out
}

// properties lists every property an operation's bodies can hold.
func (op *operation) properties() map[property]bool {
	out := map[property]bool{}
	w := schemaWalk{seen: map[*openapi3.Schema]bool{}, visit: func(s *openapi3.Schema) {
		for name := range maps.Keys(s.Properties) {
			out[property{s, name}] = true
		}
	}}
	if op.body != nil {
		w.content(op.body.Content)
	}
	for _, r := range op.op.Responses.Map() {
		w.content(r.Value.Content)
	}
	return out
}
