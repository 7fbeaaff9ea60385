package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/cmd/payctl/internal/cli"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func redact(t testing.TB, provider string) (func(contract.Exchange) contract.Exchange, *contract.Checker) {
	t.Helper()
	c, err := contract.For(provider)
	require.NoError(t, err)
	return cli.Redactor(c), c
}

// whole is everything an exchange holds, as text.
func whole(x contract.Exchange) string {
	return fmt.Sprintln(x.URL, x.RequestHeader, string(x.RequestBody), x.Status, x.ResponseHeader, string(x.ResponseBody))
}

func TestRecordingsHoldNoCredentials(t *testing.T) {
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
	j := http.Header{"Content-Type": {"application/json"}}
	for _, tc := range []struct {
		name string
		x    contract.Exchange
		keep []string
	}{
		{"bearer", contract.Exchange{RequestHeader: http.Header{"Authorization": {"Bearer " + canary}}}, []string{"Bearer [redacted]"}},
		{"token", contract.Exchange{RequestHeader: http.Header{"Authorization": {"Token " + canary}}}, []string{"Token [redacted]"}},
		{"bare", contract.Exchange{RequestHeader: http.Header{"Authorization": {canary}}}, []string{"Authorization:[[redacted]]"}},
		{"an unknown scheme", contract.Exchange{RequestHeader: http.Header{"Authorization": {canary + " x"}}}, nil},
		{"basic", contract.Exchange{RequestHeader: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+canary))}}},
			[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("redacted:redacted"))}},
		{"basic, badly", contract.Exchange{RequestHeader: http.Header{"Authorization": {"Basic " + canary}}}, nil},
		{"headers", contract.Exchange{RequestHeader: http.Header{
			"Api-Key": {canary}, "merchant_id": {canary}, "X-Secret": {canary}, "Cookie": {"a=" + canary + "; b=" + canary, canary}, "X-Whatever": {canary}, "X-Pin": {"987"},
			"Referer": {"https://a/?token=" + canary}, "Proxy-Authorization": {"Bearer " + canary}, "Accept": {"text/plain"}, "X-Ratelimit-Limit": {"1000"},
		}, ResponseHeader: http.Header{"Set-Cookie": {"sid=" + canary + "; Domain=" + canary}, "Location": {"https://a/b?code=1&access_token=" + canary + "#" + canary}}},
			[]string{"a=[redacted]; b=[redacted]", "sid=[redacted]", "text/plain", "1000", "https://a/b?code=1&access_token=%5Bredacted%5D"}},
		{"query", contract.Exchange{URL: "https://me:" + canary + "@kuna.invalid/v2/balance?page=2&api_key=" + canary + "&x=" + jwt + "&%zz=" + canary + "&" + canary + "=1"}, []string{"page=2"}},
		{"members", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"password":"` + canary + `","a":{"refreshToken":"` + canary + `","keys":{"live":"987","list":["987",{"x":"987"}]}},"token_type":"bearer","amount":"10.00","n":1.50}`)},
			[]string{`"token_type":"bearer"`, `"amount":"10.00"`, `"n":1.50`}},
		{"an escaped name", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"pass\u0077ord":"` + canary + `"}`)}, nil},
		{"damaged JSON", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"password":"` + canary + `","password":"` + canary + `",,"secret":"` + canary)}, []string{`,,"secret"`}},
		{"bytes after JSON", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"password":"` + canary + `"} "` + canary + `"`)}, nil},
		{"an echo", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"password":"` + canary + `"}`), ResponseHeader: j, ResponseBody: []byte(`{"message":"wrong password ` + canary + `","` + canary + `":1}`)}, []string{"wrong password [redacted]"}},
		{"an echo before it is known", contract.Exchange{RequestHeader: http.Header{"Content-Type": {"text/plain"}}, RequestBody: []byte("say " + canary), ResponseHeader: j, ResponseBody: []byte(`{"token":"` + canary + `"}`)}, []string{"say [redacted]"}},
		{"a form", contract.Exchange{RequestHeader: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, RequestBody: []byte("grant_type=merchant&password=" + canary + "&merchant_id=" + canary)}, []string{"grant_type=merchant"}},
		{"parts", contract.Exchange{RequestHeader: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, RequestBody: []byte("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + canary + "\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"passport.png\"\r\n\r\n" + canary + "\r\n--b--\r\n")},
			[]string{`name="password"`, "passport.png"}},
		{"parts, cut off", contract.Exchange{RequestHeader: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, RequestBody: []byte("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + canary)}, nil},
		{"bytes", contract.Exchange{ResponseHeader: http.Header{"Content-Type": {"application/octet-stream"}}, ResponseBody: []byte(canary)}, []string{"not recorded"}},
		{"an encoding nobody reads", contract.Exchange{ResponseHeader: http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"br"}}, ResponseBody: []byte(canary)}, []string{"not recorded"}},
		{"a card", contract.Exchange{RequestHeader: j, RequestBody: []byte(`{"number":"4242 4242 4242 4242","again":4242424242424242,"cvc":"987","pin":9876,"nonce":1640995200123456,"note":"call 4242424242424242 now","amount":"26230.5555555555554444"}`)}, []string{`"nonce":1640995200123456`, `26230.5555555555554444`}},
		{"a token of ours in a text", contract.Exchange{ResponseHeader: j, ResponseBody: []byte(`{"message":"Bearer ` + canary + ` and ` + jwt + ` expired","hint":"token refreshed elsewhere"}`)}, []string{"token refreshed elsewhere"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, _ := redact(t, specs.Kuna)
			x := tc.x
			if x.Method = "POST"; x.URL == "" {
				x.URL = "https://kuna.invalid/v2/auth/login"
			}
			before := whole(x)
			got := whole(f(x))
			for _, s := range []string{canary, jwt, "4242", "987", base64.StdEncoding.EncodeToString([]byte("me:" + canary))} {
				require.NotContains(t, got, s)
			}
			for _, s := range tc.keep {
				require.Contains(t, got, s)
			}
			require.Equal(t, before, whole(x), "the traffic itself is not touched")
		})
	}
}

// What is known to be secret stays secret in later exchanges.
func TestARecordingRemembersSecrets(t *testing.T) {
	f, _ := redact(t, specs.Kuna)
	f(contract.Exchange{Method: "POST", URL: "/", RequestHeader: http.Header{"Authorization": {"Bearer " + canary}}})
	got := whole(f(contract.Exchange{Method: "GET", URL: "/v2/x/" + canary, ResponseHeader: http.Header{"Content-Type": {"text/html"}}, ResponseBody: []byte("<p>" + canary)}))
	require.NotContains(t, got, canary)
	require.Contains(t, got, "<p>[redacted]")
}

func TestSecretNames(t *testing.T) {
	for _, name := range []string{"token", "access_token", "accessToken", "refreshToken", "apiKey", "APIKey", "Api-key", "api_key", "X-Secret", "client_secret", "password", "newPassword", "merchant_id", "merchantId", "private_key", "otp", "cvc", "keys"} {
		require.True(t, cli.SecretName(name), name)
	}
	for _, name := range []string{"", "amount", "id", "token_type", "tokenType", "expires_in", "accessTokenExpiresIn", "status", "email", "tokenization", "keyboard", "monkey", "shipping", "code", "nonce", "passenger", "description"} {
		require.False(t, cli.SecretName(name), name)
	}
}

// Every documented payload is judged the same before and after.
func TestRedactionChangesNoVerdict(t *testing.T) {
	for _, p := range specs.Providers() {
		f, c := redact(t, p)
		fixtures, err := specs.Fixtures(p)
		require.NoError(t, err)
		n := 0
		for _, fx := range fixtures {
			op, ok := c.Lookup(fx.Operation)
			if !ok {
				continue
			}
			mt := "application/json"
			if fx.Form {
				mt = "application/x-www-form-urlencoded"
			}
			x := contract.Exchange{Method: op.Method, URL: strings.NewReplacer("{", "", "}", "").Replace(op.Path), RequestHeader: http.Header{}, ResponseHeader: http.Header{}}
			if fx.Kind == specs.Request {
				x.RequestHeader.Set("Content-Type", mt)
				x.RequestBody = fx.Body
			} else {
				status := fx.Status
				if strings.HasSuffix(status, "xx") {
					status = op.Statuses[0]
				}
				_, _ = fmt.Sscan(status, &x.Status)
				x.ResponseHeader.Set("Content-Type", mt)
				x.ResponseBody = fx.Body
			}
			before, want := c.Exchange(x)
			after, got := c.Exchange(f(x))
			require.Equal(t, before, after, fx.Name)
			require.Equal(t, want, got, fx.Name)
			n++
		}
		require.Positive(t, n)
	}
}

// What was JSON stays JSON, and what was a form stays one, whatever comes.
func FuzzRedaction(f *testing.F) {
	f.Add("application/json", []byte(`{"password":"a","b":[1,{"token":"x"}]}`))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("application/x-www-form-urlencoded", []byte("a=b&password=%zz"))
	c, err := contract.For(specs.Kuna)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, mt string, body []byte) {
		x := contract.Exchange{Method: "POST", URL: "/v2/auth/login?" + url.QueryEscape(mt), RequestHeader: http.Header{"Content-Type": {mt}}, RequestBody: body}
		got := cli.Redactor(c)(x).RequestBody
		if mt == "application/json" && len(body) > 0 {
			require.Equal(t, json.Valid(body), json.Valid(got), "%q → %q", body, got)
		}
		if mt == "application/x-www-form-urlencoded" {
			_, before := url.ParseQuery(string(body))
			_, after := url.ParseQuery(string(got))
			require.Equal(t, before == nil, after == nil, "%q → %q", body, got)
		}
	})
}
