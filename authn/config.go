package authn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Doer sends requests; *http.Client is one.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Config is what the sessions of all providers share. Only BaseURL is required.
type Config struct {
	// BaseURL is the root that the provider's paths are appended to. Tokens go
	// to its scheme, host and port and nowhere else.
	BaseURL string

	// HTTP sends the token calls. Of an *http.Client a copy is used that follows
	// no redirects; a Doer of another kind must not follow any either.
	HTTP Doer

	// UserAgent of the token calls.
	UserAgent string

	// Store shares tokens between processes; nil keeps them in the session.
	Store Store

	// StoreKey names the account in Store; it may be empty unless the credentials
	// come from a function. What is stored is under a key made of the provider,
	// BaseURL and this, so one StoreKey may serve several providers, and sandbox
	// and production; two accounts of one provider need two.
	StoreKey string

	Logger  *slog.Logger                 // failures as warnings, all else at debug; see [WithLogger]
	Observe func(context.Context, Event) // each [Event]; see [WithObserver]

	// Timeout of one login or refresh; 0 means 15 s. Callers leave on their own
	// context before that. See [WithExchangeTimeout].
	Timeout time.Duration

	// LoginWhenStoreIsDown lets Kuna and CryptoPay, whose refresh tokens must not
	// be spent twice, log in without the store. The others do so anyway. See
	// [WithLoginWhenStoreIsDown].
	LoginWhenStoreIsDown bool
}

const defaultUserAgent = "payclients (+https://github.com/seed-4fcf5cf3/payclients)"

// credentials is what the providers' credential structs have in common.
type credentials interface {
	Validate() error
	fields() []string // secrets too, to tell old from new
}

// provided remembers a fingerprint of the credentials that were used last.
type provided[C credentials] struct {
	provider string
	get      func(context.Context) (C, error)
	mu       sync.Mutex
	last     [sha256.Size]byte
}

// use gets the credentials for a login and remembers them.
func (p *provided[C]) use(ctx context.Context) (C, error) {
	c, err := p.peek(ctx, "login")
	if err == nil {
		p.mu.Lock()
		p.last = fingerprint(c)
		p.mu.Unlock()
	}
	return c, err
}

func (p *provided[C]) peek(ctx context.Context, op string) (C, error) {
	c, err := p.get(ctx)
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		err = &Error{Provider: p.provider, Op: op, Kind: ErrUnavailable, Err: fmt.Errorf("get credentials: %w: %w", ErrNotSent, err)}
	}
	return c, err
}

func (p *provided[C]) changed(ctx context.Context) bool {
	c, err := p.get(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	return err == nil && fingerprint(c) != p.last
}

func fingerprint(c credentials) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(c.fields(), "\x00")))
}

// fixed serves credentials that are known now.
func fixed[C credentials](c C) func(context.Context) (C, error) {
	return func(context.Context) (C, error) { return c, nil }
}

// session builds the session of a provider. account is empty if the credentials
// come from a function.
func (cfg Config) session(flow Flow, origin *url.URL, account string) (*Session, error) {
	opts := []SessionOption{
		func(s *Session) error { s.origin = origin; return nil },
		WithLogger(cfg.Logger),
		WithObserver(cfg.Observe),
	}
	if cfg.Timeout != 0 {
		opts = append(opts, WithExchangeTimeout(cfg.Timeout))
	}
	if cfg.LoginWhenStoreIsDown {
		opts = append(opts, WithLoginWhenStoreIsDown())
	}
	if cfg.Store != nil {
		key := cfg.StoreKey
		if key == "" && account == "" {
			return nil, errors.New(flow.Provider + ": Config.StoreKey is empty: credentials from a function do not tell whose tokens these are")
		}
		if key == "" {
			key = digest(account)
		}
		opts = append(opts, WithStore(cfg.Store, key))
	}
	return NewSession(flow, opts...)
}

// storeKey is what key becomes in a store. Provider and key are there to be read;
// the digest sees to it that no other provider, place or key gets the same.
func storeKey(provider string, origin *url.URL, key string) string {
	place := ""
	if origin != nil {
		place = strings.ToLower(origin.Scheme+"://"+hostPort(origin)) + origin.EscapedPath()
	}
	return provider + ":" + key + ":" + digest(provider, place, key)
}

func digest(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:12])
}

// filled refuses an empty field, and one that a header or a form cannot carry.
func filled(where, value string) error {
	switch {
	case value == "":
		return errors.New(where + " is empty")
	case strings.ContainsAny(value, "\r\n\x00"):
		return errors.New(where + " has a line break or a zero byte in it")
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
