package authn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// issuer gives out tokens like a provider with rotating refresh tokens: each
// refresh token works once, and it remembers who tried one twice.
type issuer struct {
	life, takes time.Duration
	noRefresh   bool

	mu                         sync.Mutex
	n                          int
	logins, refreshes, replays int
	until                      map[authn.Secret]time.Time
	refresh                    map[authn.Secret]bool // true: spent
	onLogin, onRefresh         func() error          // asked after the time it takes
}

func (i *issuer) flow() authn.Flow {
	f := authn.Flow{Provider: "acme", Login: i.login}
	if !i.noRefresh {
		f.Refresh = i.renew
		f.RefreshLife = 48 * time.Hour
	}
	return f
}

func (i *issuer) login(ctx context.Context) (authn.Grant, error) {
	i.mu.Lock()
	i.logins++
	ask := i.onLogin
	i.mu.Unlock()
	return i.answer(ctx, ask)
}

func (i *issuer) renew(ctx context.Context, refresh authn.Secret) (authn.Grant, error) {
	i.mu.Lock()
	i.refreshes++
	ask := i.onRefresh
	spent, known := i.refresh[refresh]
	if spent {
		i.replays++
	}
	if known {
		i.refresh[refresh] = true
	}
	i.mu.Unlock()
	if spent || !known {
		return authn.Grant{}, &authn.Error{Provider: "acme", Op: "refresh", Status: 401, Kind: authn.ErrRejected}
	}
	return i.answer(ctx, ask)
}

func (i *issuer) answer(ctx context.Context, ask func() error) (authn.Grant, error) {
	if i.takes > 0 {
		select {
		case <-time.After(i.takes):
		case <-ctx.Done():
			return authn.Grant{}, ctx.Err()
		}
	}
	if ask != nil {
		if err := ask(); err != nil {
			return authn.Grant{}, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n++
	g := authn.Grant{Access: authn.Secret(fmt.Sprintf("access-%d", i.n)), Life: i.life}
	if i.until == nil {
		i.until = map[authn.Secret]time.Time{}
		i.refresh = map[authn.Secret]bool{}
	}
	i.until[g.Access] = time.Now().Add(i.life)
	if !i.noRefresh {
		g.Refresh = authn.Secret(fmt.Sprintf("refresh-%d", i.n))
		i.refresh[g.Refresh] = false
	}
	return g, nil
}

func (i *issuer) accepts(access authn.Secret) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Now().Before(i.until[access])
}

func (i *issuer) revoke(access authn.Secret) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.until, access)
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) counts() (logins, refreshes, replays int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.logins, i.refreshes, i.replays
}

// stored is the key that a store sees of issuer's flow with the key "k".
var stored = authn.StoreKey("acme", nil, "k")

func newSession(t testing.TB, f authn.Flow, opts ...authn.SessionOption) *authn.Session {
	t.Helper()
	s, err := authn.NewSession(f, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) }) // a renewal may be under way when a synctest bubble ends
	return s
}

func mustToken(t testing.TB, s authn.Source) authn.Token {
	t.Helper()
	tok, err := s.Token(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, tok.Access.Reveal())
	return tok
}

var errDown = errors.New("connection reset")

// inProcess lets an http.Handler answer without a network, so that it works in a
// synctest bubble.
type inProcess struct{ h http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		in.Body = io.NopCloser(bytes.NewReader(b))
	}
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	if resp.Header.Get("Date") == "" {
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	return resp, nil
}

// brokenStore fails on demand.
type brokenStore struct {
	authn.Store
	mu   sync.Mutex
	fail func(op string) error
}

func (b *brokenStore) set(fail func(op string) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

func (b *brokenStore) ask(op string) error {
	b.mu.Lock()
	fail := b.fail
	b.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(op)
}

func (b *brokenStore) Load(ctx context.Context, key string) (authn.Record, error) {
	if err := b.ask("load"); err != nil {
		return authn.Record{}, err
	}
	return b.Store.Load(ctx, key)
}

func (b *brokenStore) Swap(ctx context.Context, key string, old uint64, next authn.Record) (bool, error) {
	op := "save"
	if next.Taken {
		op = "take"
	}
	if err := b.ask(op); err != nil {
		return false, err
	}
	return b.Store.Swap(ctx, key, old, next)
}

func (b *brokenStore) Lease(ctx context.Context, key string, ttl time.Duration) (authn.Lease, error) {
	if err := b.ask("lease"); err != nil {
		return nil, err
	}
	return b.Store.Lease(ctx, key, ttl)
}
