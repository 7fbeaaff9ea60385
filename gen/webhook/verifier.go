package webhook

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Verifier says which messages are believed. The zero value believes none.
type Verifier struct {
	// Secrets are all secrets that are in force. List the new one beside the old
	// one while the provider is being told, then drop the old one. An empty
	// member is refused like an empty list: it is a variable that nobody set.
	Secrets Secrets

	// Tolerance is how far the signed time may be from now; zero or less means
	// the default that the provider's Parse function names.
	Tolerance time.Duration

	// Seen reports whether the effect of the message with this id is already
	// recorded; then the message is refused as ErrReplayed. It only asks. Record
	// the id (the message's DedupID) in the transaction that records the effect:
	// an id recorded before that loses the message when the effect fails, and an
	// id recorded apart from it lets two deliveries at once both pass.
	Seen func(ctx context.Context, id string) (bool, error)

	// OnError is told, by a Handler, of every refusal and of every error of the
	// function that handles messages. Nobody else logs them.
	OnError func(ctx context.Context, err error)

	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Check returns ErrNoSecret if the Verifier cannot verify anything.
func (v Verifier) Check() error {
	if len(v.Secrets) == 0 {
		return Refuse(ErrNoSecret, "Verifier.Secrets is empty")
	}
	for i, s := range v.Secrets {
		if s == "" {
			return Refuse(ErrNoSecret, "Verifier.Secrets[%d] is empty", i)
		}
	}
	return nil
}

// Time is the Verifier's now.
func (v Verifier) Time() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// Near refuses a signed time that is more than Tolerance, or if that is not set
// more than def, before or after now.
func (v Verifier) Near(t time.Time, def time.Duration) error {
	tolerance := v.Tolerance
	if tolerance <= 0 {
		tolerance = def
	}
	now := v.Time()
	if t.Before(now.Add(-tolerance)) {
		return Refuse(ErrExpired, "signed more than %v ago", tolerance)
	}
	if t.After(now.Add(tolerance)) {
		return Refuse(ErrExpired, "signed more than %v ahead of our clock", tolerance)
	}
	return nil
}

// Once asks Seen about a message that has been verified.
func (v Verifier) Once(ctx context.Context, id string) error {
	if v.Seen == nil {
		return nil
	}
	seen, err := v.Seen(ctx, id)
	if err != nil {
		return &Error{Kind: ErrUnavailable, Reason: "Verifier.Seen", Err: err}
	}
	if seen {
		return &Error{Kind: ErrReplayed}
	}
	return nil
}

const redacted = "[redacted]"

// Secrets are webhook secrets. A []string can be assigned to it. It prints and
// encodes as [redacted], except inside an unexported field of a struct, where fmt
// calls no methods.
type Secrets []string

// MarshalText is what encoding/json and slog use.
func (Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format answers for every verb.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
