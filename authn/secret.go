package authn

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password, key or token that does not print: every fmt verb, JSON,
// text encoding and slog show [redacted]. It decodes from JSON and text like a
// string.
//
// The surprise: some places never ask a value how to print it, and show what is
// inside. They are fmt on an unexported struct field, fmt with a verb that does not
// fit (%p, or %s for a pointer within a struct: go vet refuses both), and the names
// of a JSON object's members. Keep a Secret in an exported field, use none as a map
// key, and give a struct that holds one a Format method, as those of this package have.
type Secret string

// Reveal returns what is inside. Search for its callers to see where secrets go.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Format answers for every verb, %x and %d included, which String would not.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// describe prints a struct that holds secrets: pairs of name and value that are none.
func describe(f fmt.State, name string, pairs ...any) {
	_, _ = fmt.Fprintf(f, "%s{", name)
	for i := 0; i+1 < len(pairs); i += 2 {
		_, _ = fmt.Fprintf(f, "%v:%v ", pairs[i], pairs[i+1])
	}
	_, _ = io.WriteString(f, redacted+"}")
}
