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
// The surprise: fmt cannot call methods on *unexported* struct fields and prints
// what is inside. Keep a Secret in an exported field, or behind a pointer.
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
