package record

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// Summary is the verdict on a recording.
type Summary struct {
	Exchanges int // judged
	// Foreign counts exchanges with hosts and paths that belong to none of
	// the documents: a browser records more than one API.
	Foreign   int
	Errors    []error // of reading, with positions; at most 100 are kept
	Damaged   int     // how many there were
	Providers []Provider
}

// Provider is the verdict on one provider's traffic.
type Provider struct {
	Name       string
	Operations []Operation // those that were seen, by id
	Unseen     []string    // operations of the document that were not
	Findings   []Finding   // in the order of their first appearance
}

// Operation is the verdict on the traffic of one operation.
type Operation struct {
	ID         string
	Exchanges  int
	Statuses   map[int]int
	Violations int // broken only
}

// Finding is a violation with the number of times it was seen.
type Finding struct {
	contract.Violation
	Count int
	First string // the source of the first exchange that shows it
}

// Broken counts the findings that contradict a document.
func (s Summary) Broken() int {
	n := 0
	for _, p := range s.Providers {
		for _, f := range p.Findings {
			if f.Kind == contract.Broken {
				n++
			}
		}
	}
	return n
}

// Judge judges every exchange of a recording. An exchange belongs to the
// checker one of whose servers has its host; with a host that no document
// names, such as that of a sandbox or a proxy, to the one that knows its path.
func Judge(exchanges iter.Seq2[contract.Exchange, error], checkers ...*contract.Checker) Summary {
	j := NewJudge(checkers...)
	for x, err := range exchanges {
		if err != nil {
			j.Fail(err)
			continue
		}
		j.Add(x)
	}
	return j.Summary()
}

// A Judger collects verdicts as exchanges come in. It is not safe for
// concurrent use.
type Judger struct {
	checkers []*contract.Checker
	hosts    map[string][]*contract.Checker
	state    map[*contract.Checker]*tally
	sum      Summary
}

type tally struct {
	ops      map[string]*Operation
	findings []*Finding
	byText   map[contract.Violation]*Finding
}

// maxFindings bounds memory: a recording of garbage is no news after that.
const maxFindings = 10_000

// NewJudge returns an empty Judger for some documents.
func NewJudge(checkers ...*contract.Checker) *Judger {
	j := &Judger{checkers: checkers, hosts: map[string][]*contract.Checker{}, state: map[*contract.Checker]*tally{}}
	for _, c := range checkers {
		for _, s := range c.Servers() {
			if u, err := url.Parse(s); err == nil && u.Host != "" {
				j.hosts[u.Host] = append(j.hosts[u.Host], c)
			}
		}
	}
	return j
}

// Fail notes that a part of the recording could not be read.
func (j *Judger) Fail(err error) {
	j.sum.Damaged++
	if len(j.sum.Errors) < 100 {
		j.sum.Errors = append(j.sum.Errors, err)
	}
}

// Add judges an exchange and returns what was found, nil also for one that
// belongs to none of the documents.
func (j *Judger) Add(x contract.Exchange) []contract.Violation {
	c := j.pick(x)
	if c == nil {
		j.sum.Foreign++
		return nil
	}
	j.sum.Exchanges++
	op, vs := c.Exchange(x)
	t := j.state[c]
	if t == nil {
		t = &tally{ops: map[string]*Operation{}, byText: map[contract.Violation]*Finding{}}
		j.state[c] = t
	}
	var o *Operation
	if op != "" {
		if o = t.ops[op]; o == nil {
			o = &Operation{ID: op, Statuses: map[int]int{}}
			t.ops[op] = o
		}
		o.Exchanges++
		o.Statuses[x.Status]++
	}
	for _, v := range vs {
		if o != nil && v.Kind == contract.Broken {
			o.Violations++
		}
		f := t.byText[v]
		if f == nil {
			if len(t.findings) >= maxFindings {
				continue
			}
			f = &Finding{Violation: v, First: x.Source}
			t.byText[v] = f
			t.findings = append(t.findings, f)
		}
		f.Count++
	}
	return vs
}

func (j *Judger) pick(x contract.Exchange) *contract.Checker {
	u, err := url.Parse(x.URL)
	if err != nil {
		return nil
	}
	req := &http.Request{Method: strings.ToUpper(x.Method), URL: u}
	if own := j.hosts[u.Host]; len(own) > 0 {
		for _, c := range own {
			if _, ok := c.Operation(req); ok {
				return c
			}
		}
		return own[0]
	}
	for _, c := range j.checkers {
		if _, ok := c.Operation(req); ok {
			return c
		}
	}
	return nil
}

// Summary returns the verdict so far.
func (j *Judger) Summary() Summary {
	s := j.sum
	s.Providers = nil
	for _, c := range j.checkers {
		p := Provider{Name: c.Provider()}
		t := j.state[c]
		if t == nil {
			t = &tally{}
		}
		for _, id := range slices.Sorted(maps.Keys(t.ops)) {
			o := *t.ops[id]
			o.Statuses = maps.Clone(o.Statuses)
			p.Operations = append(p.Operations, o)
		}
		for _, op := range c.Operations() {
			if t.ops[op.ID] == nil {
				p.Unseen = append(p.Unseen, op.ID)
			}
		}
		for _, f := range t.findings {
			p.Findings = append(p.Findings, *f)
		}
		s.Providers = append(s.Providers, p)
	}
	return s
}

// String is a finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s [%d×, first %s]", f.Violation, f.Count, f.First)
}
