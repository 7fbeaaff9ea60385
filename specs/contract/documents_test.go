package contract

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// The rules of specs/README.md. A provider whose document is missing or
// broken fails its own subtests.
func eachDocument(t *testing.T, test func(t *testing.T, c *Checker)) {
	t.Helper()
	for _, p := range specs.Providers() {
		t.Run(p, func(t *testing.T) {
			c, err := For(p)
			require.NoError(t, err)
			test(t, c)
		})
	}
}

func TestDocumentsAreValidOpenAPI(t *testing.T) {
	eachDocument(t, func(t *testing.T, c *Checker) {
		require.NoError(t, c.doc.Validate(context.Background()))
		require.Equal(t, "3.0.3", c.doc.OpenAPI)
	})
}

// None disappears unnoticed.
func TestDocumentsHoldEveryOperation(t *testing.T) {
	want := map[string]int{specs.CryptoCloud: 13, specs.CryptoPay: 8, specs.Crypterium: 10, specs.EcartPay: 105, specs.Kuna: 23}
	eachDocument(t, func(t *testing.T, c *Checker) {
		require.Len(t, c.Operations(), want[c.Provider()])
	})
}

func TestDocumentsFollowTheRules(t *testing.T) {
	eachDocument(t, func(t *testing.T, c *Checker) {
		for _, f := range append(operationFaults(c), schemaFaults(c)...) {
			t.Error(f)
		}
	})
}

func operationFaults(c *Checker) (faults []string) {
	for _, op := range c.ops {
		i := op.info
		check := func(ok bool, format string, args ...any) {
			if !ok {
				faults = append(faults, i.ID+": "+fmt.Sprintf(format, args...))
			}
		}
		check(op.op.OperationID != "", "has no operationId")
		check(strings.HasSuffix(i.Summary, ".") && !strings.Contains(i.Summary, "\n"), "summary is not one line with a full stop")
		check(len(op.op.Tags) == 1, "has %d tags, want 1", len(op.op.Tags))
		check(i.Docs != "", "has no externalDocs.url")
		check(op.op.Security != nil, "has no security of its own; [] says that it needs none")
		check(slices.Contains([]string{"read", "write", "auth"}, i.Effect), "x-effect is %q, want read, write or auth", i.Effect)
		check(slices.Contains([]string{"", "client", "inferred"}, i.Evidence), "x-evidence is %q", i.Evidence)
		check(i.Effect != "write" || i.Outcome != "", "writes, and has no x-outcome")
		check(i.Effect == "write" || i.Outcome == "", "has an x-outcome and does not write")
		check(len(i.Statuses) > 0, "has no responses")
		for _, s := range i.Statuses {
			check(atoi(s) >= 100, "response %q is no single status", s)
		}
		for _, r := range i.Responses {
			check(slices.Contains([]string{"", "client", "inferred"}, r.Evidence), "x-evidence of %s is %q", r.Status, r.Evidence)
		}
	}
	return faults
}

// reserved are the names that the generated package needs itself.
var reserved = regexp.MustCompile(`^(Error|Client|ClientOption|HttpRequestDoer|RequestEditorFn|Login|Credentials|Option|Page|Response|Webhook|(New|With|Parse|From|Err)([^a-z].*)?|.*(Params|Response))$`)

func schemaFaults(c *Checker) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	operations := map[string]bool{}
	for _, op := range c.ops {
		operations[WebhookSchema(op.info.ID)] = true
	}
	named := map[*openapi3.Schema]bool{}
	for name, ref := range c.doc.Components.Schemas {
		named[ref.Value] = true
		if reserved.MatchString(name) {
			fault("schema %s: the generated package needs the name", name)
		}
		if operations[name] {
			fault("schema %s has the name of an operation", name)
		}
	}
	names := c.schemaNames()
	c.eachSchema(func(s *openapi3.Schema) {
		n := names[s]
		if h := s.AdditionalProperties.Has; h != nil && !*h {
			fault("%s: additionalProperties is false; objects stay open", n)
		}
		if s.Type.Is(openapi3.TypeNumber) && s.Format != "" {
			fault("%s: a number with format %q would become a float", n, s.Format)
		}
		if len(s.Properties) > 0 && !named[s] {
			fault("%s: an inline object; make it a component", n)
		}
		for _, r := range s.Required {
			if s.Properties[r] == nil && len(s.AllOf) == 0 {
				fault("%s: requires %q and does not describe it", n, r)
			}
		}
		if s.Enum != nil && s.Extensions["x-extensible-enum"] != nil {
			fault("%s: has an enum and an x-extensible-enum", n)
		}
	})
	for _, s := range answers(c) {
		if s.Enum != nil {
			fault("%s: a closed enum in an answer; a new value must not break a client", names[s])
		}
		if s.Nullable && s.Extensions["x-omitempty"] != false && !named[s] {
			fault("%s: nullable in an answer without x-omitempty: false", names[s])
		}
	}
	return faults
}

// Each rule is shown a document that breaks it.
func TestRulesBite(t *testing.T) {
	const good = `
openapi: 3.0.3
info: {title: rules, version: "1"}
paths:
  /a:
    get:
      operationId: getThing
      summary: Gets a thing.
      tags: [a]
      externalDocs: {url: "https://docs.example/a"}
      security: []
      x-effect: read
      responses:
        "200": {description: d, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
components:
  schemas:
    Thing:
      type: object
      required: [id]
      properties:
        id: {type: integer}
        note: {type: string, nullable: true, x-omitempty: false}
`
	faults := func(doc string) []string {
		c, err := New([]byte(doc), withoutValidation())
		require.NoError(t, err)
		return append(operationFaults(c), schemaFaults(c)...)
	}
	require.Empty(t, faults(good))
	for _, change := range [][2]string{
		{"      operationId: getThing\n", ""}, {"Gets a thing.", "Gets a thing"}, {"[a]", "[a, b]"}, {"https://docs.example/a", ""},
		{"      security: []\n", ""}, {"x-effect: read", "x-effect: peek"}, {"      x-effect: read\n", ""}, {"x-effect: read", "x-effect: write"},
		{"x-effect: read", "x-effect: read\n      x-outcome: Look."}, {"x-effect: read", "x-effect: read\n      x-evidence: hearsay"},
		{`"200":`, "default:"}, {`"200":`, `"2XX":`},
		{"/Thing", "/WithThing"}, {"/Thing", "/ThingResponse"}, {"/Thing", "/Client"}, {"/Thing", "/GetThing"}, {"/Thing", "/NewThing"},
		{"type: object", "type: object\n      additionalProperties: false"}, {"id: {type: integer}", "id: {type: number, format: double}"},
		{"id: {type: integer}", "id: {type: object, properties: {a: {type: string}}}"}, {"required: [id]", "required: [id, other]"},
		{"id: {type: integer}", "id: {type: string, enum: [a]}"}, {", x-omitempty: false", ""},
	} {
		doc := strings.Replace(good, change[0], change[1], 1)
		require.NotEqual(t, good, doc, "%q is not in the document", change[0])
		if name, ok := strings.CutPrefix(change[1], "/"); ok {
			doc = strings.Replace(doc, "\n    Thing:", "\n    "+name+":", 1)
		}
		require.NotEmpty(t, faults(doc), "%q → %q goes unnoticed", change[0], change[1])
	}
}

// answers lists the schemas that answers and webhooks are made of.
func answers(c *Checker) []*openapi3.Schema {
	var out []*openapi3.Schema
	w := schemaWalk{seen: map[*openapi3.Schema]bool{}, visit: func(s *openapi3.Schema) { out = append(out, s) }}
	for _, op := range c.ops {
		for _, r := range op.op.Responses.Map() {
			w.content(r.Value.Content)
		}
	}
	return out
}

// The table in a provider's README is the committed list of its operations.
func TestOperationTableEqualsTheDocument(t *testing.T) {
	row := regexp.MustCompile("^\\| *`?([A-Za-z0-9]+)`? *\\| *`?([A-Z]+)`? *\\| *`?(/[^ |`]*)`? *\\| *(\\w+) *\\| *(\\w+) *\\|")
	eachDocument(t, func(t *testing.T, c *Checker) {
		b, err := os.ReadFile(filepath.Join("..", c.Provider(), "README.md"))
		require.NoError(t, err)
		got := map[string]string{}
		for line := range strings.Lines(string(b)) {
			if m := row.FindStringSubmatch(line); m != nil {
				if got[m[1]] != "" {
					t.Errorf("%s is in the table twice", m[1])
				}
				got[m[1]] = strings.Join(m[2:], " ")
			}
		}
		want := map[string]string{}
		for _, i := range c.Operations() {
			evidence := i.Evidence
			if evidence == "" {
				evidence = "docs"
			}
			want[i.ID] = strings.Join([]string{i.Method, i.Path, i.Effect, evidence}, " ")
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if got[id] != want[id] {
				t.Errorf("%s: the table says %q, the document %q", id, got[id], want[id])
			}
		}
		for _, id := range slices.Sorted(maps.Keys(got)) {
			if want[id] == "" {
				t.Errorf("%s is in the table and not in the document", id)
			}
		}
	})
}

func TestEveryOperationHasAPayloadOrAReason(t *testing.T) {
	eachDocument(t, func(t *testing.T, c *Checker) {
		fixtures, err := specs.Fixtures(c.Provider())
		require.NoError(t, err)
		e, err := specs.ExceptionsOf(c.Provider())
		require.NoError(t, err)
		has, files := map[string]bool{}, map[string]bool{}
		for _, f := range fixtures {
			has[f.Operation], files[f.Name] = true, true
		}
		for _, op := range c.Operations() {
			reason, excused := e.NoPayload[op.ID]
			switch {
			case has[op.ID] && excused:
				t.Errorf("%s has a payload and a reason to have none", op.ID)
			case !has[op.ID] && !excused:
				t.Errorf("%s has neither a payload nor a reason to have none", op.ID)
			case excused && len(reason) < 10:
				t.Errorf("%s: %q is no reason", op.ID, reason)
			}
		}
		for id := range e.NoPayload {
			if c.byID[id] == nil {
				t.Errorf("no_payload: %s is not in the document", id)
			}
		}
		for list, entries := range map[string]map[string]string{"known_bad": e.KnownBad, "partial": e.Partial, "jury": e.Jury} {
			for name, reason := range entries {
				if !files[name] {
					t.Errorf("%s: there is no fixture %s", list, name)
				}
				if len(reason) < 10 {
					t.Errorf("%s: %s: %q is no reason", list, name, reason)
				}
			}
		}
	})
}

// An open document that accepts everything proves nothing.
func TestWrongTypesInFixturesAreRefused(t *testing.T) {
	eachDocument(t, func(t *testing.T, c *Checker) {
		fixtures, err := specs.Fixtures(c.Provider())
		require.NoError(t, err)
		e, err := specs.ExceptionsOf(c.Provider())
		require.NoError(t, err)
		all, refused := 0, 0
		samples := c.samples(fixtures, e)
		for i := range samples {
			s := &samples[i]
			if s.fixture.Kind != specs.Response {
				continue
			}
			s.value = thin(s.value)
			for _, d := range damages(s.value) {
				if d.kind != damageObject {
					continue
				}
				all++
				undo := d.apply(&s.value)
				if !s.accepts(s.value) {
					refused++
				}
				undo()
			}
		}
		require.Positive(t, all)
		t.Logf("%d of %d", refused, all)
		require.GreaterOrEqual(t, float64(refused)/float64(all), 0.95)
	})
}

// A fixture with bytes after its JSON, a name used twice or a cut end fails,
// whatever the document says.
func TestDamagedBytesOfFixturesAreRefused(t *testing.T) {
	eachDocument(t, func(t *testing.T, c *Checker) {
		fixtures, err := specs.Fixtures(c.Provider())
		require.NoError(t, err)
		for _, f := range fixtures {
			if f.Form {
				continue
			}
			whole := strings.TrimSpace(string(f.Body))
			broken := map[string]string{"bytes after it": whole + " x", "a cut end": whole[:len(whole)-1], "a byte order mark": "\ufeff" + whole}
			if rest, ok := strings.CutPrefix(whole, "{"); ok {
				broken["a name twice"] = `{"a":1,"a":1,` + rest
			}
			for what, body := range broken {
				g := f
				g.Body = []byte(body)
				if !HasBroken(c.Fixture(g)) {
					t.Errorf("%s with %s passes", f.Name, what)
				}
			}
		}
	})
}
