package authn

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Decide with errors.Is. Every failed exchange is an [*Error] that is one of the first three.
var (
	// ErrRejected: the provider read the credentials and said no. Trying again
	// with the same ones only helps to lock the account.
	ErrRejected = errors.New("credentials rejected")

	// ErrUnavailable: no usable answer; trying later may help.
	ErrUnavailable = errors.New("token service unavailable")

	// ErrNoToken: an answer, or a key, without a usable token in it.
	ErrNoToken = errors.New("no usable token")

	// ErrNotSent: the request did not leave this machine, so a refresh token
	// that was in it is still good. A Flow.Refresh of your own may return it.
	ErrNotSent = errors.New("request was not sent")

	// ErrClosed: the session was closed.
	ErrClosed = errors.New("session is closed")
)

// Error is a failed exchange with a provider, or with the store that keeps its
// tokens. It holds no secret: what the provider wrote is capped, and what we sent
// is cut out of it.
type Error struct {
	Provider string // "kuna"
	Op       string // "login", "refresh", "store"; "wait": the caller left before there was a token
	Status   int    // HTTP status; 0 if there was no answer
	Code     string // the provider's own code, if it gave one
	Message  string // the provider's own words, if it gave any
	Body     string // the start of the answer; of a 2xx only its shape, since it may hold tokens

	RetryAfter time.Duration // the provider's hint; 0 if it gave none

	Kind error // ErrRejected, ErrUnavailable or ErrNoToken
	Err  error // cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %v", e.Provider, e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap lets errors.Is find both the kind and the cause.
func (e *Error) Unwrap() []error {
	all := make([]error, 0, 2)
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}
