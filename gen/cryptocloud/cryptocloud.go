package cryptocloud

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/stack"
)

// BaseURL is the documented production server; the paths of the operations
// carry the API version. Since 2026 the provider also calls itself Trybit, and
// client code uses https://api.trybit.com: see [WithBaseURL]. There is no
// sandbox; test mode is a switch of the project in the dashboard.
const BaseURL = "https://api.cryptocloud.plus"

// Credentials are one of [APIKey], [Keys] and [KeySources].
type Credentials interface {
	auth(stack.Env) (stack.Auth, error)
}

// APIKey are the credentials of a project: everything but withdrawals.
func APIKey(key string) Credentials { return Keys{APIKey: authn.Secret(key)} }

// Keys are the keys of a project and of the account's withdrawals. They do not
// expire, and although they look like JWTs nothing should be read from them.
type Keys struct {
	// APIKey opens everything but withdrawals.
	APIKey authn.Secret
	// WithdrawalKey is made in the account's security settings and opens
	// CreateWithdrawal. Optional.
	WithdrawalKey authn.Secret
}

func (k Keys) auth(env stack.Env) (stack.Auth, error) {
	if err := authn.CryptoCloudKey(k).Validate(); err != nil {
		return stack.Auth{}, err
	}
	src := KeySources{APIKey: authn.Static(k.APIKey)}
	if k.WithdrawalKey != "" {
		src.WithdrawalKey = authn.Static(k.WithdrawalKey)
	}
	return src.auth(env)
}

// KeySources are keys that change while the client runs, such as those of an
// *authn.StaticKey, whose Set swaps it. WithdrawalKey may be nil.
type KeySources struct{ APIKey, WithdrawalKey authn.Source }

func (k KeySources) auth(stack.Env) (stack.Auth, error) {
	if k.APIKey == nil {
		return stack.Auth{}, errors.New("cryptocloud: KeySources.APIKey is nil")
	}
	withdrawals := func(context.Context, *http.Request) error {
		return errors.New("cryptocloud: the withdrawal key is empty: withdrawals need a key of their own")
	}
	if k.WithdrawalKey != nil {
		withdrawals = authn.Prefixed("Token", k.WithdrawalKey)
	}
	return stack.Auth{Schemes: map[string]authn.Editor{
		"projectKey":    authn.Prefixed("Token", k.APIKey),
		"withdrawalKey": withdrawals,
	}}, nil
}

// New returns a client that sends "Authorization: Token <key>". With no options
// it calls production with a timeout, a connection pool and repeats of reads.
func New(credentials Credentials, opts ...ClientOption) (*Client, error) {
	if credentials == nil {
		return nil, errors.New("cryptocloud: credentials are nil")
	}
	return newClient(BaseURL, credentials.auth, opts)
}

// FromEnv is New with CRYPTOCLOUD_API_KEY, and where set
// CRYPTOCLOUD_WITHDRAWAL_API_KEY and CRYPTOCLOUD_BASE_URL. The names are ours:
// the provider documents none.
func FromEnv(opts ...ClientOption) (*Client, error) {
	keys := Keys{
		APIKey:        authn.Secret(os.Getenv("CRYPTOCLOUD_API_KEY")),
		WithdrawalKey: authn.Secret(os.Getenv("CRYPTOCLOUD_WITHDRAWAL_API_KEY")),
	}
	if keys.APIKey == "" {
		return nil, errors.New("cryptocloud: environment variable CRYPTOCLOUD_API_KEY is empty")
	}
	return New(keys, fromEnv("CRYPTOCLOUD_BASE_URL", opts)...)
}
