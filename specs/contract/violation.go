package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// In says which part of an exchange a violation is about.
type In string

// The parts of an exchange.
const (
	InRoute    In = "route"
	InRequest  In = "request"
	InResponse In = "response"
	InWebhook  In = "webhook"
)

// Kind is how much a violation weighs.
type Kind string

const (
	// Broken contradicts the document.
	Broken Kind = "broken"
	// Undocumented is something the document does not mention: a property, a
	// query parameter, a value that is not among the known ones. The documents
	// are open, so this is news and no breach; in a fixture it is a gap.
	Undocumented Kind = "undocumented"
	// Unjudged says that something was not looked at: a body over the limit,
	// a content encoding nobody here can read.
	Unjudged Kind = "unjudged"
)

// Violation is one disagreement between traffic and document. It never holds
// a value that was sent, so that it may be logged.
type Violation struct {
	Provider  string `json:"provider"`
	Operation string `json:"operation,omitempty"` // empty when no operation matches
	In        In     `json:"in"`
	Status    int    `json:"status,omitempty"` // of a response
	Where     string `json:"where,omitempty"`  // "/result/0/id" in a body, "header Content-Type", "query page", "status"
	What      string `json:"what"`             // "is a string"
	Expected  string `json:"expected,omitempty"`
	Kind      Kind   `json:"kind"`
	Rule      string `json:"rule"` // what was broken in one word: type, required, enum, duplicate, status, security, …
}

// String is the violation in one line, such as
//
//	kuna login response 200 /expiresIn: is a string; expected an integer
func (v Violation) String() string {
	var b strings.Builder
	b.WriteString(v.Provider)
	if v.Operation != "" {
		b.WriteByte(' ')
		b.WriteString(v.Operation)
	}
	b.WriteByte(' ')
	b.WriteString(string(v.In))
	if v.Status != 0 {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(v.Status))
	}
	if v.Where != "" {
		b.WriteByte(' ')
		b.WriteString(v.Where)
	}
	b.WriteString(": ")
	b.WriteString(v.What)
	if v.Expected != "" {
		b.WriteString("; expected ")
		b.WriteString(v.Expected)
	}
	if v.Kind != Broken {
		fmt.Fprintf(&b, " (%s)", v.Kind)
	}
	return b.String()
}

// OnlyBroken drops what is merely undocumented or unjudged.
func OnlyBroken(vs []Violation) []Violation {
	var out []Violation
	for _, v := range vs {
		if v.Kind == Broken {
			out = append(out, v)
		}
	}
	return out
}

// HasBroken reports whether anything contradicts the document.
func HasBroken(vs []Violation) bool {
	return slices.ContainsFunc(vs, func(v Violation) bool { return v.Kind == Broken })
}

// judgement collects the violations of one request, response or webhook.
type judgement struct {
	c      *Checker
	op     string
	in     In
	status int
	v      []Violation
}

func (j *judgement) add(kind Kind, rule, where, what, expected string) {
	j.v = append(j.v, Violation{
		Provider: j.c.provider, Operation: j.op, In: j.in, Status: j.status,
		Where: where, What: what, Expected: expected, Kind: kind, Rule: rule,
	})
}

func (j *judgement) broken(rule, where, what, expected string) {
	j.add(Broken, rule, where, what, expected)
}

// name makes a name that arrived from outside fit to print. Documented names
// pass; others might be a secret used as a key, so that anything long, odd or
// full of digits is replaced by its length.
func (c *Checker) name(s string) string {
	if _, ok := c.names[s]; ok {
		return s
	}
	digits := 0
	for i := range len(s) {
		b := s[i]
		switch {
		case b >= '0' && b <= '9':
			digits++
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b == '-', b == '.':
		default:
			return masked(s)
		}
	}
	if s == "" || len(s) > 32 || digits > 4 {
		return masked(s)
	}
	return s
}

func masked(s string) string { return "[name of " + strconv.Itoa(len(s)) + " bytes]" }

// pointer writes a JSON pointer (RFC 6901); the root is "/", which reads
// better in a line of text than nothing at all.
func (c *Checker) pointer(path []string) string {
	if len(path) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		if _, err := strconv.ParseUint(p, 10, 32); err == nil && len(p) < 7 {
			b.WriteString(p) // an array index
			continue
		}
		b.WriteString(escapePointer(c.name(p)))
	}
	return b.String()
}

func escapePointer(s string) string {
	if !strings.ContainsAny(s, "~/") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
