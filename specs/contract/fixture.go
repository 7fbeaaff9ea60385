package contract

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Fixture judges a documented payload. What a fixture holds and the document
// does not mention counts as [Undocumented]. A fixture for any operation, or
// for a class of statuses, is judged in each of its places.
func (c *Checker) Fixture(f specs.Fixture) []Violation {
	if f.Form && f.Kind == specs.Webhook {
		c = c.lenient() // names and values count; a form may leave out what JSON carries
	}
	targets, missing := c.targets(f)
	if missing != nil {
		return []Violation{*missing}
	}
	var out []Violation
	seen := map[*openapi3.Schema]bool{}
	for _, t := range targets {
		// One component response serves many operations: judge it once.
		if t.schema != nil && f.Kind == specs.Response {
			if seen[t.schema] {
				continue
			}
			seen[t.schema] = true
		}
		out = append(out, t.judge(f)...)
	}
	return out
}

// FixtureStrict judges a fixture as the provider's committed exceptions say:
// one that is known to be bad must fail, and of one that its source cut off
// missing members prove nothing. The result is empty if all is as it should
// be. Undocumented members count.
func (c *Checker) FixtureStrict(f specs.Fixture, e specs.Exceptions) []Violation {
	if _, bad := e.KnownBad[f.Name]; bad {
		if len(c.Fixture(f)) > 0 {
			return nil
		}
		v := c.fixtureViolation(f, "fixture", "is listed in known_bad, and passes", "known-bad")
		v.Expected = "a fixture that fails, or no entry"
		return []Violation{v}
	}
	if _, partial := e.Partial[f.Name]; partial {
		return slices.DeleteFunc(c.lenient().Fixture(f), func(v Violation) bool {
			return v.Rule == "oneOf-conflict" // without required members shapes look alike
		})
	}
	return c.Fixture(f)
}

// target is one place in the document where a fixture belongs.
type target struct {
	c      *Checker
	op     string
	in     In
	status int
	media  string
	schema *openapi3.Schema // nil: the place exists, and nothing is said about its content
	empty  bool             // no body is documented here
}

func (c *Checker) fixtureViolation(f specs.Fixture, where, what, rule string) Violation {
	in := InRequest
	switch f.Kind {
	case specs.Response:
		in = InResponse
	case specs.Webhook:
		in = InWebhook
	}
	return Violation{Provider: c.provider, Operation: f.Operation, In: in, Where: where, What: what, Kind: Broken, Rule: rule}
}

// targets finds the places of a fixture.
func (c *Checker) targets(f specs.Fixture) ([]target, *Violation) {
	miss := func(where, what, rule string) ([]target, *Violation) {
		v := c.fixtureViolation(f, where, what, rule)
		return nil, &v
	}
	if f.Kind == specs.Webhook {
		name := WebhookSchema(f.Operation)
		if c.doc.Components != nil {
			if ref := c.doc.Components.Schemas[name]; ref != nil {
				return []target{{c: c, op: f.Operation, in: InWebhook, media: "application/json", schema: ref.Value}}, nil
			}
		}
		return miss("schema "+name, "is not in the document", "webhook")
	}
	var ops []*operation
	switch op := c.byID[f.Operation]; {
	case op != nil:
		ops = []*operation{op}
	case f.Any() && f.Kind == specs.Response:
		ops = c.ops
	default:
		return miss("operation", "is not in the document", "operation")
	}
	var out []target
	for _, op := range ops {
		if f.Kind == specs.Request {
			t := target{c: c, op: op.info.ID, in: InRequest, empty: op.body == nil}
			if op.body != nil {
				t.content(op.body.Content, f.Form)
			}
			out = append(out, t)
			continue
		}
		for _, status := range op.info.Statuses {
			if !f.MatchesStatus(status) {
				continue
			}
			r := op.op.Responses.Value(status).Value
			t := target{c: c, op: op.info.ID, in: InResponse, status: atoi(status), empty: len(r.Content) == 0}
			t.content(r.Content, f.Form)
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return miss("status "+f.Status, "is not documented", "status")
	}
	return out, nil
}

// content picks the media type a fixture is a sample of: JSON for JSON and
// form data for forms if they are declared, else the one that is.
func (t *target) content(content openapi3.Content, form bool) {
	names := sortedKeys(content)
	slices.SortStableFunc(names, func(a, b string) int {
		switch fa, fb := isJSON(a) != form, isJSON(b) != form; {
		case fa == fb:
			return 0
		case fa:
			return -1
		default:
			return 1
		}
	})
	if len(names) == 0 {
		return
	}
	t.media = names[0]
	if m := content[t.media]; m.Schema != nil {
		t.schema = m.Schema.Value
	}
}

func (t target) judge(f specs.Fixture) []Violation {
	j := &judgement{c: t.c, op: t.op, in: t.in, status: t.status}
	if t.empty {
		if len(f.Body) > 0 {
			j.broken("body", "body", "is there", "none")
		}
		return j.v
	}
	v, ok := t.value(j, f)
	if ok && t.schema != nil {
		j.closed(t.schema, v, t.options())
	}
	return j.v
}

func (t target) options() []openapi3.SchemaValidationOption {
	if t.in == InRequest {
		return t.c.asRequest
	}
	return t.c.asResponse
}

// value decodes a fixture's body for its place.
func (t target) value(j *judgement, f specs.Fixture) (any, bool) {
	if !f.Form {
		return j.json(f.Body)
	}
	values, err := url.ParseQuery(strings.TrimSpace(string(f.Body)))
	if err != nil {
		j.broken("syntax", "body", "cannot be read as form data", "")
		return nil, false
	}
	if t.schema == nil {
		return nil, false
	}
	obj := j.formObject(t.schema, values)
	if t.in == InWebhook {
		t.forgive(obj)
	}
	return obj, true
}

// forgive drops from a webhook in form data what a form cannot express: a
// text where an object or array is documented.
func (t target) forgive(obj map[string]any) {
	for _, s := range flatten(nil, t.schema) {
		for name, p := range s.Properties {
			if v, ok := obj[name].(string); ok && p.Value.Type != nil && !p.Value.Type.Includes(openapi3.TypeString) &&
				(p.Value.Type.Includes(openapi3.TypeObject) || p.Value.Type.Includes(openapi3.TypeArray) || v == "") {
				delete(obj, name)
			}
		}
	}
}

// WebhookSchema is the name of the schema of a webhook, after the operation
// its fixtures carry: invoicePostback is judged by InvoicePostback.
func WebhookSchema(operation string) string {
	r, n := utf8.DecodeRuneInString(operation)
	return string(unicode.ToUpper(r)) + operation[n:]
}

func atoi(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// Webhook judges the JSON body of a webhook. The name is that of its schema,
// or of the operation its fixtures carry.
func (c *Checker) Webhook(name string, body []byte) []Violation {
	return c.Fixture(specs.Fixture{Provider: c.provider, Operation: name, Kind: specs.Webhook, Body: body})
}
