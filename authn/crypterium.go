package authn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// CrypteriumMerchant are a partner's credentials.
type CrypteriumMerchant struct {
	MerchantID string
	Password   Secret

	// UserAgent is required by the token call, and by an older page on all calls
	// (see [UserAgent]); the documentation wants one that looks like a browser.
	UserAgent string

	// URLEncoded sends the token request as application/x-www-form-urlencoded.
	// The documentation shows form parts, so multipart/form-data is what goes
	// out otherwise.
	URLEncoded bool
}

// CrypteriumMerchantFunc gets the credentials when they are needed.
type CrypteriumMerchantFunc func(context.Context) (CrypteriumMerchant, error)

// Validate names the field that is empty.
func (m CrypteriumMerchant) Validate() error {
	err := firstError(
		filled("crypterium: Merchant.MerchantID", m.MerchantID),
		filled("crypterium: Merchant.Password", m.Password.Reveal()),
		filled("crypterium: Merchant.UserAgent", m.UserAgent))
	if err == nil && !printable(m.UserAgent, true) {
		err = errors.New("crypterium: Merchant.UserAgent has bytes that no header may carry")
	}
	return err
}

// Format prints no secret.
func (m CrypteriumMerchant) Format(f fmt.State, _ rune) {
	describe(f, "authn.CrypteriumMerchant", "MerchantID", m.MerchantID, "UserAgent", m.UserAgent)
}

func (m CrypteriumMerchant) account() string { return m.MerchantID }
func (m CrypteriumMerchant) fields() []string {
	return []string{m.MerchantID, m.Password.Reveal(), m.UserAgent}
}

// Session keeps a merchant token fresh. It lives a year, there is no refresh
// token, and asking again seems to give the same token with less life left.
// See docs.crypterium.com/docs/backend-partner-account.
func (m CrypteriumMerchant) Session(cfg Config) (*Session, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return crypteriumSession(cfg, fixed(m), m.account())
}

// Session asks the function at each login.
func (f CrypteriumMerchantFunc) Session(cfg Config) (*Session, error) {
	return crypteriumSession(cfg, f, "")
}

// TokenSource is the merchant grant for code that speaks x/oauth2.
func (m CrypteriumMerchant) TokenSource(ctx context.Context, cfg Config) (oauth2.TokenSource, error) {
	s, err := m.Session(cfg)
	if err != nil {
		return nil, err
	}
	return OAuth2(ctx, s), nil
}

// crypteriumClient names the kind of client. It is the same for every partner and
// in the documentation; the secret is the password in the form.
const crypteriumClient = "Basic bWVyY2hhbnQ6bWVyY2hhbnQ="

func crypteriumSession(cfg Config, get func(context.Context) (CrypteriumMerchant, error), account string) (*Session, error) {
	w, err := newWire("crypterium", cfg, explainCrypterium)
	if err != nil {
		return nil, err
	}
	creds := &provided[CrypteriumMerchant]{provider: "crypterium", get: get}
	return cfg.session(Flow{
		Provider: "crypterium",
		Changed:  creds.changed,
		Login: func(ctx context.Context) (Grant, error) {
			m, err := creds.use(ctx)
			if err != nil {
				return Grant{}, err
			}
			var out struct {
				AccessToken Secret `json:"access_token"`
				ExpiresIn   number `json:"expires_in"`
			}
			a, err := w.post(ctx, m.tokenCall(), &out)
			switch {
			case err != nil:
				return Grant{}, err
			case out.AccessToken == "":
				return Grant{}, a.noToken("access_token")
			case out.ExpiresIn.Number == "":
				return Grant{}, a.noToken("expires_in")
			}
			// Not from the JWT: the token may be months old.
			life := ExpiresIn(out.ExpiresIn.Number, a.date)
			if life <= 0 {
				return Grant{}, a.noToken("positive expires_in")
			}
			return Grant{Access: out.AccessToken, Life: life}, nil
		},
	}, w.base, account)
}

func (m CrypteriumMerchant) tokenCall() call {
	c := call{
		op:      "login",
		path:    "/oauth/token",
		header:  http.Header{"Authorization": {crypteriumClient}, "User-Agent": {m.UserAgent}},
		secrets: []Secret{m.Password},
	}
	form := [][2]string{{"grant_type", "merchant"}, {"merchantId", m.MerchantID}, {"password", m.Password.Reveal()}}
	if m.URLEncoded {
		values := make(url.Values)
		for _, f := range form {
			values.Set(f[0], f[1])
		}
		c.contentType, c.body = "application/x-www-form-urlencoded", []byte(values.Encode())
		return c
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b) // writes to a buffer do not fail
	for _, f := range form {
		_ = parts.WriteField(f[0], f[1])
	}
	_ = parts.Close()
	c.contentType, c.body = parts.FormDataContentType(), b.Bytes()
	return c
}

// explainCrypterium reads what sibling APIs document; the partner pages document
// no error at all.
func explainCrypterium(body []byte) (ex explanation) {
	var e struct {
		Error   text `json:"error"`
		Message text `json:"message"`
		ErrorID text `json:"errorId"`
	}
	_ = json.Unmarshal(body, &e)
	ex.code, ex.message = string(e.Error), string(e.Message)
	if ex.code == "" {
		ex.code = string(e.ErrorID)
	}
	ex.unavailable = e.ErrorID == "273" || e.ErrorID == "429" // too many attempts, under status 400
	ex.rejected = ex.code == "WRONG_LOGIN_OR_PASSWORD_EXCEPTION"
	return ex
}

// CrypteriumExpired reports whether a new token helps: any 401, of which
// invalid_token is the documented one.
func CrypteriumExpired(resp *http.Response, _ []byte) bool {
	return resp.StatusCode == http.StatusUnauthorized
}
