package authn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// KunaLogin is assigned by Kuna.
type KunaLogin struct {
	Email      string
	Password   Secret
	MerchantID string
}

// KunaLoginFunc gets the login when it is needed: from a vault, say.
type KunaLoginFunc func(context.Context) (KunaLogin, error)

// Validate names the field that is empty.
func (l KunaLogin) Validate() error {
	return firstError(
		filled("kuna: Login.Email", l.Email),
		filled("kuna: Login.Password", l.Password.Reveal()),
		filled("kuna: Login.MerchantID", l.MerchantID))
}

// Format prints no secret.
func (l KunaLogin) Format(f fmt.State, _ rune) {
	describe(f, "authn.KunaLogin", "Email", l.Email, "MerchantID", l.MerchantID)
}

func (l KunaLogin) account() string { return l.MerchantID + "\x00" + l.Email }
func (l KunaLogin) fields() []string {
	return []string{l.Email, l.Password.Reveal(), l.MerchantID}
}

// Session keeps an access token of 30 minutes fresh, with a refresh token of two
// days. Some proxies drop the underscored merchant_id header that both calls
// need. See https://docs.kunacore.io/docs/authentication.
func (l KunaLogin) Session(cfg Config) (*Session, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	return kunaSession(cfg, fixed(l), l.account())
}

// Session asks the function at each login, and at each refresh for the MerchantID.
func (f KunaLoginFunc) Session(cfg Config) (*Session, error) {
	return kunaSession(cfg, f, "")
}

func kunaSession(cfg Config, get func(context.Context) (KunaLogin, error), account string) (*Session, error) {
	w, err := newWire("kuna", cfg, explainKuna)
	if err != nil {
		return nil, err
	}
	creds := &provided[KunaLogin]{provider: "kuna", get: get}
	flow := Flow{
		Provider:    "kuna",
		Changed:     creds.changed,
		Life:        30 * time.Minute,
		RefreshLife: 48 * time.Hour,
	}
	pair := func(ctx context.Context, c call) (Grant, error) {
		var out struct {
			Data struct {
				AccessToken  Secret `json:"accessToken"`
				ExpiresIn    number `json:"expiresIn"` // a Unix time in seconds, not a duration
				RefreshToken Secret `json:"refreshToken"`
			} `json:"data"`
		}
		a, err := w.post(ctx, c, &out)
		switch {
		case err != nil:
			return Grant{}, err
		case out.Data.AccessToken == "":
			return Grant{}, a.noToken("data.accessToken")
		}
		return Grant{
			Access:      out.Data.AccessToken,
			Refresh:     out.Data.RefreshToken,
			Life:        lifeOf(out.Data.AccessToken, out.Data.ExpiresIn.Number, a.date, flow.Life),
			RefreshLife: lifeOf(out.Data.RefreshToken, "", a.date, flow.RefreshLife),
		}, nil
	}
	merchant := func(id string) http.Header { return http.Header{"merchant_id": {id}} }
	flow.Login = func(ctx context.Context) (Grant, error) {
		l, err := creds.use(ctx)
		if err != nil {
			return Grant{}, err
		}
		return pair(ctx, w.jsonCall("login", "/v2/auth/login", struct {
			Token    string `json:"token"` // the e-mail address, despite the name
			Password string `json:"password"`
		}{l.Email, l.Password.Reveal()}, merchant(l.MerchantID), l.Password))
	}
	flow.Refresh = func(ctx context.Context, refresh Secret) (Grant, error) {
		l, err := creds.peek(ctx, "refresh")
		if err != nil {
			return Grant{}, err
		}
		return pair(ctx, w.jsonCall("refresh", "/v2/auth/refresh", struct {
			RefreshToken string `json:"refreshToken"`
		}{refresh.Reveal()}, merchant(l.MerchantID), refresh))
	}
	return cfg.session(flow, w.base, account)
}

// explainKuna reads errors[0], whose message is a string in one documented case
// and an object in the other.
func explainKuna(body []byte) (ex explanation) {
	var e struct {
		Errors []struct {
			Code    text            `json:"code"`
			Message json.RawMessage `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.Errors) == 0 {
		return ex
	}
	ex.code = string(e.Errors[0].Code)
	ex.rejected = ex.code == "UNAUTHORIZED" || ex.code == "REFRESH_TOKEN_EXPIRED" // documented without a status
	var object struct{ Message text }
	var plain text
	if json.Unmarshal(e.Errors[0].Message, &object) == nil && object.Message != "" {
		ex.message = string(object.Message)
	} else if json.Unmarshal(e.Errors[0].Message, &plain) == nil {
		ex.message = string(plain)
	}
	return ex
}

// KunaExpired reports whether a new token helps: the code UNAUTHORIZED under any
// status, since the documentation gives none, and a 401 that gives no code. Under
// 2xx, which it is asked about with [Transport].ErrorPrefix, an answer with data in
// it was no refusal.
func KunaExpired(resp *http.Response, body []byte) bool {
	code := explainKuna(body).code
	if resp.StatusCode < 300 {
		var e struct{ Data any }
		_ = json.Unmarshal(body, &e)
		return code == "UNAUTHORIZED" && e.Data == nil
	}
	return code == "UNAUTHORIZED" || code == "" && resp.StatusCode == http.StatusUnauthorized
}

// KunaAPIKey is the permanent key: no login, no expiry, no merchant id.
type KunaAPIKey struct{ Key Secret }

// Validate names the field that is empty.
func (k KunaAPIKey) Validate() error { return filled("kuna: APIKey.Key", k.Key.Reveal()) }

// Format prints no secret.
func (k KunaAPIKey) Format(f fmt.State, _ rune) { describe(f, "authn.KunaAPIKey") }

// Editor sets the Api-key header.
func (k KunaAPIKey) Editor() Editor { return Header("Api-key", Static(k.Key)) }
