package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Reply is what a provider wants to be answered.
type Reply struct {
	Provider string // for the panic of Handler
	// Type and Body are those of a success, which is a 200.
	Type, Body string
	// Expired is the status of a message whose time is out of range; 0 means 401.
	Expired int
}

// Handler makes an http.Handler of a provider's Parse function and of f, which
// is called with every message that was verified. An error of f is answered 500,
// so that the provider sends the message again; its text goes to v.OnError only.
//
// Handler panics if v cannot verify anything or f is nil, as http.Handle does
// for a bad pattern: a receiver that refuses all messages should not start.
func Handler[E any](v Verifier, parse func(*http.Request, Verifier) (*E, error), f func(context.Context, *E) error, reply Reply) http.Handler {
	if err := v.Check(); err != nil {
		panic(From(reply.Provider, err))
	}
	return Serve(func(r *http.Request) (*E, error) { return parse(r, v) }, f, reply, v.OnError)
}

// Serve is Handler for messages that nobody signs. onError may be nil.
func Serve[E any](parse func(*http.Request) (*E, error), f func(context.Context, *E) error, reply Reply, onError func(context.Context, error)) http.Handler {
	if f == nil {
		panic(reply.Provider + ": webhook: the function that handles messages is nil")
	}
	if onError == nil {
		onError = func(context.Context, error) {}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		e, err := parse(r)
		if err == nil {
			if err = f(ctx, e); err == nil {
				reply.success(w)
				return
			}
			onError(ctx, err)
			http.Error(w, "Not handled", http.StatusInternalServerError)
			return
		}
		onError(ctx, err)
		reply.refusal(w, err)
	})
}

func (reply Reply) success(w http.ResponseWriter) {
	if reply.Type != "" {
		w.Header().Set("Content-Type", reply.Type)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, reply.Body)
}

// refusal answers without a reason: a forger learns nothing.
func (reply Reply) refusal(w http.ResponseWriter, err error) {
	status, text := http.StatusInternalServerError, "Not handled"
	switch {
	case errors.Is(err, ErrReplayed):
		reply.success(w)
		return
	case errors.Is(err, ErrMethod):
		w.Header().Set("Allow", http.MethodPost)
		status, text = http.StatusMethodNotAllowed, "Method not allowed"
	case errors.Is(err, ErrTooLarge):
		status, text = http.StatusRequestEntityTooLarge, "Body too large"
	case errors.Is(err, ErrMalformed):
		status, text = http.StatusBadRequest, "Malformed message"
	case errors.Is(err, ErrSignature):
		status, text = http.StatusUnauthorized, "Invalid signature"
	case errors.Is(err, ErrExpired):
		status, text = http.StatusUnauthorized, "Expired"
		if reply.Expired != 0 {
			status = reply.Expired
		}
	case errors.Is(err, ErrUnavailable):
		status, text = http.StatusServiceUnavailable, "Not now"
	}
	http.Error(w, text, status)
}
