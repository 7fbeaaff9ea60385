package cryptopay

import (
	"context"
	"errors"
	"os"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/stack"
)

// SandboxURL is the only server that the documentation names. Production has
// no documented address: ask the provider and use [WithBaseURL].
const SandboxURL = "https://sandbox-api.cryptopay.com"

// WithSandbox calls [SandboxURL].
func WithSandbox() ClientOption { return WithBaseURL(SandboxURL) }

// Credentials are one of [Login], [LoginFunc], [APIKey] and [KeySource].
type Credentials interface {
	auth(stack.Env) (stack.Auth, error)
}

// Login logs in by user name, not by e-mail. The access token lives 24 hours;
// each refresh replaces the refresh token as well, so processes that share an
// account should share a store ([WithStore]).
type Login struct {
	Username string
	Password authn.Secret
}

// LoginFunc gets the login when it is needed: from a vault, say.
type LoginFunc func(context.Context) (Login, error)

// APIKey are the credentials of a key made in the dashboard. It goes where the
// access token goes and cannot be refreshed.
func APIKey(key string) Credentials { return apiKey{authn.CryptoPayKey{APIKey: authn.Secret(key)}} }

type apiKey struct{ authn.CryptoPayKey }

func (k apiKey) auth(stack.Env) (stack.Auth, error) {
	if err := k.Validate(); err != nil {
		return stack.Auth{}, err
	}
	return stack.Auth{Schemes: map[string]authn.Editor{"bearer": k.Editor()}}, nil
}

// KeySource are the credentials of a key that changes while the client runs, such
// as an *authn.StaticKey, whose Set swaps it.
func KeySource(src authn.Source) Credentials { return keySource{src} }

type keySource struct{ authn.Source }

func (k keySource) auth(stack.Env) (stack.Auth, error) {
	if k.Source == nil {
		return stack.Auth{}, errors.New("cryptopay: KeySource is nil")
	}
	return stack.Auth{Schemes: map[string]authn.Editor{"bearer": authn.Bearer(k.Source)}}, nil
}

func (l Login) auth(env stack.Env) (stack.Auth, error) {
	s, err := authn.CryptoPayLogin(l).Session(env.Config)
	return session(s, err)
}

func (f LoginFunc) auth(env stack.Env) (stack.Auth, error) {
	if f == nil {
		return stack.Auth{}, errors.New("cryptopay: LoginFunc is nil")
	}
	s, err := authn.CryptoPayLoginFunc(func(ctx context.Context) (authn.CryptoPayLogin, error) {
		l, err := f(ctx)
		return authn.CryptoPayLogin(l), err
	}).Session(env.Config)
	return session(s, err)
}

func session(s *authn.Session, err error) (stack.Auth, error) {
	if err != nil {
		return stack.Auth{}, err
	}
	edit := authn.Bearer(s)
	return stack.Auth{
		Schemes: map[string]authn.Editor{"bearer": edit},
		Renew:   &authn.Transport{Source: s, Edit: edit, Expired: authn.CryptoPayExpired},
	}, nil
}

// New returns a client that keeps its access token fresh. It needs
// [WithSandbox] or [WithBaseURL], since no production server is documented.
func New(credentials Credentials, opts ...ClientOption) (*Client, error) {
	if credentials == nil {
		return nil, errors.New("cryptopay: credentials are nil")
	}
	return newClient("", credentials.auth, opts)
}

// FromEnv is New with CRYPTOPAY_API_KEY, the documented name, or with
// CRYPTOPAY_USERNAME and CRYPTOPAY_PASSWORD, and with CRYPTOPAY_BASE_URL. The
// documented keys of other environments are read by
// [authn.CryptoPayKeyFromEnv].
func FromEnv(opts ...ClientOption) (*Client, error) {
	opts = fromEnv("CRYPTOPAY_BASE_URL", opts)
	if key := os.Getenv("CRYPTOPAY_API_KEY"); key != "" {
		return New(APIKey(key), opts...)
	}
	l := Login{Username: os.Getenv("CRYPTOPAY_USERNAME"), Password: authn.Secret(os.Getenv("CRYPTOPAY_PASSWORD"))}
	if l.Username == "" || l.Password == "" {
		return nil, errors.New("cryptopay: environment needs CRYPTOPAY_API_KEY, or CRYPTOPAY_USERNAME and CRYPTOPAY_PASSWORD")
	}
	return New(l, opts...)
}
