package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// forget drops from a request what its document does not know, so that no
// answer of ours gives it back. The judge has seen it already.
func forget(in *object, vs []contract.Violation) {
	for _, v := range vs {
		if v.In == contract.InRequest && v.Rule == "undocumented" && strings.HasPrefix(v.Where, "/") {
			forgetAt(in, strings.Split(v.Where[1:], "/"))
		}
	}
}

func forgetAt(v any, path []string) {
	switch v := v.(type) {
	case *object:
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
		if len(path) > 1 {
			forgetAt(v.get(name), path[1:])
			return
		}
		// An odd name is masked in a violation: all that is left is its length.
		length, masked := strings.CutPrefix(name, "[name of ")
		n, err := strconv.Atoi(strings.TrimSuffix(length, " bytes]"))
		v.members = slices.DeleteFunc(v.members, func(m member) bool {
			return m.name == name || m.name == "" || masked && err == nil && len(m.name) == n // the judge prints "" as an index
		})
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(v) && len(path) > 1 {
			forgetAt(v[i], path[1:])
		}
	}
}
