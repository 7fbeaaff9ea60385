package ecartpay

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/stack"
)

// The documented servers. Each has keys of its own.
const (
	BaseURL    = "https://ecartpay.com"
	SandboxURL = "https://sandbox.ecartpay.com"
)

// WithSandbox calls [SandboxURL].
func WithSandbox() ClientOption { return WithBaseURL(SandboxURL) }

// Credentials are one of [Keys] and [KeysFunc].
type Credentials interface {
	auth(stack.Env) (stack.Auth, error)
}

// Keys are exchanged for a token of one hour; they open nothing else.
type Keys struct {
	PublicKey  string
	PrivateKey authn.Secret
}

// KeysFunc gets the keys when they are needed: from a vault, say.
type KeysFunc func(context.Context) (Keys, error)

func (k Keys) auth(env stack.Env) (stack.Auth, error) {
	s, err := authn.EcartPayKeys(k).Session(env.Config)
	return session(s, func(context.Context) (Keys, error) { return k, nil }, err)
}

func (f KeysFunc) auth(env stack.Env) (stack.Auth, error) {
	if f == nil {
		return stack.Auth{}, errors.New("ecartpay: KeysFunc is nil")
	}
	s, err := authn.EcartPayKeysFunc(func(ctx context.Context) (authn.EcartPayKeys, error) {
		k, err := f(ctx)
		return authn.EcartPayKeys(k), err
	}).Session(env.Config)
	return session(s, f, err)
}

func session(s *authn.Session, keys KeysFunc, err error) (stack.Auth, error) {
	if err != nil {
		return stack.Auth{}, err
	}
	edit := authn.Raw(s) // the bare token: with "Bearer " the API answers 401
	basic := func(ctx context.Context, req *http.Request) error {
		k, err := keys(ctx)
		if err != nil {
			return err
		}
		req.SetBasicAuth(k.PublicKey, k.PrivateKey.Reveal())
		return nil
	}
	return stack.Auth{
		Schemes: map[string]authn.Editor{"authorizationToken": edit, "apiKeys": basic},
		Renew:   &authn.Transport{Source: s, Edit: edit, Expired: authn.EcartPayExpired},
	}, nil
}

// New returns a client that exchanges the keys for a token and keeps it fresh.
// With no options it calls production.
func New(credentials Credentials, opts ...ClientOption) (*Client, error) {
	if credentials == nil {
		return nil, errors.New("ecartpay: credentials are nil")
	}
	return newClient(BaseURL, credentials.auth, opts)
}

// FromEnv is New with ECARTPAY_PUBLIC_KEY and ECARTPAY_PRIVATE_KEY, and
// ECARTPAY_BASE_URL where set. The names are ours: the provider documents none.
func FromEnv(opts ...ClientOption) (*Client, error) {
	k := Keys{PublicKey: os.Getenv("ECARTPAY_PUBLIC_KEY"), PrivateKey: authn.Secret(os.Getenv("ECARTPAY_PRIVATE_KEY"))}
	if k.PublicKey == "" || k.PrivateKey == "" {
		return nil, errors.New("ecartpay: environment needs ECARTPAY_PUBLIC_KEY and ECARTPAY_PRIVATE_KEY")
	}
	return New(k, fromEnv("ECARTPAY_BASE_URL", opts)...)
}
