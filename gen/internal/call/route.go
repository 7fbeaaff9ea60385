package call

import (
	"strings"

	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// siblings finds, for each operation, those whose path its own path becomes
// when a parameter happens to be a certain word: the transaction "summary" is
// another call. The key is the operation's id.
func siblings(all map[string]*operation.Operation) map[string][][]string {
	out := map[string][][]string{}
	for _, a := range all {
		if !strings.Contains(a.Path, "{") {
			continue
		}
		for _, b := range all {
			if words := collision(a, b); words != nil {
				out[a.ID] = append(out[a.ID], words)
			}
		}
	}
	return out
}

// collision returns the words that a's parameters must be, in order, for its
// path to be b's; an empty word means any. Nil: they cannot meet.
func collision(a, b *operation.Operation) []string {
	as, bs := strings.Split(a.Path, "/"), strings.Split(b.Path, "/")
	if a == b || a.Method != b.Method || len(as) != len(bs) {
		return nil
	}
	var words []string
	meet := false
	for i := range as {
		aParam, bParam := strings.HasPrefix(as[i], "{"), strings.HasPrefix(bs[i], "{")
		switch {
		case aParam && bParam:
			words = append(words, "")
		case aParam:
			words = append(words, bs[i])
			meet = true
		case !bParam && as[i] != bs[i]:
			return nil
		}
	}
	if !meet {
		return nil
	}
	return words
}

// collides reports whether the parameters are the words of a sibling. Servers
// differ in whether case matters.
func collides(siblings [][]string, values []string) bool {
	for _, words := range siblings {
		hit := len(words) == len(values)
		for i, w := range words {
			hit = hit && (w == "" || strings.EqualFold(w, values[i]))
		}
		if hit {
			return true
		}
	}
	return false
}
