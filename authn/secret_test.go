package authn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// everyWay prints v in every way that a log, a dump or an error might. Not with
// %p, which fmt answers without asking the value, and which go vet refuses.
func everyWay(v any) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%10.3v", "%o", "% x", "%U", "%c", "%e", "%b"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", []any{v})
		fmt.Fprintf(&b, verb+"\n", map[string]any{"k": v})
		fmt.Fprintf(&b, verb+"\n", struct{ V any }{v})
	}
	fmt.Fprintln(&b, v)
	if j, err := json.Marshal(v); err == nil {
		b.Write(j)
	}
	if j, err := json.Marshal(map[string]any{"v": v}); err == nil {
		b.Write(j)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v)
	fmt.Fprint(&b, errors.Join(fmt.Errorf("wrapped: %v", v)))
	return b.String()
}

// containsCanary looks for it in hex and base64 too.
func containsCanary(s string) bool {
	low := strings.ToLower(s)
	return strings.Contains(low, "canary") ||
		strings.Contains(low, fmt.Sprintf("%x", "canary")) || strings.Contains(low, fmt.Sprintf("% x", "canary")) ||
		strings.Contains(s, "Y2FuYXJ5") // base64 of canary
}

func TestSecretsDoNotPrint(t *testing.T) {
	secret := authn.Secret("canary")
	static := authn.Static("canary-static")
	s := newSession(t, authn.Flow{Provider: "acme", Login: func(context.Context) (authn.Grant, error) {
		return authn.Grant{Access: "canary-access", Refresh: "canary-refresh", Life: time.Hour}, nil
	}}, authn.WithOrigin("https://api.example.com"))
	tok := mustToken(t, s)
	memory := new(authn.Memory)
	_, err := memory.Swap(t.Context(), "k", 0, authn.Record{Version: 1, Access: "canary"})
	require.NoError(t, err)
	sealer, err := authn.NewSealer(bytes.Repeat([]byte("canary.."), 4))
	require.NoError(t, err)
	for _, v := range []any{
		secret, &secret, []authn.Secret{secret}, map[string]authn.Secret{"k": secret},
		struct{ Password authn.Secret }{secret},
		tok, &tok, s, static, memory, sealer,
		authn.Grant{Access: secret, Refresh: secret}, authn.Record{Access: secret, Refresh: secret}, &authn.Record{Access: secret},
		authn.CryptoCloudKey{APIKey: secret, WithdrawalKey: secret}, authn.CryptoPayLogin{Username: "u", Password: secret},
		authn.CryptoPayKey{APIKey: secret}, authn.CrypteriumMerchant{MerchantID: "m", Password: secret},
		authn.EcartPayKeys{PublicKey: "p", PrivateKey: secret}, authn.KunaLogin{Email: "e", Password: secret}, authn.KunaAPIKey{Key: secret},
		&authn.KunaLogin{Password: secret}, &authn.Transport{Source: static}, authn.Config{Store: memory}, authn.Transport{Source: s},
		authn.Event{Provider: "acme", Err: errors.New("x")}, authn.FromOAuth2(authn.OAuth2(t.Context(), s)), authn.OAuth2(t.Context(), static),
	} {
		out := everyWay(v)
		require.False(t, containsCanary(out), "%T prints its secret:\n%s", v, out)
	}
	require.Equal(t, "canary", secret.Reveal())
	var back struct{ Password authn.Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"Password":"canary"}`), &back))
	require.Equal(t, secret, back.Password)
}

// TestCanary runs the flows through good and bad days and looks for the canaries
// in all that comes out: errors, logs, events.
func TestCanary(t *testing.T) {
	answers := map[string]func(r *http.Request, echo string) (int, string){
		"good": func(r *http.Request, _ string) (int, string) {
			const c = "canary-token"
			return 200, `{"access":"` + c + `","refresh":"` + c + `-r","access_token":"` + c + `","expires_in":600,"token":"` + c + `","data":{"accessToken":"` + c + `","expiresIn":1,"refreshToken":"` + c + `-r"}}`
		},
		"good, then over": func(r *http.Request, _ string) (int, string) {
			return 200, `{"access":"canary-token","access_token":"canary-token","expires_in":0,"token":"canary token","data":{"accessToken":"canary\ntoken"}}`
		},
		"token under another name": func(*http.Request, string) (int, string) { return 200, `{"jwt":"canary-token","a":["canary-token"]}` },
		"echo in 400":              func(_ *http.Request, echo string) (int, string) { return 400, echo },
		"echo in 200":              func(_ *http.Request, echo string) (int, string) { return 200, echo },
		"echo in 500":              func(_ *http.Request, echo string) (int, string) { return 500, echo },
		"echo as message": func(_ *http.Request, echo string) (int, string) {
			q, _ := json.Marshal(echo)
			return 401, fmt.Sprintf(`{"message":%s,"error":{"code":%s,"message":%s},"errors":[{"code":%s,"message":{"message":%s}}]}`, q, q, q, q, q)
		},
		"echo as error": func(_ *http.Request, echo string) (int, string) {
			q, _ := json.Marshal(echo)
			return 403, fmt.Sprintf(`{"error":%s,"errorId":%s}`, q, q)
		},
		"echo far down": func(_ *http.Request, echo string) (int, string) {
			return 400, strings.Repeat("x", 2040-max(strings.Index(echo, "canary"), 0)) + echo // half of it would fit
		},
	}
	for name, answer := range answers {
		for _, p := range flows {
			t.Run(name+"/"+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out bytes.Buffer
					cfg := config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_ = r.ParseMultipartForm(1 << 20)
						body, _ := io.ReadAll(r.Body)
						echo := string(body) + fmt.Sprint(r.Header, r.Form)
						status, text := answer(r, echo)
						answering(status, text)(w, r)
					}))
					cfg.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
					cfg.Observe = func(_ context.Context, e authn.Event) { out.WriteString(everyWay(e)) }
					s, err := p.session(cfg)
					require.NoError(t, err)
					for range 4 {
						tok, err := s.Token(t.Context())
						out.WriteString(everyWay(tok))
						out.WriteString(everyWay(err))
						var e *authn.Error
						if errors.As(err, &e) {
							out.WriteString(everyWay(*e))
						}
						s.Invalidate(t.Context(), tok)
						time.Sleep(25 * time.Hour)
					}
					out.WriteString(everyWay(s))
					require.NotZero(t, out.Len())
					require.False(t, containsCanary(out.String()), "a canary came out:\n%s", find(out.String()))
				})
			})
		}
	}
}

func find(s string) string {
	i := strings.Index(strings.ToLower(s), "canary")
	return s[max(0, i-300):min(len(s), max(i, 0)+300)]
}

func TestScrubKnowsEverySpelling(t *testing.T) {
	const secret = authn.Secret("pä ss/w\"ord&<")
	for _, in := range []string{
		secret.Reveal(),
		`{"password":"pä ss/w\"ord\u0026\u003c"}`, // as our own encoder writes it
		"p%C3%A4+ss%2Fw%22ord%26%3C",
		"p%C3%A4%20ss%2Fw%22ord&%3C",
		"Basic cMOkIHNzL3cib3JkJjw=",
		"eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2ln",
	} {
		out := authn.Scrub(in, secret)
		require.Contains(t, out, "[redacted]", in)
		require.NotContains(t, strings.ReplaceAll(out, "password", ""), "ss", in)
	}
	require.Equal(t, `{"a":{"b":["[redacted]","[redacted]"]},"n":null}`, authn.Shape([]byte(`{"a":{"b":["canary","canary"]},"n":null}`)))
	require.Equal(t, "6 bytes that are not JSON", authn.Shape([]byte("canary")))
}
