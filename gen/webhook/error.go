package webhook

import (
	"errors"
	"fmt"
)

// The kinds of refusal, for errors.Is.
var (
	// ErrNoSecret: the Verifier holds no secret, or an empty one. It refuses
	// everything until it is given one.
	ErrNoSecret = errors.New("no secret")
	// ErrMethod: the request is not a POST.
	ErrMethod = errors.New("method is not POST")
	// ErrTooLarge: the body is longer than MaxBody.
	ErrTooLarge = errors.New("body too large")
	// ErrMalformed: the message is not what the provider documents.
	ErrMalformed = errors.New("malformed message")
	// ErrSignature: the signature is missing, not in its documented form, or
	// made with another secret or over other bytes.
	ErrSignature = errors.New("invalid signature")
	// ErrExpired: the signed time is too far from now.
	ErrExpired = errors.New("signed time out of range")
	// ErrReplayed: Verifier.Seen knows the message. Answer it as a success, or
	// the provider sends it again; a Handler does.
	ErrReplayed = errors.New("seen before")
	// ErrUnconfirmed: the provider, asked, does not know what the message is about.
	ErrUnconfirmed = errors.New("not confirmed by the provider")
	// ErrUnavailable: nobody knows what the message is, since the body could not
	// be read or Verifier.Seen failed. Let the provider send it again.
	ErrUnavailable = errors.New("cannot decide now")
)

// Error is a message that was refused. It holds no secret, no signature and
// nothing of the body.
type Error struct {
	Provider string
	// Kind is one of the Err variables of this package.
	Kind error
	// Reason is ours, for the log; do not send it to whoever sent the message.
	Reason string
	// Err is the cause, if it was an error of the network or of Verifier.Seen.
	Err error
}

func (e *Error) Error() string {
	s := "webhook: " + e.Kind.Error()
	if e.Provider != "" {
		s = e.Provider + ": " + s
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether the refusal is of the kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause, so that errors.Is(err, context.Canceled) works.
func (e *Error) Unwrap() error { return e.Err }

// Refuse returns an *Error. The reason must quote nothing of the message.
func Refuse(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// From names the provider in an *Error and leaves other errors alone.
func From(provider string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Provider == "" {
		named := *e
		named.Provider = provider
		return &named
	}
	return err
}
