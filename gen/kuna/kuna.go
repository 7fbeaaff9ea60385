package kuna

import (
	"context"
	"errors"
	"os"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/stack"
)

// Credentials are one of [Login], [LoginFunc], [APIKey] and [KeySource].
type Credentials interface {
	auth(stack.Env) (stack.Auth, error)
}

// Login is assigned by Kuna. The access token lives 30 minutes and is refreshed
// for two days, then the client logs in again.
type Login struct {
	Email      string
	Password   authn.Secret
	MerchantID string
}

// LoginFunc gets the login when it is needed: from a vault, say.
type LoginFunc func(context.Context) (Login, error)

// APIKey are the credentials of a permanent key: no login, no expiry.
func APIKey(key string) Credentials { return apiKey{authn.KunaAPIKey{Key: authn.Secret(key)}} }

type apiKey struct{ authn.KunaAPIKey }

func (k apiKey) auth(stack.Env) (stack.Auth, error) {
	if err := k.Validate(); err != nil {
		return stack.Auth{}, err
	}
	return stack.Auth{Schemes: map[string]authn.Editor{"apiKey": k.Editor()}}, nil
}

// KeySource are the credentials of a key that changes while the client runs, such
// as an *authn.StaticKey, whose Set swaps it.
func KeySource(src authn.Source) Credentials { return keySource{src} }

type keySource struct{ authn.Source }

func (k keySource) auth(stack.Env) (stack.Auth, error) {
	if k.Source == nil {
		return stack.Auth{}, errors.New("kuna: KeySource is nil")
	}
	return stack.Auth{Schemes: map[string]authn.Editor{"apiKey": authn.Header("Api-key", k.Source)}}, nil
}

func (l Login) auth(env stack.Env) (stack.Auth, error) {
	s, err := authn.KunaLogin(l).Session(env.Config)
	return session(s, err)
}

func (f LoginFunc) auth(env stack.Env) (stack.Auth, error) {
	if f == nil {
		return stack.Auth{}, errors.New("kuna: LoginFunc is nil")
	}
	s, err := authn.KunaLoginFunc(func(ctx context.Context) (authn.KunaLogin, error) {
		l, err := f(ctx)
		return authn.KunaLogin(l), err
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
		// The documentation says to decide on the code, never on the status alone.
		Renew: &authn.Transport{Source: s, Edit: edit, Expired: authn.KunaExpired, ErrorPrefix: `{"errors"`},
	}, nil
}

// New returns a client that keeps its access token fresh. It needs
// [WithBaseURL]: Kuna gives each partner an address and documents none.
func New(credentials Credentials, opts ...ClientOption) (*Client, error) {
	if credentials == nil {
		return nil, errors.New("kuna: credentials are nil")
	}
	return newClient("", credentials.auth, opts)
}

// FromEnv is New with KUNA_BASE_URL and either KUNA_API_KEY, or KUNA_EMAIL,
// KUNA_PASSWORD and KUNA_MERCHANT_ID. The names are ours: the provider
// documents none.
func FromEnv(opts ...ClientOption) (*Client, error) {
	opts = fromEnv("KUNA_BASE_URL", opts)
	if key := os.Getenv("KUNA_API_KEY"); key != "" {
		return New(APIKey(key), opts...)
	}
	l := Login{Email: os.Getenv("KUNA_EMAIL"), Password: authn.Secret(os.Getenv("KUNA_PASSWORD")), MerchantID: os.Getenv("KUNA_MERCHANT_ID")}
	if l.Email == "" || l.Password == "" || l.MerchantID == "" {
		return nil, errors.New("kuna: environment needs KUNA_API_KEY, or KUNA_EMAIL, KUNA_PASSWORD and KUNA_MERCHANT_ID")
	}
	return New(l, opts...)
}
