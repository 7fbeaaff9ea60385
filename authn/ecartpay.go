package authn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// EcartPayKeys are exchanged for a token; they open nothing else.
type EcartPayKeys struct {
	PublicKey  string
	PrivateKey Secret
}

// EcartPayKeysFunc gets the keys when they are needed.
type EcartPayKeysFunc func(context.Context) (EcartPayKeys, error)

// Validate names the field that is empty.
func (k EcartPayKeys) Validate() error {
	err := firstError(
		filled("ecartpay: Keys.PublicKey", k.PublicKey),
		filled("ecartpay: Keys.PrivateKey", k.PrivateKey.Reveal()))
	if err == nil && strings.Contains(k.PublicKey, ":") {
		err = errors.New("ecartpay: Keys.PublicKey has a colon in it, which ends a user name")
	}
	return err
}

// Format prints no secret.
func (k EcartPayKeys) Format(f fmt.State, _ rune) {
	describe(f, "authn.EcartPayKeys", "PublicKey", k.PublicKey)
}

func (k EcartPayKeys) account() string  { return k.PublicKey }
func (k EcartPayKeys) fields() []string { return []string{k.PublicKey, k.PrivateKey.Reveal()} }

// Session keeps a token of one hour fresh. The answer tells no expiry, and there
// is no refresh token. Use it with [Raw]: the API wants the bare token.
// See docs.ecartpay.com/docs/tokens.
func (k EcartPayKeys) Session(cfg Config) (*Session, error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	return ecartPaySession(cfg, fixed(k), k.account())
}

// Session asks the function at each login.
func (f EcartPayKeysFunc) Session(cfg Config) (*Session, error) {
	return ecartPaySession(cfg, f, "")
}

func ecartPaySession(cfg Config, get func(context.Context) (EcartPayKeys, error), account string) (*Session, error) {
	w, err := newWire("ecartpay", cfg, explainEcartPay)
	if err != nil {
		return nil, err
	}
	creds := &provided[EcartPayKeys]{provider: "ecartpay", get: get}
	return cfg.session(Flow{
		Provider: "ecartpay",
		Changed:  creds.changed,
		Login: func(ctx context.Context) (Grant, error) {
			k, err := creds.use(ctx)
			if err != nil {
				return Grant{}, err
			}
			pair := k.PublicKey + ":" + k.PrivateKey.Reveal()
			var out struct{ Token Secret }
			a, err := w.post(ctx, call{
				op:      "login",
				path:    "/api/authorizations/token",
				header:  http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}},
				secrets: []Secret{Secret(pair), k.PrivateKey},
			}, &out)
			switch {
			case err != nil:
				return Grant{}, err
			case out.Token == "":
				return Grant{}, a.noToken("token")
			}
			return Grant{Access: out.Token, Life: lifeOf(out.Token, "", a.date, time.Hour)}, nil
		},
	}, w.base, account)
}

func explainEcartPay(body []byte) explanation {
	var e struct {
		Code    text `json:"code"`
		Message text `json:"message"`
	}
	_ = json.Unmarshal(body, &e)
	return explanation{code: string(e.Code), message: string(e.Message)}
}

// EcartPayExpired reports whether a new token helps: a 401, unless its body has a
// code. Shops see codes with card declines, of which 401 is "insufficient funds",
// and nobody tells under which status; a declined payment is not sent again. The
// code 401 with the message "Unauthorized", which is what the documentation calls
// an expired token, is one.
func EcartPayExpired(resp *http.Response, body []byte) bool {
	ex := explainEcartPay(body)
	return resp.StatusCode == http.StatusUnauthorized &&
		(ex.code == "" || ex.code == "401" && strings.EqualFold(ex.message, "Unauthorized"))
}
