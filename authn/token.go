package authn

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Token is what a [Source] hands out. The zero Token is never handed out without
// an error. The refresh token is not in it: it stays with the [Session].
type Token struct {
	Access Secret

	// Expiry is on this machine's wall clock: the start of the exchange plus the
	// token's relative life. Zero means that the key does not expire ([Static]).
	Expiry time.Time

	// Version counts the writes to the store this token came from.
	Version uint64
}

// Format prints no secret.
func (t Token) Format(f fmt.State, _ rune) {
	describe(f, "authn.Token", "Expiry", t.Expiry, "Version", t.Version)
}

// Source hands out tokens. It is safe for concurrent use, returns early when ctx
// ends, and never returns an empty token without an error.
type Source interface {
	Token(ctx context.Context) (Token, error)
}

// Renewer is a [Source] that can get another token when one was refused.
type Renewer interface {
	Source

	// Invalidate drops rejected if it still is the current token, and reports
	// whether asking for a token again is worth it. For a token that this source
	// did not hand out it must say no: a [Transport] would else repeat somebody
	// else's request with our token. Tokens before the current one are ours too,
	// since a refusal may come late.
	Invalidate(ctx context.Context, rejected Token) bool
}

// Grant is what a [Flow] got from the provider.
type Grant struct {
	Access  Secret
	Refresh Secret // empty: none came; after a refresh this means "keep the old one"

	// Life counts from the moment the request was sent, so that a clock which
	// disagrees with the provider's does not matter. Zero: the engine takes
	// exp − iat if Access is a JWT, else [Flow].Life, else the grant is an error.
	Life time.Duration

	// RefreshLife is that of Refresh, by the same rules; zero in the end means
	// that only the provider knows.
	RefreshLife time.Duration
}

// Format prints no secret.
func (g Grant) Format(f fmt.State, _ rune) {
	describe(f, "authn.Grant", "Life", g.Life, "RefreshLife", g.RefreshLife)
}

// StaticKey is a key that does not expire. It can be swapped while clients use it.
type StaticKey struct{ key atomic.Pointer[Secret] }

// Static makes a [Source] of a key that does not expire. It is never renewed: a
// 401 goes to the caller as it is.
func Static(key Secret) *StaticKey {
	s := new(StaticKey)
	s.Set(key)
	return s
}

// Set swaps the key; the next request carries the new one.
func (s *StaticKey) Set(key Secret) { s.key.Store(&key) }

// Token returns the key, or [ErrNoToken] if it is empty.
func (s *StaticKey) Token(context.Context) (Token, error) {
	key := s.key.Load()
	if key == nil || *key == "" {
		return Token{}, fmt.Errorf("authn: static key is empty: %w", ErrNoToken)
	}
	return Token{Access: *key}, nil
}

// Format prints no key.
func (s *StaticKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "authn.StaticKey") }
