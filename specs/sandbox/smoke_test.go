package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// do sends one request and returns status and body.
func do(t testing.TB, srv *sandbox.Server, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	res, b := send(t, srv, method, url, body, headers...)
	return res.StatusCode, b
}

func send(t testing.TB, srv *sandbox.Server, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = srv.Base() + "/" + strings.TrimPrefix(url, "/")
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(b)
}

func TestSmoke(t *testing.T) {
	srv := sandbox.Start(t)
	for _, c := range [][]string{
		{"POST", "cryptocloud/v2/invoice/create", `{"shop_id":"FAKESHOPID000001","amount":100}`, "Authorization", "Token fake-cryptocloud-api-key"},
		{"POST", "cryptocloud/v2/invoice/create", `{"shop_id":"FAKESHOPID000001","amount":"x"}`, "Authorization", "Token fake-cryptocloud-api-key"},
		{"POST", "cryptocloud/v2/invoice/create", `{}`, "Authorization", "Token fake-cryptocloud-api-key"},
		{"POST", "cryptocloud/v2/invoice/create", `{}`, "Authorization", "Token nope"},
		{"POST", "cryptopay/api/auth/login", `{"username":"fake-cryptopay-user","password":"fake-cryptopay-password"}`},
		{"POST", "cryptopay/api/auth/login", `{"username":"x"}`},
		{"POST", "kuna/v2/auth/login", `{"token":"owner@fake.invalid","password":"fake-kuna-password"}`, "merchant_id", "00000000-0000-5000-8000-00000000fa4e"},
		{"POST", "ecartpay/api/authorizations/token", ``, "Authorization", "Basic cHViX2Zha2VfcHVibGljX2tleTpwcnZfZmFrZV9wcml2YXRlX2tleQ=="},
		{"POST", "crypterium/oauth/token", `grant_type=merchant&merchantId=00000000-0000-4000-8000-00000000fa4e&password=fake-crypterium-password`, "Authorization", "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=", "Content-Type", "application/x-www-form-urlencoded"},
	} {
		res, body := send(t, srv, c[0], c[1], c[2], c[3:]...)
		t.Log(c[1], res.StatusCode, body, res.Header["X-Sandbox-Violation"], res.Header["X-Sandbox-Guess"])
	}
	require.Empty(t, srv.Violations())
}
