package authn

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"
)

// Flow is how one provider gives out tokens. Login is all it needs.
//
// Report a refused password as an error that is [ErrRejected]: the session then
// stops asking for a while. An error of Refresh that is [ErrNotSent], or an
// [*Error] with status 429 that is not ErrRejected, keeps the refresh token; any
// other error drops it, and the session logs in: a refresh token whose answer was
// lost may be spent.
type Flow struct {
	Provider string // begins every error, log line and stored key

	// Login gets a token for credentials that it knows itself.
	Login func(ctx context.Context) (Grant, error)

	// Refresh gets a token for a refresh token. Nil: the session logs in again.
	Refresh func(ctx context.Context, refresh Secret) (Grant, error)

	// Changed reports whether the credentials differ from those of the last
	// Login: a refused session then tries at once. Nil: it waits.
	Changed func(ctx context.Context) bool

	// Life and RefreshLife are the documented lives, for answers and tokens
	// that do not tell.
	Life, RefreshLife time.Duration
}

// SessionOption configures [NewSession].
type SessionOption func(*Session) error

// WithStore shares the tokens with every session that has the same store, key,
// Provider and base URL ([WithOrigin]); sessions that differ in one of them never
// get each other's tokens. The key must name the account: two accounts of one API
// under one key do.
func WithStore(store Store, key string) SessionOption {
	return func(s *Session) error {
		if store == nil || key == "" {
			return errors.New("authn: WithStore needs a store and a key")
		}
		s.store, s.key, s.shared = store, key, true
		return nil
	}
}

// WithLogger logs what happens to tokens: failures as warnings, all else at debug.
func WithLogger(log *slog.Logger) SessionOption {
	return func(s *Session) error { s.log = log; return nil }
}

// WithObserver calls f for each [Event], from the goroutine that renews: f must
// not call the session's Token, and should be quick.
func WithObserver(f func(context.Context, Event)) SessionOption {
	return func(s *Session) error { s.observe = f; return nil }
}

// WithExchangeTimeout limits one login or refresh; 15 s if not given.
func WithExchangeTimeout(d time.Duration) SessionOption {
	return func(s *Session) error {
		if d <= 0 {
			return errors.New("authn: exchange timeout must be positive")
		}
		s.timeout = d
		return nil
	}
}

// WithLoginWhenStoreIsDown lets a flow with refresh tokens log in by itself when
// its token is over and the shared store cannot be reached. Each process then
// holds a session of its own, which some providers count or limit. Flows without
// refresh tokens do so always.
func WithLoginWhenStoreIsDown() SessionOption {
	return func(s *Session) error { s.alone = true; return nil }
}

// WithOrigin binds the tokens to the scheme, host and port of a base URL: editors
// made of the session refuse other requests.
func WithOrigin(baseURL string) SessionOption {
	return func(s *Session) (err error) {
		s.origin, err = ParseBaseURL(baseURL)
		return err
	}
}

// NewSession keeps a token of flow fresh. It contacts nobody before the first
// call of Token, and runs no goroutine between renewals.
func NewSession(flow Flow, opts ...SessionOption) (*Session, error) {
	if flow.Provider == "" {
		return nil, errors.New("authn: Flow.Provider is empty")
	}
	if flow.Login == nil {
		return nil, errors.New("authn: Flow.Login is nil")
	}
	s := &Session{
		flow:    flow,
		store:   new(Memory),
		timeout: 15 * time.Second,
		jitter:  rand.Float64(),
	}
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	s.key = storeKey(flow.Provider, s.origin, s.key)
	return s, nil
}

// Origin is where the session's tokens may go; nil if they are not bound.
func (s *Session) Origin() *url.URL { return s.origin }
