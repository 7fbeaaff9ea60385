package cli

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/contract/record"
)

// report is the verdict of check and proxy, and the shape of -format json.
// Members may be added; Version grows when one changes or goes.
type report struct {
	Version   int          `json:"version"`
	OK        bool         `json:"ok"`     // the exit status is 0
	Strict    bool         `json:"strict"` // what is undocumented or unjudged counts as broken
	Totals    totals       `json:"totals"`
	Inputs    []input      `json:"inputs"`
	Providers []*portfolio `json:"providers"` // those that were asked for or seen
}

type totals struct {
	Exchanges    int `json:"exchanges"` // judged
	Fixtures     int `json:"fixtures"`  // judged
	Foreign      int `json:"foreign"`   // exchanges that belong to none of the documents
	Broken       int `json:"broken"`    // distinct findings, as are the next two
	Undocumented int `json:"undocumented"`
	Unjudged     int `json:"unjudged"`
	Damaged      int `json:"damaged"` // parts of inputs that could not be read
}

// input is one file, or the traffic of a proxy.
type input struct {
	Path     string   `json:"path"`
	Kind     string   `json:"kind"` // fixture, har, jsonl or live
	Provider string   `json:"provider,omitempty"`
	Judged   int      `json:"judged"`
	Foreign  int      `json:"foreign,omitempty"`
	Damaged  int      `json:"damaged,omitempty"`
	Errors   []string `json:"errors,omitempty"` // with positions; at most 100
	Excuse   string   `json:"excuse,omitempty"` // from exceptions.json
}

func (in *input) damage(what string) {
	in.Damaged++
	in.Errors = append(in.Errors, what)
}

// portfolio is what was seen of one provider.
type portfolio struct {
	Name       string          `json:"name"`
	Exchanges  int             `json:"exchanges"`
	Fixtures   int             `json:"fixtures"`
	Documented int             `json:"documented_operations"`
	Operations []*coverage     `json:"operations"`       // those that were seen, in the document's order
	Shared     []*coverage     `json:"shared,omitempty"` // fixtures of webhooks, or of every operation
	Unseen     []operationName `json:"unseen"`
	Findings   []*finding      `json:"findings"`

	checker *contract.Checker
	ops     map[string]*coverage
	shared  map[string]*coverage
	byText  map[contract.Violation]*finding
}

type operationName struct {
	ID     string `json:"id"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
}

// coverage says how much of one operation was seen.
type coverage struct {
	operationName
	Exchanges int `json:"exchanges"`
	Fixtures  int `json:"fixtures"`
	Requests  int `json:"requests"` // of the fixtures
	// Statuses counts answers by status; "none" is a request without an answer.
	// A fixture may stand for a class, as "2xx".
	Statuses     map[string]int `json:"statuses"`
	UnseenStatus []string       `json:"unseen_statuses,omitempty"` // documented
	Broken       int            `json:"broken"`                    // occurrences
	Undocumented int            `json:"undocumented"`              // occurrences
}

// finding is a violation, how often it was seen and where first.
type finding struct {
	contract.Violation
	Count int    `json:"count"`
	First string `json:"first"`
}

// maxFindings bounds memory and output, as in package record.
const maxFindings = 10_000

// collector builds a report. It is not safe for concurrent use.
type collector struct {
	order []*portfolio
	by    map[string]*portfolio
	rep   report
}

func newCollector(strict bool) *collector {
	return &collector{by: map[string]*portfolio{}, rep: report{Version: 1, Strict: strict}}
}

// provider returns the place of a checker, and lists it from now on.
func (c *collector) provider(k *contract.Checker) *portfolio {
	p := c.by[k.Provider()]
	if p == nil {
		p = &portfolio{Name: k.Provider(), checker: k, ops: map[string]*coverage{}, shared: map[string]*coverage{}, byText: map[contract.Violation]*finding{}}
		c.by[p.Name] = p
		c.order = append(c.order, p)
	}
	return p
}

func (c *collector) input(in input) {
	c.rep.Inputs = append(c.rep.Inputs, in)
	c.rep.Totals.Foreign += in.Foreign
	c.rep.Totals.Damaged += in.Damaged
}

// recording adds the verdict on a recording.
func (c *collector) recording(s record.Summary, checkers []*contract.Checker) {
	for i, sp := range s.Providers {
		if len(sp.Operations) == 0 && len(sp.Findings) == 0 {
			continue
		}
		p := c.provider(checkers[i])
		for _, so := range sp.Operations {
			o := p.operation(so.ID)
			o.Exchanges += so.Exchanges
			for status, n := range so.Statuses {
				o.Statuses[statusName(status)] += n
			}
		}
		for _, f := range sp.Findings {
			p.finding(f.Violation, f.Count, f.First)
			if f.In == contract.InRoute {
				p.Exchanges += f.Count // of no operation
			}
		}
		p.Exchanges += sumOf(sp.Operations, func(o record.Operation) int { return o.Exchanges })
	}
	c.rep.Totals.Exchanges += s.Exchanges
}

// fixture adds the verdict on a fixture.
func (c *collector) fixture(k *contract.Checker, f specs.Fixture, vs []contract.Violation, path string) {
	p := c.provider(k)
	p.Fixtures++
	c.rep.Totals.Fixtures++
	o := p.operation(f.Operation)
	o.Fixtures++
	switch f.Kind {
	case specs.Request:
		o.Requests++
	case specs.Response:
		o.Statuses[f.Status]++
	}
	for _, v := range vs {
		p.finding(v, 1, path)
	}
}

func statusName(status int) string {
	if status == 0 {
		return "none"
	}
	return strconv.Itoa(status)
}

func (p *portfolio) operation(id string) *coverage {
	info, ok := p.checker.Lookup(id)
	in := p.ops
	if !ok {
		in = p.shared
	}
	if in[id] == nil {
		in[id] = &coverage{operationName: operationName{ID: id, Method: info.Method, Path: info.Path}, Statuses: map[string]int{}}
	}
	return in[id]
}

func (p *portfolio) finding(v contract.Violation, count int, first string) {
	f := p.byText[v]
	if f == nil {
		if len(p.Findings) >= maxFindings {
			return
		}
		f = &finding{Violation: v, First: first}
		p.byText[v] = f
		p.Findings = append(p.Findings, f)
	}
	f.Count += count
}

// report completes the verdict. The collector may go on collecting.
func (c *collector) report() report {
	r := c.rep
	r.Inputs = slices.Clone(r.Inputs)
	if r.Inputs == nil {
		r.Inputs = []input{}
	}
	r.Providers = slices.Clone(c.order)
	slices.SortStableFunc(r.Providers, func(a, b *portfolio) int { return cmp.Compare(a.Name, b.Name) })
	if r.Providers == nil {
		r.Providers = []*portfolio{}
	}
	for _, p := range r.Providers {
		p.complete()
		for _, f := range p.Findings {
			switch f.Kind {
			case contract.Broken:
				r.Totals.Broken++
			case contract.Undocumented:
				r.Totals.Undocumented++
			case contract.Unjudged:
				r.Totals.Unjudged++
			}
		}
	}
	t := r.Totals
	r.OK = t.Broken+t.Damaged == 0 && !(r.Strict && t.Undocumented+t.Unjudged > 0)
	return r
}

func (p *portfolio) complete() {
	p.Operations, p.Shared, p.Unseen = []*coverage{}, nil, []operationName{}
	infos := p.checker.Operations()
	p.Documented = len(infos)
	for _, info := range infos {
		o := p.ops[info.ID]
		if o == nil {
			p.Unseen = append(p.Unseen, operationName{info.ID, info.Method, info.Path})
			continue
		}
		o.UnseenStatus = slices.DeleteFunc(slices.Clone(info.Statuses), o.saw)
		p.Operations = append(p.Operations, o)
	}
	for _, id := range sortedKeys(p.shared) {
		p.Shared = append(p.Shared, p.shared[id])
	}
	if p.Findings == nil {
		p.Findings = []*finding{}
	}
	for _, o := range p.ops {
		o.Broken, o.Undocumented = 0, 0
	}
	for _, f := range p.Findings {
		o := p.ops[f.Operation]
		if o == nil {
			o = p.shared[f.Operation]
		}
		switch {
		case o == nil:
		case f.Kind == contract.Broken:
			o.Broken += f.Count
		case f.Kind == contract.Undocumented:
			o.Undocumented += f.Count
		}
	}
}

// saw reports whether an answer with a documented status was seen.
func (o *coverage) saw(status string) bool {
	for seen := range o.Statuses {
		if seen == status || (specs.Fixture{Status: seen}).MatchesStatus(status) {
			return true
		}
	}
	return false
}

func sumOf[T any](list []T, of func(T) int) (n int) {
	for _, x := range list {
		n += of(x)
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
