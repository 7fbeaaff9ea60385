package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// Exchange is one request and its answer. Headers are whole, credentials included, and
// bodies up to 64 KiB; the HTTP control shows neither.
type Exchange struct {
	N              int                  `json:"n"` // counts from 1
	Time           time.Time            `json:"time"`
	Provider       string               `json:"provider"`
	Operation      string               `json:"operation,omitempty"` // empty when the path is not documented
	Method         string               `json:"method"`
	Path           string               `json:"path"` // with the query
	Status         int                  `json:"status"`
	Took           time.Duration        `json:"took"`
	Fault          string               `json:"fault,omitempty"`      // the fault that changed the answer
	Guess          string               `json:"guess,omitempty"`      // what about the answer is not documented
	Violations     []contract.Violation `json:"violations,omitempty"` // of the client
	Own            []contract.Violation `json:"own,omitempty"`        // of the sandbox
	RequestHeader  http.Header          `json:"-"`
	RequestBody    []byte               `json:"-"`
	ResponseHeader http.Header          `json:"-"`
	ResponseBody   []byte               `json:"-"`
}

// log keeps the last exchanges, and violations for longer.
type log struct {
	mu    sync.Mutex
	limit int
	n     int
	ring  []Exchange
	own   []contract.Violation // the sandbox's, all of them
	wrong []contract.Violation // the clients', the last ones
}

func newLog(limit int) *log { return &log{limit: max(limit, 1)} }

// maxKept bounds what is kept of a body.
const maxKept = 64 << 10

// maxWrong bounds how many violations of clients are kept.
const maxWrong = 10_000

func (l *log) add(x Exchange) {
	x.RequestBody, x.ResponseBody = x.RequestBody[:min(len(x.RequestBody), maxKept)], x.ResponseBody[:min(len(x.ResponseBody), maxKept)]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	x.N = l.n
	l.own = append(l.own, x.Own...)
	if l.wrong = append(l.wrong, contract.OnlyBroken(x.Violations)...); len(l.wrong) > maxWrong {
		l.wrong = slices.Delete(l.wrong, 0, len(l.wrong)-maxWrong)
	}
	if len(l.ring) < l.limit {
		l.ring = append(l.ring, x)
		return
	}
	l.ring[(l.n-1)%l.limit] = x
}

func (l *log) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n, l.ring, l.own, l.wrong = 0, nil, nil, nil
}

// since lists the exchanges after the n-th, oldest first.
func (l *log) since(n int) []Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Exchange, 0, len(l.ring))
	at := 0
	if len(l.ring) == l.limit {
		at = l.n % l.limit
	}
	for i := range l.ring {
		if x := l.ring[(at+i)%len(l.ring)]; x.N > n {
			out = append(out, x)
		}
	}
	return out
}

// Requests lists the last exchanges, oldest first; see [WithHistory].
func (s *Sandbox) Requests() []Exchange { return s.log.since(0) }

// Calls lists the last exchanges of one operation.
func (s *Sandbox) Calls(provider, operation string) []Exchange {
	return slices.DeleteFunc(s.Requests(), func(x Exchange) bool { return x.Provider != provider || x.Operation != operation })
}

// Violations lists what the sandbox itself did against the documents. It
// should be empty; if it is not, the sandbox is broken and not your client.
func (s *Sandbox) Violations() []contract.Violation {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.own)
}

// ClientViolations lists what clients did against the documents, longer than
// the exchanges themselves are kept.
func (s *Sandbox) ClientViolations() []contract.Violation {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.wrong)
}

// AssertNoViolations fails the test if a client or the sandbox broke a
// document.
func (s *Sandbox) AssertNoViolations(t testing.TB) bool {
	t.Helper()
	clean := true
	for _, v := range s.ClientViolations() {
		t.Errorf("the client broke the contract: %s", v)
		clean = false
	}
	for _, v := range s.Violations() {
		t.Errorf("sandbox broke its contract: %s", v)
		clean = false
	}
	return clean
}
