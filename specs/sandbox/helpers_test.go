package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// send sends one request to a path of the sandbox and reads the answer.
func send(t testing.TB, srv *sandbox.Server, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	res, b, err := try(srv, method, path, body, headers...)
	require.NoError(t, err)
	return res, b
}

func try(srv *sandbox.Server, method, path, body string, headers ...string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, srv.Base()+"/"+strings.TrimPrefix(path, "/"), strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

// do is send with the status in front and the body decoded.
func do(t testing.TB, srv *sandbox.Server, method, path, body string, headers ...string) (int, any) {
	t.Helper()
	res, b := send(t, srv, method, path, body, headers...)
	var v any
	if b != "" {
		require.NoError(t, json.Unmarshal([]byte(b), &v), "%s", b)
	}
	return res.StatusCode, v
}

// good is do for what must succeed.
func good(t testing.TB, srv *sandbox.Server, method, path, body string, headers ...string) any {
	t.Helper()
	status, v := do(t, srv, method, path, body, headers...)
	require.Contains(t, []int{200, 201}, status, "%s %s: %v", method, path, v)
	return v
}

// at follows names and indexes into decoded JSON.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

// The logins of the five, as a client does them.

func tokenHeader(srv *sandbox.Server) []string {
	return []string{"Authorization", "Token " + srv.Credentials(specs.CryptoCloud).APIKey}
}

func cryptopayPair(t testing.TB, srv *sandbox.Server) (access, refresh string) {
	t.Helper()
	c := srv.Credentials(specs.CryptoPay)
	v := good(t, srv, "POST", "cryptopay/api/auth/login", `{"username":"`+c.Username+`","password":"`+c.Password+`"}`)
	return text(v, "access"), text(v, "refresh")
}

func crypteriumToken(t testing.TB, srv *sandbox.Server, password string) (int, any) {
	t.Helper()
	form := url.Values{"grant_type": {"merchant"}, "merchantId": {srv.Credentials(specs.Crypterium).MerchantID}, "password": {password}}
	return do(t, srv, "POST", "crypterium/oauth/token", form.Encode(), "Authorization", "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=",
		"Content-Type", "application/x-www-form-urlencoded")
}

func basic(user, pass string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, pass)
	return r.Header.Get("Authorization")
}

func ecartpayToken(t testing.TB, srv *sandbox.Server) string {
	t.Helper()
	c := srv.Credentials(specs.EcartPay)
	return text(good(t, srv, "POST", "ecartpay/api/authorizations/token", "", "Authorization", basic(c.PublicKey, c.PrivateKey)), "token")
}

func kunaPair(t testing.TB, srv *sandbox.Server) any {
	t.Helper()
	c := srv.Credentials(specs.Kuna)
	return at(good(t, srv, "POST", "kuna/v2/auth/login", `{"token":"`+c.Email+`","password":"`+c.Password+`"}`, "merchant_id", c.MerchantID), "data")
}

func kunaKey(srv *sandbox.Server) []string {
	return []string{"Api-key", srv.Credentials(specs.Kuna).APIKey}
}
