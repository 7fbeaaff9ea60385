package contract

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that a hostile body cannot exhaust the stack.
const maxDepth = 256

// fault is what is wrong with a text that ought to be JSON. It names a place,
// never the text.
type fault struct {
	rule string
	path []string
	what string
}

// parseJSON reads one JSON value like encoding/json with UseNumber, and also
// reports what encoding/json forgives: a name used twice in one object, bytes
// after the value, a byte order mark, bytes that are no UTF-8. The value is
// complete if ok; faults may exist all the same.
func parseJSON(b []byte) (value any, faults []fault, ok bool) {
	p := &jsonParser{b: b}
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		p.fault("syntax", "begins with a byte order mark")
		p.i = 3
	}
	p.space()
	value, ok = p.value(0)
	if !ok {
		return nil, p.faults, false
	}
	p.space()
	if p.i < len(b) {
		p.path = nil
		p.fault("trailing", "goes on after the JSON, from byte "+strconv.Itoa(p.i))
	}
	return value, p.faults, true
}

type jsonParser struct {
	b      []byte
	i      int
	path   []string
	faults []fault
	ended  bool // failed because the text ended inside a value
}

func (p *jsonParser) fault(rule, what string) {
	p.faults = append(p.faults, fault{rule: rule, path: append([]string(nil), p.path...), what: what})
}

func (p *jsonParser) bad() (any, bool) {
	if p.i >= len(p.b) {
		p.ended = true
		p.fault("syntax", "is cut off: the JSON ends inside a value at byte "+strconv.Itoa(len(p.b)))
	} else {
		p.fault("syntax", "is not JSON from byte "+strconv.Itoa(p.i))
	}
	return nil, false
}

func (p *jsonParser) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (any, bool) {
	if p.i >= len(p.b) {
		return p.bad()
	}
	if depth > maxDepth {
		p.fault("syntax", "is nested deeper than "+strconv.Itoa(maxDepth)+" levels")
		return nil, false
	}
	switch c := p.b[p.i]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, ok := p.str()
		if !ok {
			return nil, false
		}
		return s, true
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true", true)
	case c == 'f':
		return p.literal("false", false)
	case c == 'n':
		return p.literal("null", nil)
	}
	return p.bad()
}

func (p *jsonParser) literal(word string, v any) (any, bool) {
	for k := range len(word) {
		if p.i >= len(p.b) || p.b[p.i] != word[k] {
			return p.bad()
		}
		p.i++
	}
	return v, true
}

func (p *jsonParser) object(depth int) (any, bool) {
	p.i++
	m := make(map[string]any, 8)
	p.space()
	if p.i < len(p.b) && p.b[p.i] == '}' {
		p.i++
		return m, true
	}
	for {
		p.space()
		if p.i >= len(p.b) || p.b[p.i] != '"' {
			return p.bad()
		}
		k, ok := p.str()
		if !ok {
			return nil, false
		}
		p.space()
		if p.i >= len(p.b) || p.b[p.i] != ':' {
			return p.bad()
		}
		p.i++
		p.space()
		p.path = append(p.path, k)
		if _, dup := m[k]; dup {
			p.fault("duplicate", "is there twice in one object")
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		p.path = p.path[:len(p.path)-1]
		m[k] = v
		p.space()
		if p.i >= len(p.b) {
			return p.bad()
		}
		switch p.b[p.i] {
		case ',':
			p.i++
		case '}':
			p.i++
			return m, true
		default:
			return p.bad()
		}
	}
}

func (p *jsonParser) array(depth int) (any, bool) {
	p.i++
	a := []any{}
	p.space()
	if p.i < len(p.b) && p.b[p.i] == ']' {
		p.i++
		return a, true
	}
	p.path = append(p.path, "*") // an index only matters inside a fault
	for {
		p.space()
		from := len(p.faults)
		v, ok := p.value(depth + 1)
		p.index(from, len(a))
		if !ok {
			return nil, false
		}
		a = append(a, v)
		p.space()
		if p.i >= len(p.b) {
			return p.bad()
		}
		switch p.b[p.i] {
		case ',':
			p.i++
		case ']':
			p.i++
			p.path = p.path[:len(p.path)-1]
			return a, true
		default:
			return p.bad()
		}
	}
}

// index puts the array index into the path of faults found inside an element.
func (p *jsonParser) index(from, i int) {
	for _, f := range p.faults[from:] {
		for at := len(p.path) - 1; at >= 0 && at < len(f.path); {
			f.path[at] = strconv.Itoa(i)
			break
		}
	}
}

func (p *jsonParser) number() (any, bool) {
	start := p.i
	if p.b[p.i] == '-' {
		p.i++
	}
	switch {
	case p.i < len(p.b) && p.b[p.i] == '0':
		p.i++
	case !p.digits():
		return p.bad()
	}
	if p.i < len(p.b) && p.b[p.i] == '.' {
		p.i++
		if !p.digits() {
			return p.bad()
		}
	}
	if p.i < len(p.b) && (p.b[p.i] == 'e' || p.b[p.i] == 'E') {
		p.i++
		if p.i < len(p.b) && (p.b[p.i] == '+' || p.b[p.i] == '-') {
			p.i++
		}
		if !p.digits() {
			return p.bad()
		}
	}
	return json.Number(p.b[start:p.i]), true
}

func (p *jsonParser) digits() bool {
	start := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}

func (p *jsonParser) str() (string, bool) {
	p.i++
	start, ascii := p.i, true
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			raw := p.b[start:p.i]
			p.i++
			return p.text(raw, ascii), true
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			p.bad()
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.i++
	}
	p.bad()
	return "", false
}

func (p *jsonParser) text(raw []byte, ascii bool) string {
	if !ascii && !utf8.Valid(raw) {
		p.fault("utf-8", "holds bytes that are no UTF-8")
	}
	return string(raw)
}

func (p *jsonParser) escaped(start int) (string, bool) {
	out := append(make([]byte, 0, 2*(p.i-start)+32), p.b[start:p.i]...)
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			return p.text(out, false), true
		case c < ' ':
			p.bad()
			return "", false
		case c != '\\':
			out = append(out, c)
			p.i++
			continue
		}
		p.i++
		if p.i >= len(p.b) {
			break
		}
		c = p.b[p.i]
		p.i++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := p.hex4()
			if !ok {
				p.bad()
				return "", false
			}
			if utf16.IsSurrogate(r) {
				r = p.pair(r)
			}
			out = utf8.AppendRune(out, r)
		default:
			p.i--
			p.bad()
			return "", false
		}
	}
	p.bad()
	return "", false
}

// pair completes a surrogate pair; a lone surrogate becomes U+FFFD as in
// encoding/json.
func (p *jsonParser) pair(hi rune) rune {
	if p.i+1 < len(p.b) && p.b[p.i] == '\\' && p.b[p.i+1] == 'u' {
		back := p.i
		p.i += 2
		if lo, ok := p.hex4(); ok {
			if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
				return r
			}
		}
		p.i = back
	}
	return utf8.RuneError
}

func (p *jsonParser) hex4() (rune, bool) {
	var r rune
	for range 4 {
		if p.i >= len(p.b) {
			return 0, false
		}
		c := p.b[p.i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		p.i++
	}
	return r, true
}
