package authn

import (
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// OAuth2 lets code that speaks x/oauth2 use src. ctx is what each Token call
// waits with, since [oauth2.TokenSource] has none of its own. The refresh token
// stays here. Wrapping the result in oauth2.ReuseTokenSource is not needed.
func OAuth2(ctx context.Context, src Source) oauth2.TokenSource { return toOAuth2{ctx, src} }

type toOAuth2 struct {
	ctx context.Context //nolint:containedctx // the interface leaves no other place
	src Source
}

func (s toOAuth2) Token() (*oauth2.Token, error) {
	tok, err := s.src.Token(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: tok.Access.Reveal(), TokenType: "Bearer", Expiry: tok.Expiry}, nil
}

// FromOAuth2 makes a [Source] of a source of x/oauth2, which has its own ideas of
// renewal. What is added: callers leave on their own context, and one question at
// a time is asked however many wait. A token without an expiry is asked for anew
// each time, which costs little with the sources of x/oauth2.
func FromOAuth2(ts oauth2.TokenSource) Source { return &fromOAuth2{ts: ts} }

type fromOAuth2 struct {
	ts oauth2.TokenSource

	mu     sync.Mutex
	tok    Token
	flight *flight
}

func (s *fromOAuth2) Token(ctx context.Context) (Token, error) {
	s.mu.Lock()
	if time.Until(s.tok.Expiry) > 10*time.Second { // x/oauth2 renews 10 s early
		defer s.mu.Unlock()
		return s.tok, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		go s.ask(f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.tok, f.err
	case <-ctx.Done():
		return Token{}, leave(ctx, "oauth2")
	}
}

func (s *fromOAuth2) ask(f *flight) {
	f.err = ErrUnavailable // if the source ends this goroutine
	defer func() {
		s.mu.Lock()
		s.tok, s.flight = f.tok, nil
		s.mu.Unlock()
		close(f.done)
	}()
	tok, err := s.ts.Token()
	switch {
	case err != nil:
		f.err = err
	case tok == nil || tok.AccessToken == "":
		f.err = ErrNoToken
	default:
		f.tok, f.err = Token{Access: Secret(tok.AccessToken), Expiry: tok.Expiry}, nil
	}
}
