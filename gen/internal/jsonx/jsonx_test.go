package jsonx_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
)

func TestMembers(t *testing.T) {
	for _, tc := range []struct {
		data string
		want map[string]string // nil: an error
	}{
		{`{}`, map[string]string{}},
		{` { "a" : 1 , "b" : [ { "a" : "}" } ] } `, map[string]string{"a": "1", "b": `[ { "a" : "}" } ]`}},
		{`{"a":"x\"y","\u0061b":null,"a":2}`, map[string]string{"a": "2", "ab": "null"}},
		{`{"a":"\\"}`, map[string]string{"a": `"\\"`}},
		{``, nil}, {`[]`, nil}, {`null`, nil}, {`{`, nil}, {`{"a"`, nil}, {`{"a":`, nil}, {`{"a":1`, nil}, {`{"a":1,`, nil}, {`{"a":1,}`, nil},
		{`{"a":{"b":1}`, nil}, {`{"a":"x}`, nil}, {`{"a" 1}`, nil}, {`{a:1}`, nil}, {`{"a":1}x`, nil}, {`{"a":1}{}`, nil}, {`{"a":}`, nil}, {`{"a":"\`, nil},
	} {
		got := map[string]string{}
		err := jsonx.Members([]byte(tc.data), func(name string, value []byte) { got[name] = string(value) })
		if tc.want == nil {
			require.Error(t, err, tc.data)
			continue
		}
		require.NoError(t, err, tc.data)
		require.Equal(t, tc.want, got, tc.data)
	}
}

func TestMember(t *testing.T) {
	v, ok, err := jsonx.Member([]byte(`{"a":1,"b":2,"a":3}`), "a")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "3", string(v), "the last one wins, as in encoding/json")
	_, ok, err = jsonx.Member([]byte(`{"a":1}`), "b")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestMarshalKeepsWhatWasMeant(t *testing.T) {
	for range 3 { // the encoder is used again
		b, err := jsonx.Marshal(map[string]any{"a": "<&>", "n": json.Number("1.10")})
		require.NoError(t, err)
		require.Equal(t, `{"a":"<&>","n":1.10}`, string(b))
		_, err = jsonx.Marshal(json.Number("x"))
		require.Error(t, err)
	}
}

// FuzzMembers: for every JSON object the scanner finds what encoding/json finds,
// and what it refuses is no JSON object.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":{"c":[1,2,"]"]},"a":null}`, `{"\u0061":"\\\""}`, `{"":""}`, ` { } `, `[1]`, `{"a":1e5,"b":true}`, "{\"\xff\":1}", `{"\ud800":1}`, `{"a":"`,
		`{"a":1}}`, `{"a":[}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := map[string]json.RawMessage{}
		err := jsonx.Members(data, func(name string, value []byte) { got[name] = value })
		var want map[string]json.RawMessage
		jsonErr := json.Unmarshal(data, &want)
		if jsonErr == nil && want != nil {
			require.NoError(t, err, "%q is an object", data)
			require.Equal(t, len(want), len(got), "%q", data)
			for name, value := range want {
				require.Equal(t, string(value), string(got[name]), "%q %q", data, name)
			}
			return
		}
		if err == nil {
			// Accepted although it is broken somewhere inside a value: decoding that
			// value must fail, or a broken one stands beside it.
			broken := false
			for _, value := range got {
				broken = broken || !json.Valid(value)
			}
			require.True(t, broken || !json.Valid(data), "%q", data)
		}
	})
}
