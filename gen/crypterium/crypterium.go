package crypterium

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/stack"
)

// The documented servers.
const (
	BaseURL    = "https://api.crypterium.com"
	SandboxURL = "https://sandbox-crpt-backend.features.testessential.net"
)

// WithSandbox calls [SandboxURL].
func WithSandbox() ClientOption { return WithBaseURL(SandboxURL) }

// Credentials are one of [Merchant] and [MerchantFunc].
type Credentials interface {
	auth(stack.Env) (stack.Auth, error)
}

// Merchant are a partner's credentials, handed out by Crypterium's support.
type Merchant struct {
	MerchantID string
	Password   authn.Secret
	// UserAgent is required: the provider wants one on every call that looks
	// like a browser's or a device's.
	UserAgent string
	// URLEncoded sends the token request as application/x-www-form-urlencoded.
	// The documentation shows multipart parts, which is the default.
	URLEncoded bool
}

// MerchantFunc gets the credentials when they are needed: from a vault, say.
// It is asked at each login; the UserAgent of its last answer is sent with every
// call.
type MerchantFunc func(context.Context) (Merchant, error)

func (m Merchant) auth(env stack.Env) (stack.Auth, error) {
	s, err := authn.CrypteriumMerchant(m).Session(env.Config)
	return session(s, authn.UserAgent(m.UserAgent), err)
}

func (f MerchantFunc) auth(env stack.Env) (stack.Auth, error) {
	if f == nil {
		return stack.Auth{}, errors.New("crypterium: MerchantFunc is nil")
	}
	var known atomic.Pointer[string]
	ask := func(ctx context.Context) (authn.CrypteriumMerchant, error) {
		m, err := f(ctx)
		if err == nil {
			known.Store(&m.UserAgent)
		}
		return authn.CrypteriumMerchant(m), err
	}
	agent := func(ctx context.Context, req *http.Request) error {
		if known.Load() == nil { // a token out of a store: nobody has logged in here yet
			if _, err := ask(ctx); err != nil {
				return err
			}
		}
		return authn.UserAgent(*known.Load())(ctx, req)
	}
	s, err := authn.CrypteriumMerchantFunc(ask).Session(env.Config)
	return session(s, agent, err)
}

func session(s *authn.Session, agent authn.Editor, err error) (stack.Auth, error) {
	if err != nil {
		return stack.Auth{}, err
	}
	edit := authn.Bearer(s)
	return stack.Auth{
		Schemes: map[string]authn.Editor{"merchantToken": edit, "merchantClient": merchantClient},
		Always:  agent,
		Renew:   &authn.Transport{Source: s, Edit: edit, Expired: authn.CrypteriumExpired},
	}, nil
}

// merchantClient identifies the kind of client. It is the same for every
// partner and printed in the documentation; it is not the secret.
func merchantClient(_ context.Context, req *http.Request) error {
	req.SetBasicAuth("merchant", "merchant")
	return nil
}

// New returns a client that gets its merchant token by the grant
// grant_type=merchant and keeps it fresh. With no options it calls production.
func New(credentials Credentials, opts ...ClientOption) (*Client, error) {
	if credentials == nil {
		return nil, errors.New("crypterium: credentials are nil")
	}
	return newClient(BaseURL, credentials.auth, opts)
}

// FromEnv is New with CRYPTERIUM_MERCHANT_ID, CRYPTERIUM_PASSWORD and
// CRYPTERIUM_USER_AGENT, and CRYPTERIUM_BASE_URL where set. The names are ours:
// the provider documents none.
func FromEnv(opts ...ClientOption) (*Client, error) {
	m := Merchant{
		MerchantID: os.Getenv("CRYPTERIUM_MERCHANT_ID"),
		Password:   authn.Secret(os.Getenv("CRYPTERIUM_PASSWORD")),
		UserAgent:  os.Getenv("CRYPTERIUM_USER_AGENT"),
	}
	for name, value := range map[string]string{"MERCHANT_ID": m.MerchantID, "PASSWORD": m.Password.Reveal(), "USER_AGENT": m.UserAgent} {
		if value == "" {
			return nil, errors.New("crypterium: environment variable CRYPTERIUM_" + name + " is empty")
		}
	}
	return New(m, fromEnv("CRYPTERIUM_BASE_URL", opts)...)
}
