package contract

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the score as it stands in specs/<provider>/README.md.
func (s Score) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Wrong types and names put into the fixtures: **%s refused**. Changes to the document: **%s noticed** by a fixture or a\n", percent(s.Refused()), percent(s.Noticed()))
	fmt.Fprintf(&b, "damaged copy of one; %d of %d schemas are reached by fixtures and were changed.\n\n", s.Reached, s.Reached+s.Unreached)
	b.WriteString("| damage to a fixture | mutants | refused |\n| --- | ---: | ---: |\n")
	for _, t := range s.Fixtures {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", t.Kind, t.Mutants, t.Killed)
	}
	b.WriteString("\n| change to the document | mutants | noticed | of these by a fixture as it is |\n| --- | ---: | ---: | ---: |\n")
	for _, t := range s.Document {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", t.Kind, t.Mutants, t.Killed, t.Direct)
	}
	b.WriteString("\nSurvivors among the fixtures (a removed member is optional, an unknown text is welcome: not listed):\n")
	n := 0
	for _, t := range s.Fixtures {
		if typeDamage(t.Kind) && len(t.Survivors) > 0 {
			fmt.Fprintf(&b, "- %s: %s\n", t.Kind, code(t.Survivors))
			n++
		}
	}
	if n == 0 {
		b.WriteString("- none\n")
	}
	b.WriteString("\nSurvivors among the documents:\n")
	n = 0
	for _, t := range s.Document {
		if len(t.Survivors) == 0 {
			continue
		}
		n++
		why := reasons[t.Kind]
		if why != "" {
			why = " (" + why + ")"
		}
		fmt.Fprintf(&b, "- %s%s: %s\n", t.Kind, why, code(t.Survivors))
	}
	if n == 0 {
		b.WriteString("- none\n")
	}
	return b.String()
}

// reasons says why a kind of change can go unnoticed.
var reasons = map[string]string{
	"rename property":         "no fixture shows the member",
	"drop enum value":         "no fixture shows the value",
	"drop known value":        "no fixture shows the value",
	"drop required":           "no complete fixture holds the member",
	"widen integer to number": "the value stands in a choice of types",
	"allow null":              "null is accepted there by another branch, or the sample is one of many kinds",
	"widen to any type":       "another branch of the choice takes the value",
}

func code(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	// Members of one schema are listed together: Invoice.{a, b}.
	var out []string
	for i := 0; i < len(names); {
		owner, member, ok := cutLast(names[i])
		if !ok {
			out = append(out, "`"+names[i]+"`")
			i++
			continue
		}
		members := []string{member}
		for i++; i < len(names); i++ {
			o, m, ok := cutLast(names[i])
			if !ok || o != owner {
				break
			}
			members = append(members, m)
		}
		if len(members) == 1 {
			out = append(out, "`"+owner+member+"`")
		} else {
			out = append(out, "`"+owner+"{"+strings.Join(members, ", ")+"}`")
		}
	}
	return strings.Join(out, ", ")
}

func cutLast(s string) (owner, member string, ok bool) {
	i := strings.LastIndexAny(s, "./=")
	if i <= 0 {
		return "", "", false
	}
	return s[:i+1], s[i+1:], true
}

// percent rounds down: 94.99 % is not 95 %.
func percent(x float64) string {
	return fmt.Sprintf("%d.%d %%", int(x*100), int(x*1000)%10)
}

// Markdown is the coverage as it stands in specs/<provider>/README.md.
func (c Coverage) Markdown() string {
	var b strings.Builder
	requests, withRequest, statuses, shownStatuses := 0, 0, 0, 0
	for _, o := range c.Operations {
		if o.HasRequest {
			withRequest++
			if o.Requests > 0 {
				requests++
			}
		}
		statuses += len(o.Statuses)
		shownStatuses += len(o.ShownStatuses)
	}
	fmt.Fprintf(&b, "The fixtures show %d of %d request bodies, %d of %d answers and %d of %d properties", requests, withRequest, shownStatuses, statuses, c.ShownProperties, c.Properties)
	if len(c.Webhooks) > 0 {
		fmt.Fprintf(&b, ", and the webhooks %s", code(c.Webhooks))
	}
	b.WriteString(".\n\n| operation | requests | answers shown | not shown | properties |\n| --- | ---: | --- | --- | ---: |\n")
	for _, o := range c.Operations {
		req := "none"
		if o.HasRequest {
			req = fmt.Sprint(o.Requests)
		}
		var not []string
		for _, s := range o.Statuses {
			if !slices.Contains(o.ShownStatuses, s) {
				not = append(not, s)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d of %d |\n", o.ID, req, strings.Join(o.ShownStatuses, " "), strings.Join(not, " "), o.ShownProperties, o.Properties)
	}
	return b.String()
}

// Splice replaces what stands between the lines <!-- name:begin … --> and
// <!-- name:end --> of a text. It reports false if they are not there.
func Splice(text, name, block string) (string, bool) {
	from := strings.Index(text, "<!-- "+name+":begin")
	if from < 0 {
		return text, false
	}
	line := strings.IndexByte(text[from:], '\n')
	to := strings.Index(text, "<!-- "+name+":end")
	if line < 0 || to < from+line {
		return text, false
	}
	return text[:from+line+1] + "\n" + strings.TrimSpace(block) + "\n\n" + text[to:], true
}
