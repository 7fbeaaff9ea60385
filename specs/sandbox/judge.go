package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// Headers that say what the sandbox thinks of an exchange.
const (
	// ViolationHeader names what is wrong with the request, one value for each
	// violation of its document.
	ViolationHeader = "X-Sandbox-Violation"
	// GuessHeader says what about the answer is not documented.
	GuessHeader = "X-Sandbox-Guess"
	// FaultHeader names the fault that made this answer.
	FaultHeader = "X-Sandbox-Fault"
)

const maxBody = 10 << 20

// serve judges a request, answers it, judges the answer and sends it, or what
// a fault makes of it.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, p *provider) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "sandbox: the request's body could not be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	id, found := p.check.RequestBytes(r, body)
	x := Exchange{
		Time: s.Now(), Provider: p.name, Operation: id, Method: r.Method, Path: r.URL.RequestURI(),
		RequestHeader: r.Header.Clone(), RequestBody: body, Violations: found,
	}
	var a *answer
	fault := s.faults.pick(p, id)
	if fault != nil {
		x.Fault = fault.Name
	}
	if fault.early() {
		a = &answer{header: http.Header{}} // nothing happened
	} else {
		a = s.answer(r, p, id, body, found, fault)
	}
	if fault == nil && id != "" {
		x.Own = p.own(r, a)
		if contract.HasBroken(x.Own) {
			a = broke(x.Own)
		}
	}
	x.Guess = a.guess
	s.mark(a, x)
	x.Status, x.ResponseHeader, x.ResponseBody = a.status, a.header, a.body
	if fault == nil {
		x.Took = time.Since(start)
		s.log.add(x)
		a.write(w)
		return
	}
	defer func() { // the wire may be cut by a panic
		x.Took = time.Since(start)
		s.log.add(x)
	}()
	fault.send(w, r, a, &x)
}

// answer runs a call through its provider under the lock.
func (s *Sandbox) answer(r *http.Request, p *provider, id string, body []byte, found []contract.Violation, f *Fault) *answer {
	if id == "" {
		return p.problem(http.StatusNotFound, "NOT_FOUND", "Not found").guessed("what an undocumented path gets")
	}
	op := p.ops[id]
	c := &call{
		sandbox: s, provider: p, op: op, req: r, body: body, query: r.URL.Query(),
		path: pathValues(op.Path, strings.TrimPrefix(r.URL.EscapedPath(), "/"+p.name)), in: decodeObject(body),
	}
	forget(c.in, found)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.Now()
	if f != nil {
		c.skew = f.skew()
	}
	a := c.run(contract.OnlyBroken(found), f)
	if p.finish != nil {
		p.finish(c, a)
	}
	return a
}

func (c *call) run(broken []contract.Violation, f *Fault) *answer {
	if a := f.instead(c); a != nil {
		return a
	}
	if c.provider.admit != nil {
		if a := c.provider.admit(c); a != nil {
			return a
		}
	}
	if broken = withoutRule(broken, "security"); len(broken) > 0 {
		a := c.provider.refuse(c, broken)
		if a.guess == "" && !slices.Contains(c.op.Statuses, itoa(a.status)) {
			a.guessed("the status; none for a refusal is documented here")
		}
		return a
	}
	if h := c.provider.handlers[c.op.ID]; h != nil {
		return h(c)
	}
	return c.payload()
}

func withoutRule(vs []contract.Violation, rule string) []contract.Violation {
	return slices.DeleteFunc(slices.Clone(vs), func(v contract.Violation) bool { return v.Rule == rule })
}

// own judges our answer. What is marked as a guess may have a status or a
// member that nobody documented; its shape must still be right.
func (p *provider) own(r *http.Request, a *answer) []contract.Violation {
	vs := p.check.ResponseBytes(r, a.status, a.header, a.body)
	if a.guess == "" {
		return vs
	}
	return slices.DeleteFunc(vs, func(v contract.Violation) bool { return v.Rule == "status" || v.Kind != contract.Broken })
}

// broke is the answer when we are the ones who are wrong.
func broke(vs []contract.Violation) *answer {
	lines := make([]any, len(vs))
	for i, v := range vs {
		lines[i] = v.String()
	}
	return reply(http.StatusInternalServerError, obj("message", "sandbox broke its contract", "violations", lines))
}

func (s *Sandbox) mark(a *answer, x Exchange) {
	for _, v := range contract.OnlyBroken(x.Violations) {
		a.header.Add(ViolationHeader, headerText(v.String()))
	}
	if a.guess != "" {
		a.header.Set(GuessHeader, headerText(a.guess))
	}
	if x.Fault != "" {
		a.header.Set(FaultHeader, x.Fault)
	}
}

func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone; that is its business
}

// field is the last name in a violation's place: "/result/0/id" is "id".
func field(v contract.Violation) string {
	_, name, ok := strings.Cut(v.Where, " ") // "query page"
	if !ok || strings.HasPrefix(v.Where, "/") {
		name = v.Where
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

// asObject reads a JSON value that must be an object.
func asObject(b []byte) *object {
	var o object
	if json.Unmarshal(b, &o) != nil {
		return nil
	}
	return &o
}
