package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func TestWhatADocumentDoesNotKnowIsForgotten(t *testing.T) {
	in := decodeObject([]byte(`{"a":1,"new":2,"list":[{"b":1},{"b":2,"x/y":3,"":4}],"o":{"key-with-12345-digits":5,"c":6}}`))
	unknown := func(where string) contract.Violation {
		return contract.Violation{In: contract.InRequest, Rule: "undocumented", Where: where}
	}
	forget(in, []contract.Violation{
		unknown("/new"), unknown("/list/1/[name of 3 bytes]"), unknown("/list/1/0"), unknown("/o/[name of 21 bytes]"), unknown("query page"),
		{In: contract.InRequest, Rule: "type", Where: "/a"}, {In: contract.InResponse, Rule: "undocumented", Where: "/a"},
		unknown("/list/9/b"), unknown("/nothing/there"),
	})
	require.JSONEq(t, `{"a":1,"list":[{"b":1},{"b":2}],"o":{"c":6}}`, string(encode(in)))
}
