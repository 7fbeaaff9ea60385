package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
)

// The parser takes exactly what encoding/json takes, and makes the same of it.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `1`, `-0`, `1e5`, `1E+5`, `1.5e-3`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `true`, `tru`, `null`, `nul`, ` {"a" : [1, 2 , {"b":null}] } `,
		`{"a":1,}`, `[1,]`, `{"a"}`, `{a:1}`, `{"a":1}x`, `"\u00e9\ud83d\ude00\ud800\n\/\b\f\r\t\\\""`, `"\x"`, `"\u12"`, "\"\n\"", "\"\xff\"", `"\ud800\ud800"`,
		`{"a":1,"a":2}`, `[[[[]]]]`, "\ufeff{}", `NaN`, `Infinity`, `'a'`, "\x00", `{"":0}`, "1 2", `"a`, `[`, `{"a":`, "\"\\ud83dx\"", "\u00a0{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, faults, ok := parseJSON(b)
		ok = ok && len(faults) == 0
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var want any
		err := d.Decode(&want)
		if err == nil {
			if _, e := d.Token(); e != io.EOF {
				err = e
				if err == nil {
					err = io.ErrUnexpectedEOF
				}
			}
		}
		if ok && err != nil {
			t.Fatalf("%q: accepted, encoding/json: %v", b, err)
		}
		if ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, encoding/json: %#v", b, got, want)
		}
		if !ok && err == nil && len(faults) == 0 {
			t.Fatalf("%q: refused without a reason", b)
		}
		for _, f := range faults {
			switch f.rule {
			case "duplicate", "utf-8", "syntax", "trailing":
			default:
				t.Fatalf("%q: unknown rule %q", b, f.rule)
			}
			if err == nil && f.rule == "syntax" && !bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) && bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) < maxDepth {
				t.Fatalf("%q: %s, but encoding/json takes it", b, f.what)
			}
		}
	})
}
