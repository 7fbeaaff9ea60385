package sandbox

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is a rule: which calls go wrong, how, and how often. The first rule
// that matches a call wins. See [FaultNames] and [FaultAbout] for the names.
type Fault struct {
	Name string `json:"name"`
	// Provider and Operation narrow the rule; empty means any. For a webhook
	// fault Operation is the event. Auth says "only calls that issue tokens"
	// (true) or "only others" (false).
	Provider  string `json:"provider,omitempty"`
	Operation string `json:"operation,omitempty"`
	Auth      *bool  `json:"auth,omitempty"`
	// Skip lets so many matching calls pass first. Count ends the rule after
	// so many hits; 0 is for ever. Probability, if not 0, leaves it to chance,
	// seeded.
	Skip        int     `json:"skip,omitempty"`
	Count       int     `json:"count,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	// Delay is how long to wait, where the fault waits; what a 429 asks for; by
	// how much a clock is wrong.
	Delay time.Duration `json:"delay,omitempty"`
	// Fixture is the file of a documented error, for the fault "documented":
	// "createInvoice.response.400.invalid-amount.json".
	Fixture string `json:"fixture,omitempty"`
	// Status and Body are the answer of the fault "answer".
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}

// FaultRule is a fault at work.
type FaultRule struct {
	ID    int   `json:"id"`
	Fault Fault `json:"fault"`
	Seen  int   `json:"seen"` // calls that matched
	Hits  int   `json:"hits"` // calls that went wrong
}

// faults holds the rules in the order of their making.
type faults struct {
	mu    sync.Mutex
	rng   *rand.Rand
	rules []*FaultRule
	next  int
}

func newFaults(seed int64) *faults {
	f := &faults{}
	f.reset(seed)
	return f
}

func (f *faults) reset(seed int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.next = nil, 1
	f.rng = rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // chance that can be repeated is the point
}

// Inject adds a rule and returns its id. It panics if the name is unknown.
func (s *Sandbox) Inject(f Fault) int {
	id, err := s.inject(f)
	if err != nil {
		panic(err.Error())
	}
	return id
}

func (s *Sandbox) inject(f Fault) (int, error) {
	kind, known := faultKinds[f.Name]
	switch {
	case !known:
		return 0, fmt.Errorf("sandbox: unknown fault %q (known: %s)", f.Name, strings.Join(FaultNames(), ", "))
	case f.Provider != "" && s.providers[f.Provider] == nil:
		return 0, fmt.Errorf("sandbox: unknown provider %q", f.Provider)
	case f.Name == "documented" && (f.Provider == "" || fixture(f.Provider, f.Fixture) == nil):
		return 0, fmt.Errorf("sandbox: the fault %q needs a provider and a fixture of it; %q is none", f.Name, f.Fixture)
	case f.Name == "answer" && f.Status == 0:
		return 0, fmt.Errorf("sandbox: the fault %q needs a status", f.Name)
	}
	if f.Operation == "" {
		f.Operation = kind.operation
	}
	if only := kind.tokens == "only"; kind.tokens != "" && f.Auth == nil && f.Operation == "" {
		f.Auth = &only
	}
	l := s.faults
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &FaultRule{ID: l.next, Fault: f}
	l.next++
	l.rules = append(l.rules, r)
	return r.ID, nil
}

// Faults lists the rules and how often they struck.
func (s *Sandbox) Faults() []FaultRule {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]FaultRule, len(s.faults.rules))
	for i, r := range s.faults.rules {
		out[i] = *r
	}
	return out
}

// RemoveFault ends one rule.
func (s *Sandbox) RemoveFault(id int) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = slices.DeleteFunc(s.faults.rules, func(r *FaultRule) bool { return r.ID == id })
}

// ClearFaults ends all rules.
func (s *Sandbox) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
}

func (f *faults) pick(p *provider, operation string) *Fault {
	if operation == "" {
		return nil
	}
	auth := p.ops[operation].Effect == "auth"
	return f.choose(func(x *Fault) bool {
		return !x.hook() && (x.Provider == "" || x.Provider == p.name) && (x.Operation == "" || x.Operation == operation) &&
			(x.Auth == nil || *x.Auth == auth)
	})
}

func (f *faults) pickHook(provider, event string) *Fault {
	return f.choose(func(x *Fault) bool {
		return x.hook() && (x.Provider == "" || x.Provider == provider) && (x.Operation == "" || x.Operation == event)
	})
}

func (f *faults) choose(match func(*Fault) bool) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if !match(&r.Fault) || r.Fault.Count > 0 && r.Hits >= r.Fault.Count {
			continue
		}
		r.Seen++
		if r.Seen <= r.Fault.Skip || r.Fault.Probability > 0 && f.rng.Float64() >= r.Fault.Probability {
			continue
		}
		r.Hits++
		hit := r.Fault
		return &hit
	}
	return nil
}

func (f *Fault) hook() bool { return strings.HasPrefix(f.Name, "webhook-") }

func (f *Fault) named(name string) bool { return f != nil && f.Name == name }

func (f *Fault) delay(otherwise time.Duration) time.Duration {
	if f.Delay > 0 {
		return f.Delay
	}
	return otherwise
}

// early says that the call never reaches the provider.
func (f *Fault) early() bool { return f != nil && faultKinds[f.Name].early }

func (f *Fault) skew() time.Duration {
	if f.named("clock-skew") {
		return f.delay(10 * time.Minute)
	}
	return 0
}

// instead is the answer of a fault that keeps the call from happening.
func (f *Fault) instead(c *call) *answer {
	if f == nil || faultKinds[f.Name].instead == nil {
		return nil
	}
	return faultKinds[f.Name].instead(f, c)
}

// FaultNames lists the faults.
func FaultNames() []string { return slices.Sorted(maps.Keys(faultKinds)) }

// CallFaults lists the faults that a call can meet as they stand: not those of
// webhooks, and not the two that need to be told what to answer.
func CallFaults() []string {
	return slices.DeleteFunc(FaultNames(), func(name string) bool {
		return strings.HasPrefix(name, "webhook-") || name == "documented" || name == "answer"
	})
}

// FaultOfTokens reports whether a fault changes what a token call answers, so
// that no other call can meet it.
func FaultOfTokens(name string) bool {
	return faultKinds[name].tokens == "only" || name == "refresh-spent"
}

// FaultAbout says in one line what a fault does.
func FaultAbout(name string) string { return faultKinds[name].about }
