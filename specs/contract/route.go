package contract

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// router finds operations by path. It knows nothing of hosts, so that a
// document fits production, a proxy and a test server alike; it takes slashes
// literally, and a written-out segment always wins over a parameter.
type router struct {
	trees []tree // longest base first
}

type tree struct {
	base string // "/v2", or "" at the root of the host
	root *node
}

type node struct {
	literal  map[string]*node
	patterns []pattern // segments such as {id}.json
	param    *node
	methods  map[string]*routed
}

type pattern struct {
	source string
	re     *regexp.Regexp
	next   *node
}

// routed is an operation with the names of the parameters along its path.
type routed struct {
	op    *operation
	names []string
}

func (r *router) add(base string, op *operation) {
	i := slices.IndexFunc(r.trees, func(t tree) bool { return t.base == base })
	if i < 0 {
		r.trees = append(r.trees, tree{base: base, root: &node{}})
		slices.SortStableFunc(r.trees, func(a, b tree) int { return len(b.base) - len(a.base) })
		i = slices.IndexFunc(r.trees, func(t tree) bool { return t.base == base })
	}
	n, names := r.trees[i].root, []string(nil)
	for seg := range strings.SplitSeq(strings.TrimPrefix(op.info.Path, "/"), "/") {
		var in []string
		n, in = n.child(seg)
		names = append(names, in...)
	}
	if n.methods == nil {
		n.methods = map[string]*routed{}
	}
	n.methods[op.info.Method] = &routed{op: op, names: names}
}

var template = regexp.MustCompile(`\{([^{}]+)\}`)

func (n *node) child(seg string) (*node, []string) {
	found := template.FindAllStringSubmatchIndex(seg, -1)
	if found == nil {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[seg] == nil {
			n.literal[seg] = &node{}
		}
		return n.literal[seg], nil
	}
	if len(found) == 1 && found[0][0] == 0 && found[0][1] == len(seg) {
		if n.param == nil {
			n.param = &node{}
		}
		return n.param, []string{seg[1 : len(seg)-1]}
	}
	var re strings.Builder
	var names []string
	at := 0
	re.WriteString("^")
	for _, f := range found {
		re.WriteString(regexp.QuoteMeta(seg[at:f[0]]) + "(.+)")
		names = append(names, seg[f[2]:f[3]])
		at = f[1]
	}
	re.WriteString(regexp.QuoteMeta(seg[at:]) + "$")
	for _, p := range n.patterns {
		if p.source == re.String() {
			return p.next, names
		}
	}
	p := pattern{source: re.String(), re: regexp.MustCompile(re.String()), next: &node{}}
	n.patterns = append(n.patterns, p)
	return p.next, names
}

// found is the operation of a request and its path parameters, decoded.
type found struct {
	op     *operation
	params map[string]string
}

// find looks up an escaped path. Without a match it returns the methods the
// path does have.
func (r *router) find(method, path string) (f found, allowed []string) {
	for _, t := range r.trees {
		rest, ok := strings.CutPrefix(path, t.base)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		s := search{method: method}
		if m := s.walk(t.root, strings.TrimPrefix(rest, "/")); m != nil {
			f.op = m.op
			if len(m.names) > 0 {
				f.params = make(map[string]string, len(m.names))
				for i, n := range m.names {
					f.params[n] = s.values[i]
				}
			}
			return f, nil
		}
		if allowed == nil {
			allowed = s.allowed
		}
	}
	return f, allowed
}

type search struct {
	method  string
	values  []string
	allowed []string
}

func (s *search) walk(n *node, rest string) *routed {
	seg, tail, more := strings.Cut(rest, "/")
	if strings.Contains(seg, "%") {
		if u, err := url.PathUnescape(seg); err == nil {
			seg = u
		}
	}
	if next := n.literal[seg]; next != nil {
		if m := s.end(next, tail, more); m != nil {
			return m
		}
	}
	// A parameter is never empty, "." or "..": such a path leads elsewhere.
	if seg == "" || seg == "." || seg == ".." {
		return nil
	}
	depth := len(s.values)
	for _, p := range n.patterns {
		if v := p.re.FindStringSubmatch(seg); v != nil {
			s.values = append(s.values[:depth], v[1:]...)
			if m := s.end(p.next, tail, more); m != nil {
				return m
			}
		}
	}
	if n.param != nil {
		s.values = append(s.values[:depth], seg)
		if m := s.end(n.param, tail, more); m != nil {
			return m
		}
	}
	s.values = s.values[:depth]
	return nil
}

func (s *search) end(n *node, tail string, more bool) *routed {
	if more {
		return s.walk(n, tail)
	}
	if m := n.methods[s.method]; m != nil {
		return m
	}
	if s.allowed == nil {
		for m := range n.methods {
			s.allowed = append(s.allowed, m)
		}
		slices.Sort(s.allowed)
	}
	return nil
}

// basePath is the path of a server URL without its trailing slash. Variables
// must have been replaced.
func basePath(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(u.EscapedPath(), "/"), nil
}
