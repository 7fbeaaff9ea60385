package cli

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func (r report) write(w io.Writer, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "junit":
		return r.junit(w)
	}
	_, err := io.WriteString(w, r.text())
	return err
}

// maxShown bounds a list in text; JSON holds all of it.
const maxShown = 50

func (r report) text() string {
	var b strings.Builder
	for _, p := range r.Providers {
		p.text(&b)
	}
	damage := 0
	for _, in := range r.Inputs {
		if damage += in.Damaged; in.Damaged > 0 && damage == in.Damaged {
			b.WriteString("could not be read\n")
		}
		for i, e := range in.Errors {
			if i == maxShown {
				break
			}
			fmt.Fprintf(&b, "  %s\n", e)
		}
		if more := in.Damaged - min(len(in.Errors), maxShown); more > 0 {
			fmt.Fprintf(&b, "  … and %d more places in %s\n", more, in.Path)
		}
	}
	if damage > 0 {
		b.WriteByte('\n')
	}
	t := r.Totals
	var judged []string
	if t.Exchanges > 0 || t.Fixtures == 0 {
		judged = append(judged, plural(t.Exchanges, "exchange"))
	}
	if t.Fixtures > 0 {
		judged = append(judged, plural(t.Fixtures, "fixture"))
	}
	fmt.Fprintf(&b, "%s: %s judged, %d broken, %d undocumented", verdictWord(r.OK), strings.Join(judged, " and "), t.Broken, t.Undocumented)
	for _, x := range []struct {
		n    int
		what string
	}{{t.Unjudged, "unjudged"}, {t.Damaged, "unreadable"}, {t.Foreign, "of somebody else"}} {
		if x.n > 0 {
			fmt.Fprintf(&b, ", %d %s", x.n, x.what)
		}
	}
	if n := sumOf(r.Inputs, func(in input) int { return btoi(in.Excuse != "") }); n > 0 {
		fmt.Fprintf(&b, "; %s excused by %s", plural(n, "fixture"), exceptionsFile)
	}
	b.WriteByte('\n')
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func verdictWord(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAILED"
}

func (p *portfolio) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %d of %s seen", p.Name, len(p.Operations), plural(p.Documented, "operation"))
	if p.Exchanges > 0 {
		fmt.Fprintf(b, ", %s", plural(p.Exchanges, "exchange"))
	}
	if p.Fixtures > 0 {
		fmt.Fprintf(b, ", %s", plural(p.Fixtures, "fixture"))
	}
	b.WriteByte('\n')
	wide := 0
	for _, o := range append(p.Operations[:len(p.Operations):len(p.Operations)], p.Shared...) {
		wide = max(wide, len(o.ID))
	}
	for _, o := range append(p.Operations[:len(p.Operations):len(p.Operations)], p.Shared...) {
		mark := "✓"
		if o.Broken > 0 {
			mark = "✗"
		}
		fmt.Fprintf(b, "  %s %-*s  %s\n", mark, wide, o.ID, o.text())
	}
	if len(p.Unseen) > 0 {
		var ids []string
		for _, o := range p.Unseen {
			ids = append(ids, o.ID)
		}
		wrap(b, "  never seen: ", ids)
	}
	for _, k := range []contract.Kind{contract.Broken, contract.Undocumented, contract.Unjudged} {
		p.kind(b, k)
	}
	b.WriteByte('\n')
}

func (p *portfolio) kind(b *strings.Builder, k contract.Kind) {
	n := 0
	for _, f := range p.Findings {
		if f.Kind != k {
			continue
		}
		if n++; n == 1 {
			fmt.Fprintf(b, "  %s\n", k)
		}
		if n > maxShown {
			continue
		}
		line := strings.TrimSuffix(strings.TrimPrefix(f.String(), p.Name+" "), " ("+string(k)+")") // the heading says it
		fmt.Fprintf(b, "    %s\n      %s\n", line, f.place())
	}
	if n > maxShown {
		fmt.Fprintf(b, "    … and %d more; -format json lists them all\n", n-maxShown)
	}
}

func (f *finding) place() string {
	if f.Count == 1 {
		return "in " + f.First
	}
	return fmt.Sprintf("%d times, first in %s", f.Count, f.First)
}

func (o *coverage) text() string {
	var parts []string
	if o.Exchanges > 0 {
		parts = append(parts, plural(o.Exchanges, "exchange"))
	}
	if o.Fixtures > 0 {
		parts = append(parts, plural(o.Fixtures, "fixture"))
	}
	if o.Broken > 0 {
		parts = append(parts, fmt.Sprintf("%d broken", o.Broken))
	}
	if o.Undocumented > 0 {
		parts = append(parts, fmt.Sprintf("%d undocumented", o.Undocumented))
	}
	var got []string
	if o.Requests > 0 {
		got = append(got, fmt.Sprintf("request×%d", o.Requests))
	}
	for _, s := range sortedKeys(o.Statuses) {
		if s == "none" {
			got = append(got, fmt.Sprintf("unanswered×%d", o.Statuses[s]))
			continue
		}
		got = append(got, fmt.Sprintf("%s×%d", s, o.Statuses[s]))
	}
	if len(got) > 0 {
		parts = append(parts, strings.Join(got, " "))
	}
	if len(o.UnseenStatus) > 0 {
		parts = append(parts, "never "+strings.Join(o.UnseenStatus, " "))
	}
	return strings.Join(parts, "; ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// wrap writes a list over as many lines as it takes.
func wrap(b *strings.Builder, head string, words []string) {
	const width = 110
	line := head
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if len(line)+1+len(w) > width && line != head {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = "    "
		}
		line += w + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// The part of JUnit's XML that CI systems agree on.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Skipped *junitText  `xml:"skipped"`
		Error   *junitText  `xml:"error"`
		Failure *junitText  `xml:"failure"`
		Out     *junitPlain `xml:"system-out"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	junitPlain struct {
		Text string `xml:",chardata"`
	}
)

// junit writes a test case per operation, one per input, and one for traffic
// that belongs to no operation.
func (r report) junit(w io.Writer) error {
	all := junitSuites{Name: "payctl check", Time: "0"}
	for _, p := range r.Providers {
		s := junitSuite{Name: p.Name}
		known := map[string]bool{}
		for _, o := range append(p.Operations[:len(p.Operations):len(p.Operations)], p.Shared...) {
			known[o.ID] = true
			s.Cases = append(s.Cases, p.junit(o.ID, r.Strict, func(f *finding) bool { return f.Operation == o.ID }))
		}
		if c := p.junit("no operation", r.Strict, func(f *finding) bool { return !known[f.Operation] }); c.Failure != nil || c.Out != nil {
			s.Cases = append(s.Cases, c)
		}
		for _, o := range p.Unseen {
			s.Cases = append(s.Cases, junitCase{Class: p.Name, Name: o.ID, Skipped: &junitText{Message: "never seen"}})
		}
		all.add(s)
	}
	inputs := junitSuite{Name: "inputs"}
	for _, in := range r.Inputs {
		c := junitCase{Class: "inputs." + in.Kind, Name: in.Path}
		if in.Damaged > 0 {
			c.Error = &junitText{Message: plural(in.Damaged, "place") + " could not be read", Type: "damaged", Text: strings.Join(in.Errors, "\n")}
		}
		inputs.Cases = append(inputs.Cases, c)
	}
	all.add(inputs)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (p *portfolio) junit(name string, strict bool, mine func(*finding) bool) junitCase {
	c := junitCase{Class: p.Name, Name: name}
	var failed, told []string
	for _, f := range p.Findings {
		switch {
		case !mine(f):
		case f.Kind == contract.Broken || strict:
			failed = append(failed, f.String()+", "+f.place())
		default:
			told = append(told, f.String()+", "+f.place())
		}
	}
	if len(failed) > 0 {
		c.Failure = &junitText{Message: failed[0], Type: "contract", Text: strings.Join(failed, "\n")}
		if more := len(failed) - 1; more > 0 {
			c.Failure.Message += fmt.Sprintf("; and %d more", more)
		}
	}
	if len(told) > 0 {
		c.Out = &junitPlain{Text: strings.Join(told, "\n")}
	}
	return c
}

func (all *junitSuites) add(s junitSuite) {
	s.Time = "0"
	for i := range s.Cases {
		s.Cases[i].Time = "0"
		s.Tests++
		switch c := s.Cases[i]; {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
	all.Suites = append(all.Suites, s)
}
