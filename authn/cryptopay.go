package authn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// CryptoPayLogin logs in by user name, not by e-mail.
type CryptoPayLogin struct {
	Username string
	Password Secret
}

// CryptoPayLoginFunc gets the login when it is needed: from a vault, say.
type CryptoPayLoginFunc func(context.Context) (CryptoPayLogin, error)

// Validate names the field that is empty.
func (l CryptoPayLogin) Validate() error {
	return firstError(
		filled("cryptopay: Login.Username", l.Username),
		filled("cryptopay: Login.Password", l.Password.Reveal()))
}

// Format prints no secret.
func (l CryptoPayLogin) Format(f fmt.State, _ rune) {
	describe(f, "authn.CryptoPayLogin", "Username", l.Username)
}

func (l CryptoPayLogin) account() string  { return l.Username }
func (l CryptoPayLogin) fields() []string { return []string{l.Username, l.Password.Reveal()} }

// Session keeps an access token of 24 hours fresh. Each refresh replaces the
// refresh token too. See docs.echogate.craftfolio.dev/docs/api/authentication.
func (l CryptoPayLogin) Session(cfg Config) (*Session, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	return cryptoPaySession(cfg, fixed(l), l.account())
}

// Session asks the function at each login.
func (f CryptoPayLoginFunc) Session(cfg Config) (*Session, error) {
	return cryptoPaySession(cfg, f, "")
}

func cryptoPaySession(cfg Config, get func(context.Context) (CryptoPayLogin, error), account string) (*Session, error) {
	w, err := newWire("cryptopay", cfg, explainCryptoPay)
	if err != nil {
		return nil, err
	}
	creds := &provided[CryptoPayLogin]{provider: "cryptopay", get: get}
	flow := Flow{
		Provider:    "cryptopay",
		Changed:     creds.changed,
		Life:        24 * time.Hour,
		RefreshLife: 30 * 24 * time.Hour,
	}
	pair := func(ctx context.Context, c call) (Grant, error) {
		var out struct{ Access, Refresh Secret }
		a, err := w.post(ctx, c, &out)
		switch {
		case err != nil:
			return Grant{}, err
		case out.Access == "":
			return Grant{}, a.noToken("access")
		}
		return Grant{
			Access:      out.Access,
			Refresh:     out.Refresh,
			Life:        lifeOf(out.Access, "", a.date, flow.Life),
			RefreshLife: lifeOf(out.Refresh, "", a.date, flow.RefreshLife),
		}, nil
	}
	flow.Login = func(ctx context.Context) (Grant, error) {
		l, err := creds.use(ctx)
		if err != nil {
			return Grant{}, err
		}
		return pair(ctx, w.jsonCall("login", "/api/auth/login", struct {
			Username string `json:"username"`
			Password string `json:"password"`
		}{l.Username, l.Password.Reveal()}, nil, l.Password))
	}
	flow.Refresh = func(ctx context.Context, refresh Secret) (Grant, error) {
		return pair(ctx, w.jsonCall("refresh", "/api/auth/token/refresh/", struct { // the slash is part of it
			Refresh string `json:"refresh"`
		}{refresh.Reveal()}, nil, refresh))
	}
	return cfg.session(flow, w.base, account)
}

func explainCryptoPay(body []byte) (ex explanation) {
	var e struct {
		Error struct {
			Code    text `json:"code"`
			Message text `json:"message"`
		} `json:"error"`
		RetryAfter number `json:"retry_after"` // seconds by sense; the unit is not stated
	}
	_ = json.Unmarshal(body, &e)
	ex.code, ex.message = string(e.Error.Code), string(e.Error.Message)
	if f, err := e.RetryAfter.Float64(); err == nil && f > 0 {
		ex.retryAfter = seconds(f)
	}
	return ex
}

// CryptoPayExpired reports whether a new token helps: INVALID_TOKEN yes,
// INSUFFICIENT_PERMISSIONS no. A 401 that does not say counts as yes.
func CryptoPayExpired(resp *http.Response, body []byte) bool {
	return resp.StatusCode == http.StatusUnauthorized &&
		explainCryptoPay(body).code != "INSUFFICIENT_PERMISSIONS"
}

// CryptoPayKey is a key made in the dashboard. It goes where the access token
// goes, and cannot be refreshed.
type CryptoPayKey struct{ APIKey Secret }

// Validate names the field that is empty.
func (k CryptoPayKey) Validate() error {
	return filled("cryptopay: Key.APIKey", k.APIKey.Reveal())
}

// Format prints no secret.
func (k CryptoPayKey) Format(f fmt.State, _ rune) { describe(f, "authn.CryptoPayKey") }

// Editor sets "Authorization: Bearer <key>".
func (k CryptoPayKey) Editor() Editor { return Bearer(Static(k.APIKey)) }

// CryptoPayEnv names one of the environments that CryptoPay's documentation
// keeps a key for.
type CryptoPayEnv string

// The environments, and the variables their keys are in.
const (
	CryptoPayProduction  CryptoPayEnv = "production"  // CRYPTOPAY_PROD_API_KEY
	CryptoPayStaging     CryptoPayEnv = "staging"     // CRYPTOPAY_STAGING_API_KEY
	CryptoPayDevelopment CryptoPayEnv = "development" // CRYPTOPAY_DEV_API_KEY
	CryptoPaySandbox     CryptoPayEnv = "sandbox"     // CRYPTOPAY_SANDBOX_API_KEY
	CryptoPayDefault     CryptoPayEnv = ""            // CRYPTOPAY_API_KEY
)

// CryptoPayKeyFromEnv reads the key of an environment. Other than the sample in
// the documentation it refuses an unknown name instead of taking it for
// development.
func CryptoPayKeyFromEnv(env CryptoPayEnv) (CryptoPayKey, error) {
	variable, ok := map[CryptoPayEnv]string{
		CryptoPayProduction:  "CRYPTOPAY_PROD_API_KEY",
		CryptoPayStaging:     "CRYPTOPAY_STAGING_API_KEY",
		CryptoPayDevelopment: "CRYPTOPAY_DEV_API_KEY",
		CryptoPaySandbox:     "CRYPTOPAY_SANDBOX_API_KEY",
		CryptoPayDefault:     "CRYPTOPAY_API_KEY",
	}[env]
	if !ok {
		return CryptoPayKey{}, fmt.Errorf("cryptopay: no environment is called %q", string(env))
	}
	key := CryptoPayKey{Secret(os.Getenv(variable))}
	if err := filled("cryptopay: "+variable, key.APIKey.Reveal()); err != nil {
		return CryptoPayKey{}, err
	}
	return key, nil
}
