package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Tally counts the mutants of one kind, and names those that survived.
type Tally struct {
	Kind      string
	Mutants   int
	Killed    int
	Direct    int      // of the killed: noticed by a fixture as it is, not only by a damaged copy
	Survivors []string // "Invoice.amount", or "login.response.200.json /token"
}

// Score says how well documents and fixtures hold each other.
type Score struct {
	Provider string
	// Fixtures counts damaged fixtures, and those the document refused.
	Fixtures []Tally
	// Document counts damaged documents, and those noticed: a fixture, or a
	// damaged copy of one, gets another verdict. Only what some fixture
	// reaches is damaged.
	Document []Tally
	// Unreached counts the schemas that no fixture reaches.
	Unreached, Reached int
}

// Refused is the share of wrong types and wrong names in fixtures that the
// document refuses, between 0 and 1.
func (s Score) Refused() float64 {
	mutants, killed := 0, 0
	for _, t := range s.Fixtures {
		if typeDamage(t.Kind) {
			mutants, killed = mutants+t.Mutants, killed+t.Killed
		}
	}
	return share(killed, mutants)
}

// Noticed is the share of damages to the document that some fixture notices,
// between 0 and 1.
func (s Score) Noticed() float64 {
	mutants, killed := 0, 0
	for _, t := range s.Document {
		mutants, killed = mutants+t.Mutants, killed+t.Killed
	}
	return share(killed, mutants)
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Mutate damages fixtures and document one place at a time and counts who
// notices. It reads the document anew: the checker of [For] is not touched.
func Mutate(provider string, doc []byte, fixtures []specs.Fixture, e specs.Exceptions) (Score, error) {
	c, err := New(doc, WithProvider(provider), withoutValidation())
	if err != nil {
		return Score{}, err
	}
	m := &mutation{c: c, names: c.schemaNames(), samples: c.samples(fixtures, e)}
	for i := range m.samples {
		m.samples[i].whole = m.samples[i].value
		m.samples[i].value = thin(m.samples[i].value)
	}
	s := Score{Provider: provider}
	s.Fixtures = m.fixtures()
	s.Document = m.document()
	s.Reached = len(m.places)
	c.eachSchema(func(x *openapi3.Schema) {
		if m.places[x] == nil {
			s.Unreached++
		}
	})
	return s, nil
}

type mutation struct {
	c          *Checker
	names      map[*openapi3.Schema]string
	samples    []sample
	places     map[*openapi3.Schema][]place
	dependents map[*openapi3.Schema][]*openapi3.Schema
}

func (m *mutation) fixtures() []Tally {
	tallies := map[string]*Tally{}
	for i := range m.samples {
		s := &m.samples[i]
		if !s.accepts(s.value) {
			continue // another test complains
		}
		documented := s.documented()
		for _, d := range damages(s.value) {
			if d.kind == damageRenamed && !documented[general(d.path)] {
				continue // a key of a map: any name is as good
			}
			t := tallies[d.kind]
			if t == nil {
				t = &Tally{Kind: d.kind}
				tallies[d.kind] = t
			}
			t.Mutants++
			undo := d.apply(&s.value)
			if !s.accepts(s.value) {
				t.Killed++
			} else if name := s.fixture.Name + " " + general(d.path); !slices.Contains(t.Survivors, name) {
				t.Survivors = append(t.Survivors, name)
			}
			undo()
		}
	}
	var out []Tally
	for _, k := range damageKinds {
		if t := tallies[k]; t != nil {
			out = append(out, *t)
		}
	}
	return out
}

func (m *mutation) document() []Tally {
	m.places = map[*openapi3.Schema][]place{}
	for i := range m.samples {
		s := &m.samples[i]
		if !s.accepts(s.value) {
			continue
		}
		s.touches(func(x *openapi3.Schema, path []any, _ any) {
			m.places[x] = append(m.places[x], place{sample: s, path: slices.Clone(path)})
		})
	}
	m.dependents = map[*openapi3.Schema][]*openapi3.Schema{}
	for s, sh := range m.c.shapes {
		for _, part := range sh.all {
			m.dependents[part] = append(m.dependents[part], s)
		}
	}
	reached := slices.SortedFunc(maps.Keys(m.places), func(a, b *openapi3.Schema) int {
		return strings.Compare(m.names[a], m.names[b])
	})
	var order []string
	tallies := map[string]*Tally{}
	for _, s := range reached {
		fixtures := m.noticer(s)
		for _, mu := range m.mutants(s) {
			t := tallies[mu.kind]
			if t == nil {
				t = &Tally{Kind: mu.kind}
				tallies[mu.kind] = t
				order = append(order, mu.kind)
			}
			t.Mutants++
			old := *s
			mu.apply(s)
			m.reshape(s)
			switch noticed, direct := fixtures.notices(); {
			case direct:
				t.Direct++
				t.Killed++
			case noticed:
				t.Killed++
			default:
				t.Survivors = append(t.Survivors, mu.name)
			}
			*s = old
			m.reshape(s)
		}
	}
	slices.Sort(order)
	var out []Tally
	for _, k := range order {
		out = append(out, *tallies[k])
	}
	return out
}

func (m *mutation) reshape(s *openapi3.Schema) {
	for _, d := range m.dependents[s] {
		m.c.shapes[d] = newShape(d)
	}
}

// maxPlaces bounds in how many places of one schema fixtures are damaged.
const maxPlaces = 3

// noticer is what the fixtures have to say about one schema: their verdicts
// as they are, then those on copies damaged where the schema applies.
type noticer struct {
	whole   []*sample
	damaged []damagedSample
	before  []bool // of whole, then of damaged
}

type damagedSample struct {
	sample *sample
	damage damage
}

func (m *mutation) noticer(s *openapi3.Schema) *noticer {
	n := &noticer{}
	for _, p := range m.places[s] {
		if !slices.Contains(n.whole, p.sample) {
			n.whole = append(n.whole, p.sample)
		}
	}
	for _, p := range spread(m.places[s], maxPlaces) {
		for _, d := range nearby(p) {
			n.damaged = append(n.damaged, damagedSample{p.sample, d})
		}
	}
	for i := range len(n.whole) + len(n.damaged) {
		n.before = append(n.before, n.verdict(i))
	}
	return n
}

func (n *noticer) verdict(i int) bool {
	if i < len(n.whole) {
		return n.whole[i].accepts(n.whole[i].whole)
	}
	d := n.damaged[i-len(n.whole)]
	undo := d.damage.apply(&d.sample.value)
	defer undo()
	return d.sample.accepts(d.sample.value)
}

// notices reports whether any verdict has changed, and whether one on a
// fixture as it is has.
func (n *noticer) notices() (any, direct bool) {
	for i, before := range n.before {
		if n.verdict(i) != before {
			return true, i < len(n.whole)
		}
	}
	return false, false
}

// spread picks at most n places, from as many fixtures as there are.
func spread(places []place, n int) []place {
	if len(places) <= n {
		return places
	}
	out := make([]place, 0, n)
	for i := range n {
		out = append(out, places[i*len(places)/n])
	}
	return out
}

// nearby lists the damages to one place: other types, and missing members.
func nearby(p place) []damage {
	var out []damage
	for _, by := range []any{
		map[string]any{"damaged": true}, []any{map[string]any{"damaged": true}}, spoiled,
		json.Number("1.5"), json.Number("7"), true, nil,
	} {
		out = append(out, replace("", p.path, by))
	}
	if m, ok := get(p.sample.value, p.path).(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out = append(out, remove(p.path, name))
		}
	}
	return out
}

// mutant is one change to a schema. It never writes to what the schema refers
// to, so that restoring the struct takes it back.
type mutant struct {
	kind  string
	name  string
	apply func(*openapi3.Schema)
}

func (m *mutation) mutants(s *openapi3.Schema) []mutant {
	name := m.names[s]
	var out []mutant
	add := func(kind, name string, apply func(*openapi3.Schema)) {
		out = append(out, mutant{kind, name, apply})
	}
	for i, r := range s.Required {
		add("drop required", name+"."+r, func(s *openapi3.Schema) { s.Required = slices.Delete(slices.Clone(s.Required), i, i+1) })
	}
	for _, p := range slices.Sorted(maps.Keys(s.Properties)) {
		add("rename property", name+"."+p, func(s *openapi3.Schema) {
			props := maps.Clone(s.Properties)
			props[p+"_renamed"] = props[p]
			delete(props, p)
			s.Properties = props
		})
	}
	if s.Type != nil && len(*s.Type) == 1 {
		other := flipped[(*s.Type)[0]]
		add("flip type", name, func(s *openapi3.Schema) { s.Type = &openapi3.Types{other} })
		add("widen to any type", name, func(s *openapi3.Schema) { s.Type = nil })
		if (*s.Type)[0] == openapi3.TypeInteger {
			add("widen integer to number", name, func(s *openapi3.Schema) { s.Type = &openapi3.Types{openapi3.TypeNumber} })
		}
		if s.Nullable {
			add("forbid null", name, func(s *openapi3.Schema) { s.Nullable = false })
		} else {
			add("allow null", name, func(s *openapi3.Schema) { s.Nullable = true })
		}
	}
	for i, v := range s.Enum {
		add("drop enum value", fmt.Sprintf("%s=%v", name, v), func(s *openapi3.Schema) { s.Enum = slices.Delete(slices.Clone(s.Enum), i, i+1) })
	}
	if known, ok := s.Extensions["x-extensible-enum"].([]any); ok {
		for i, v := range known {
			add("drop known value", fmt.Sprintf("%s=%v", name, v), func(s *openapi3.Schema) {
				s.Extensions = maps.Clone(s.Extensions)
				s.Extensions["x-extensible-enum"] = slices.Delete(slices.Clone(known), i, i+1)
			})
		}
	}
	if _, ok := formats[s.Format]; ok {
		add("drop format", name, func(s *openapi3.Schema) { s.Format = "" })
	}
	if s.Pattern != "" {
		add("drop pattern", name, func(s *openapi3.Schema) { s.Pattern = "" })
	}
	return out
}

var flipped = map[string]string{
	openapi3.TypeString: openapi3.TypeInteger, openapi3.TypeInteger: openapi3.TypeString, openapi3.TypeNumber: openapi3.TypeString,
	openapi3.TypeBoolean: openapi3.TypeString, openapi3.TypeArray: openapi3.TypeObject, openapi3.TypeObject: openapi3.TypeArray,
}

// thin is a copy that has of each list the elements that differ in shape, at most five: a
// hundred countries would outweigh everything else.
func thin(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[name] = thin(e)
		}
		return out
	case []any:
		var out []any
		seen := map[string]bool{}
		for _, e := range v {
			if sig := signature(e); !seen[sig] && len(out) < 5 {
				seen[sig] = true
				out = append(out, thin(e))
			}
		}
		if out != nil {
			return out
		}
	}
	return v
}

func signature(v any) string {
	switch v := v.(type) {
	case map[string]any:
		out := "{"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out += name + ":" + signature(v[name]) + ","
		}
		return out + "}"
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "[" + signature(v[0]) + "]"
	}
	return fmt.Sprintf("%T", v)
}
