package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

func post(body string) *http.Request {
	return httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hook", strings.NewReader(body))
}

func TestBodyIsReadUnderACapAndPutBack(t *testing.T) {
	most := strings.Repeat("x", webhook.MaxBody)
	for _, tc := range []struct {
		name string
		req  func() *http.Request
		want error
	}{
		{name: "one byte", req: func() *http.Request { return post("x") }},
		{name: "the most", req: func() *http.Request { return post(most) }},
		{name: "one more, announced", req: func() *http.Request { return post(most + "x") }, want: webhook.ErrTooLarge},
		{name: "one more, not announced", req: func() *http.Request {
			r := post(most + "x")
			r.ContentLength = -1
			return r
		}, want: webhook.ErrTooLarge},
		{name: "more than the caller's own cap", req: func() *http.Request {
			r := post("0123456789")
			r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 5)
			return r
		}, want: webhook.ErrTooLarge},
		{name: "empty", req: func() *http.Request { return post("") }, want: webhook.ErrMalformed},
		{name: "none", req: func() *http.Request {
			r := post("x")
			r.Body, r.ContentLength = nil, 0
			return r
		}, want: webhook.ErrMalformed},
		{name: "read before", req: func() *http.Request {
			r := post("x")
			_, _ = io.Copy(io.Discard, r.Body)
			return r
		}, want: webhook.ErrMalformed},
		{name: "connection lost", req: func() *http.Request {
			r := post("x")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(io.ErrUnexpectedEOF)))
			return r
		}, want: webhook.ErrUnavailable},
		{name: "GET", req: func() *http.Request {
			r := post("x")
			r.Method = http.MethodGet
			return r
		}, want: webhook.ErrMethod},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.req()
			got, err := webhook.Body(r)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
				require.Nil(t, got)
				return
			}
			require.NoError(t, err)
			again, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Equal(t, got, again, "a later handler must read the same bytes")
			require.NoError(t, r.Body.Close())
		})
	}
}

// An announced length is refused before a byte is read.
func TestTooLongABodyIsNotRead(t *testing.T) {
	r := post("")
	r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("was read"))), webhook.MaxBody+1
	_, err := webhook.Body(r)
	require.ErrorIs(t, err, webhook.ErrTooLarge)
}

func TestZeroVerifierBelievesNothing(t *testing.T) {
	for name, v := range map[string]webhook.Verifier{
		"zero":           {},
		"empty list":     {Secrets: []string{}},
		"empty secret":   {Secrets: []string{""}},
		"one is empty":   {Secrets: []string{"a", ""}},
		"first is empty": {Secrets: []string{"", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := []byte("text")
			require.ErrorIs(t, v.VerifyHMAC(hexHMAC("", text), text), webhook.ErrNoSecret)
			require.ErrorIs(t, v.VerifyHMAC(webhook.SignHMAC("a", text), text), webhook.ErrNoSecret)
			token, err := webhook.SignJWT("a", map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
			require.NoError(t, err)
			_, err = v.VerifyJWT(token)
			require.ErrorIs(t, err, webhook.ErrNoSecret)
			require.Panics(t, func() {
				webhook.Handler(v, nil, func(context.Context, *int) error { return nil }, webhook.Reply{})
			}, "a receiver that believes nothing must not start")
		})
	}
}

func TestEmptySecretSignsNothing(t *testing.T) {
	require.Empty(t, webhook.SignHMAC("", []byte("x")))
	token, err := webhook.SignJWT("", map[string]any{"exp": 1})
	require.NoError(t, err)
	require.Empty(t, token)
}

// RFC 4231, test case 2: HMAC-SHA256 with a printable key.
func TestSignHMACIsHMAC(t *testing.T) {
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	require.Equal(t, want, webhook.SignHMAC("Jefe", []byte("what do ya "), []byte("want for nothing?")))
	require.NoError(t, webhook.Verifier{Secrets: []string{"x", "Jefe"}}.VerifyHMAC(want, []byte("what do ya want for nothing?")))
}

func TestEveryChangedCharacterOfATokenIsRefused(t *testing.T) {
	v := webhook.Verifier{Secrets: []string{"s"}, Now: func() time.Time { return time.Unix(1000, 0) }}
	token, err := webhook.SignJWT("s", map[string]any{"exp": 2000, "id": 1})
	require.NoError(t, err)
	_, err = v.VerifyJWT(token)
	require.NoError(t, err)
	for i := range token {
		for _, c := range []byte("AZaz09-_.=+/ \n") {
			changed := []byte(token)
			if changed[i] == c {
				continue
			}
			changed[i] = c
			claims, err := v.VerifyJWT(string(changed))
			require.Error(t, err, "byte %d is %q", i, c)
			require.Nil(t, claims)
		}
	}
	for _, s := range []string{token + "\n", "\n" + token, token[:40] + "\n" + token[40:], token + ".", " " + token, strings.Repeat("a", 9000)} {
		_, err := v.VerifyJWT(s)
		require.ErrorIs(t, err, webhook.ErrSignature)
	}
}

func TestNearHoldsBothWays(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	v := webhook.Verifier{Now: func() time.Time { return now }}
	for _, tc := range []struct {
		tolerance, off time.Duration
		want           error
	}{
		{off: 0},
		{off: -time.Minute},
		{off: time.Minute},
		{off: -time.Minute - 1, want: webhook.ErrExpired},
		{off: time.Minute + 1, want: webhook.ErrExpired},
		{tolerance: -time.Hour, off: time.Minute + 1, want: webhook.ErrExpired},
		{tolerance: time.Hour, off: time.Minute + 1},
		{tolerance: time.Second, off: -2 * time.Second, want: webhook.ErrExpired},
	} {
		v.Tolerance = tc.tolerance
		err := v.Near(now.Add(tc.off), time.Minute)
		require.ErrorIs(t, err, tc.want, "tolerance %v, %v off", tc.tolerance, tc.off)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	const secret = "whsec_do_not_print_me"
	v := webhook.Verifier{Secrets: []string{secret}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secrets", v.Secrets, "verifier", fmt.Sprint(v))
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secrets", v.Secrets)
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out += fmt.Sprintf(verb, v.Secrets) + fmt.Sprintf(verb, v) + fmt.Sprintf(verb, &v.Secrets)
	}
	text, err := json.Marshal(struct{ S webhook.Secrets }{v.Secrets})
	require.NoError(t, err)
	out += string(text)
	require.NotContains(t, out, secret)
	require.NotContains(t, out, fmt.Sprintf("%x", secret))
	require.Contains(t, out, "redacted")
}

func TestHandlerAnswers(t *testing.T) {
	boom := errors.New("database is down")
	for _, tc := range []struct {
		name   string
		parse  error
		handle error
		reply  webhook.Reply
		status int
		body   string
		told   error
	}{
		{name: "success", reply: webhook.Reply{Type: "application/json", Body: `{"ok":1}`}, status: 200, body: `{"ok":1}`},
		{name: "empty success", status: 200},
		{name: "the function fails", handle: boom, status: 500, body: "Not handled\n", told: boom},
		{name: "seen before is a success", parse: webhook.Refuse(webhook.ErrReplayed, "x"), reply: webhook.Reply{Body: "OK"}, status: 200, body: "OK", told: webhook.ErrReplayed},
		{name: "method", parse: webhook.Refuse(webhook.ErrMethod, "x"), status: 405, body: "Method not allowed\n", told: webhook.ErrMethod},
		{name: "too large", parse: webhook.Refuse(webhook.ErrTooLarge, "x"), status: 413, body: "Body too large\n", told: webhook.ErrTooLarge},
		{name: "malformed", parse: webhook.Refuse(webhook.ErrMalformed, "x"), status: 400, body: "Malformed message\n", told: webhook.ErrMalformed},
		{name: "signature", parse: webhook.Refuse(webhook.ErrSignature, "x"), status: 401, body: "Invalid signature\n", told: webhook.ErrSignature},
		{name: "expired", parse: webhook.Refuse(webhook.ErrExpired, "x"), status: 401, body: "Expired\n", told: webhook.ErrExpired},
		{name: "expired, provider never repeats a 4xx", parse: webhook.Refuse(webhook.ErrExpired, "x"), reply: webhook.Reply{Expired: 503}, status: 503, body: "Expired\n", told: webhook.ErrExpired},
		{name: "cannot decide", parse: webhook.Refuse(webhook.ErrUnavailable, "x"), status: 503, body: "Not now\n", told: webhook.ErrUnavailable},
		{name: "no secret", parse: webhook.Refuse(webhook.ErrNoSecret, "x"), status: 500, body: "Not handled\n", told: webhook.ErrNoSecret},
		{name: "an error of no kind", parse: boom, status: 500, body: "Not handled\n", told: boom},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var told error
			handled := false
			v := webhook.Verifier{Secrets: []string{"s"}, OnError: func(_ context.Context, err error) { told = err }}
			h := webhook.Handler(v, func(*http.Request, webhook.Verifier) (*int, error) {
				if tc.parse != nil {
					return nil, tc.parse
				}
				return new(7), nil
			}, func(_ context.Context, i *int) error {
				handled = true
				require.Equal(t, 7, *i)
				return tc.handle
			}, tc.reply)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, post("x"))
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.body, w.Body.String())
			require.Equal(t, tc.parse == nil, handled)
			require.ErrorIs(t, told, tc.told)
			if tc.status == 405 {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
		})
	}
}

func TestHandlerWithoutAFunctionDoesNotStart(t *testing.T) {
	require.Panics(t, func() {
		webhook.Handler[int](webhook.Verifier{Secrets: []string{"s"}}, nil, nil, webhook.Reply{})
	})
}

func TestSeenDecidesOnceVerified(t *testing.T) {
	ctx := t.Context()
	require.NoError(t, webhook.Verifier{}.Once(ctx, "id"))
	boom := errors.New("database is down")
	for _, tc := range []struct {
		seen bool
		err  error
		want error
	}{{}, {seen: true, want: webhook.ErrReplayed}, {err: boom, want: webhook.ErrUnavailable}, {seen: true, err: boom, want: webhook.ErrUnavailable}} {
		err := webhook.Verifier{Seen: func(_ context.Context, id string) (bool, error) {
			require.Equal(t, "id", id)
			return tc.seen, tc.err
		}}.Once(ctx, "id")
		require.ErrorIs(t, err, tc.want)
		if tc.err != nil {
			require.ErrorIs(t, err, tc.err)
		}
	}
}

func TestFromNamesTheProvider(t *testing.T) {
	err := webhook.From("cryptopay", webhook.Refuse(webhook.ErrSignature, "it is missing"))
	require.EqualError(t, err, "cryptopay: webhook: invalid signature: it is missing")
	require.EqualError(t, webhook.From("kuna", err), err.Error(), "the first name stays")
	plain := errors.New("x")
	require.Equal(t, plain, webhook.From("kuna", plain))
}

// hexHMAC signs without the package, also with an empty secret.
func hexHMAC(secret string, text []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}
