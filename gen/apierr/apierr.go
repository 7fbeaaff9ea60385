// Package apierr holds the one error type that every generated client returns
// when a call did not give its value: an answer outside 2xx, an error inside a
// 2xx, a body that is not what was promised, or no answer at all.
//
// Read facts with errors.As, decide with errors.Is:
//
//	var e *apierr.Error
//	switch {
//	case errors.Is(err, apierr.ErrRateLimited):
//		errors.As(err, &e)
//		wait(e.RetryAfter)
//	case errors.Is(err, apierr.ErrOutcomeUnknown):
//		errors.As(err, &e)
//		log.Print(e.Operation.Outcome) // how to find out
//	}
package apierr

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// The kinds of failure, for errors.Is. One error may be of several kinds: a
// write answered 502 is both ErrServer and ErrOutcomeUnknown.
var (
	ErrUnauthorized       = errors.New("unauthorized")
	ErrForbidden          = errors.New("forbidden")
	ErrRateLimited        = errors.New("rate limited")
	ErrValidation         = errors.New("invalid request")
	ErrNotFound           = errors.New("not found")
	ErrConflict           = errors.New("conflict")
	ErrServer             = errors.New("server error")
	ErrUnexpectedResponse = errors.New("unexpected response")
	// ErrOutcomeUnknown means that a write was sent, perhaps in part, and
	// that nobody knows whether it took effect. Do not repeat it: look it up
	// as Error.Operation.Outcome says.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Error is a call that gave no value. Its text holds no credential; neither
// does any field, and Body is cut and redacted.
type Error struct {
	Operation operation.Operation
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// TokenCall is true when no token could be had, so that the operation's own
	// request was never sent. Status, Code and Err are then those of the login.
	TokenCall bool
	// Kinds are the sentinel errors that errors.Is finds in this error.
	Kinds []error
	// Code is the provider's own code, such as CryptoPay's "RATE_LIMITED".
	Code string
	// Message is the provider's own text, or ours if it sent none.
	Message string
	// Fields maps a request member to what is wrong with it.
	Fields map[string][]string
	// RetryAfter is how long the provider asks to wait; 0 if it did not say.
	RetryAfter time.Duration
	// RequestID is the provider's id for the call, if it sent one.
	RequestID string
	// Header is the answer's header without cookies and credentials.
	Header http.Header
	// Body is the start of the answer's body, at most 4 KiB, with values of
	// secret-looking members and every credential of the request replaced.
	Body []byte
	// Err is the cause: a network, context or decoding error. May be nil.
	Err error
}

// Error says who, what and why on one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Operation.Provider, e.Operation.ID)
	if e.Status != 0 && !e.TokenCall { // else Err says it
		fmt.Fprintf(&b, ": %d", e.Status)
		if t := http.StatusText(e.Status); t != "" {
			b.WriteString(" " + t)
		}
	}
	if e.Code != "" && !e.TokenCall {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, f := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, "; %s: %s", f, strings.Join(e.Fields[f], ", "))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Is(ErrOutcomeUnknown) {
		b.WriteString(": outcome unknown, do not repeat")
		if e.Operation.Outcome != "" {
			b.WriteString(": " + e.Operation.Outcome)
		}
	}
	// One line, and nothing that steers a terminal.
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, b.String())
}

// Is reports whether the error is of the kind.
func (e *Error) Is(target error) bool { return slices.Contains(e.Kinds, target) }

// Unwrap returns the cause, so that errors.Is(err, context.Canceled) works.
func (e *Error) Unwrap() error { return e.Err }

// Add adds a kind once.
func (e *Error) Add(kind error) {
	if kind != nil && !e.Is(kind) {
		e.Kinds = append(e.Kinds, kind)
	}
}

// LogValue gives slog the facts as attributes, without the body.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("operation", e.Operation.String())}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.Code != "" {
		attrs = append(attrs, slog.String("code", e.Code))
	}
	if e.Message != "" {
		attrs = append(attrs, slog.String("message", e.Message))
	}
	if len(e.Kinds) > 0 {
		attrs = append(attrs, slog.String("kind", strings.Join(e.kinds(), ", ")))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", e.RequestID))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

func (e *Error) kinds() []string {
	out := make([]string, len(e.Kinds))
	for i, k := range e.Kinds {
		out[i] = k.Error()
	}
	return out
}

// MarshalJSON gives loggers that encode errors the same facts as LogValue;
// without it the kinds and the cause would come out as {}.
func (e *Error) MarshalJSON() ([]byte, error) {
	facts := struct {
		Operation  string              `json:"operation"`
		Status     int                 `json:"status,omitempty"`
		Kinds      []string            `json:"kinds,omitempty"`
		Code       string              `json:"code,omitempty"`
		Message    string              `json:"message,omitempty"`
		Fields     map[string][]string `json:"fields,omitempty"`
		RetryAfter float64             `json:"retry_after_seconds,omitempty"`
		RequestID  string              `json:"request_id,omitempty"`
		Cause      string              `json:"cause,omitempty"`
	}{
		Operation: e.Operation.String(), Status: e.Status, Kinds: e.kinds(), Code: e.Code, Message: e.Message,
		Fields: e.Fields, RetryAfter: e.RetryAfter.Seconds(), RequestID: e.RequestID,
	}
	if e.Err != nil {
		facts.Cause = e.Err.Error()
	}
	return json.Marshal(facts)
}

// KindOf returns the kind that an HTTP status means when the provider's own
// code says nothing better; nil for statuses below 400.
func KindOf(status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrConflict
	case status >= 500:
		return ErrServer
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrValidation
	default:
		return nil
	}
}
