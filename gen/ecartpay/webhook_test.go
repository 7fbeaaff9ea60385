package ecartpay_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook/webhooktest"
)

const (
	hookSecret = "global-secret-fake"
	hookID     = "hook_0b8a7c56-1f43-4a58-9f6d-2d7d1a1c9e55"
)

func TestWebhookVectors(t *testing.T) {
	webhooktest.Run(t, "testdata/webhook_vectors.json", ecartpay.ParseNotification)
}

var hookTime = time.UnixMilli(1738793508250)

func hookVerifier() ecartpay.Verifier {
	return ecartpay.Verifier{Secrets: []string{hookSecret}, Now: func() time.Time { return hookTime }}
}

// documentedHook is the one notification whose bytes the documentation shows, and
// its data in the form in which Ecart Pay signs it.
func documentedHook(tb testing.TB) (body, data []byte) {
	tb.Helper()
	body, err := os.ReadFile("../../specs/ecartpay/fixtures/notification.webhook.billing_information.updated.json")
	require.NoError(tb, err)
	var raw struct{ Data json.RawMessage }
	require.NoError(tb, json.Unmarshal(body, &raw))
	var compact bytes.Buffer
	require.NoError(tb, json.Compact(&compact, raw.Data))
	return body, compact.Bytes()
}

func hookRequest(ctx context.Context, body []byte, header http.Header) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/hook", bytes.NewReader(body))
	r.Header = header.Clone()
	return r
}

func TestParseNotificationDecodesTheDocumentedOne(t *testing.T) {
	pretty, data := documentedHook(t)
	compact := []byte(`{"event":"billing_information.updated","data":` + string(data) + `}`)
	header := ecartpay.SignNotification(hookSecret, hookID, hookTime, data)
	for name, body := range map[string][]byte{"compact, as sent": compact, "pretty, as printed": pretty} {
		t.Run(name, func(t *testing.T) {
			r := hookRequest(t.Context(), body, header)
			d, err := ecartpay.ParseNotification(r, hookVerifier())
			require.NoError(t, err)
			require.Equal(t, ecartpay.EventBillingInformationUpdated, d.Event)
			require.Equal(t, "67a3be71c388eff4563a0aa8", *d.Data.ID)
			require.Equal(t, hookID, d.WebhookID)
			require.True(t, hookTime.Equal(d.SentAt))
			require.JSONEq(t, string(data), string(d.Raw))
			again, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Equal(t, body, again, "the body must be readable again")
		})
	}
}

// Member names may be written with escapes and in any order; only `data` counts.
func TestTheSignedBytesAreThoseOfData(t *testing.T) {
	data := `{"id":"1","note":"a}b]\"c,{\\","html":"<b>&</b>","n":1.50,"text":"é \u00e9 日本"}`
	header := ecartpay.SignNotification(hookSecret, hookID, hookTime, []byte(data))
	for _, body := range []string{
		`{"event":"x","data":` + data + `}`,
		`{"data":` + data + `,"event":"x"}`,
		` { "other" : {"data":{"id":"2"}} , "\u0064ata":` + data + ` , "event":"x" } `,
	} {
		d, err := ecartpay.ParseNotification(hookRequest(t.Context(), []byte(body), header), hookVerifier())
		require.NoError(t, err, body)
		require.Equal(t, data, string(d.Raw))
	}
}

func TestEveryChangedByteOfDataIsRefused(t *testing.T) {
	_, data := documentedHook(t)
	header := ecartpay.SignNotification(hookSecret, hookID, hookTime, data)
	const before, after = `{"event":"x","data":`, `}`
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		d, err := ecartpay.ParseNotification(hookRequest(t.Context(), []byte(before+string(changed)+after), header), hookVerifier())
		require.Error(t, err, "byte %d", i)
		require.Nil(t, d)
	}
	body := []byte(before + string(data) + after)
	for _, name := range []string{ecartpay.TimestampHeader, ecartpay.WebhookIDHeader, ecartpay.SignatureHeader} {
		value := header.Get(name)
		for i := range value {
			changed := []byte(value)
			changed[i] ^= 1
			h := header.Clone()
			h.Set(name, string(changed))
			d, err := ecartpay.ParseNotification(hookRequest(t.Context(), body, h), hookVerifier())
			require.ErrorIs(t, err, webhook.ErrSignature, "%s, character %d", name, i)
			require.Nil(t, d)
		}
		h := header.Clone()
		h.Add(name, value)
		_, err := ecartpay.ParseNotification(hookRequest(t.Context(), body, h), hookVerifier())
		require.ErrorIs(t, err, webhook.ErrSignature, "%s twice", name)
	}
}

func TestToleranceIsTheCallers(t *testing.T) {
	_, data := documentedHook(t)
	body := []byte(`{"event":"x","data":` + string(data) + `}`)
	for _, tc := range []struct {
		tolerance, off time.Duration
		want           error
	}{
		{off: 5 * time.Minute},
		{off: -5 * time.Minute},
		{off: 5*time.Minute + time.Millisecond, want: webhook.ErrExpired},
		{off: -5*time.Minute - time.Millisecond, want: webhook.ErrExpired},
		{tolerance: time.Hour, off: 59 * time.Minute},
		{tolerance: time.Second, off: 2 * time.Second, want: webhook.ErrExpired},
	} {
		v := hookVerifier()
		v.Tolerance = tc.tolerance
		_, err := ecartpay.ParseNotification(hookRequest(t.Context(), body, ecartpay.SignNotification(hookSecret, hookID, hookTime.Add(tc.off), data)), v)
		require.ErrorIs(t, err, tc.want, "%+v", tc)
	}
}

// Ecart Pay sends again what was answered 5xx and never what was answered 4xx.
func TestHandlerAnswersSoThatNothingIsLost(t *testing.T) {
	_, data := documentedHook(t)
	body := []byte(`{"event":"x","data":` + string(data) + `}`)
	good := ecartpay.SignNotification(hookSecret, hookID, hookTime, data)
	down := errors.New("database is down")
	for _, tc := range []struct {
		name   string
		header http.Header
		v      func(*ecartpay.Verifier)
		fail   error
		status int
		calls  int
	}{
		{name: "handled", header: good, status: 200, calls: 1},
		{name: "not handled", header: good, fail: down, status: 500, calls: 1},
		{name: "our clock is wrong", header: good, v: func(v *ecartpay.Verifier) { v.Now = func() time.Time { return hookTime.Add(time.Hour) } }, status: 503},
		{name: "seen before", header: good, v: func(v *ecartpay.Verifier) {
			v.Seen = func(context.Context, string) (bool, error) { return true, nil }
		}, status: 200},
		{name: "nobody knows whether it was seen", header: good, v: func(v *ecartpay.Verifier) {
			v.Seen = func(context.Context, string) (bool, error) { return false, down }
		}, status: 503},
		{name: "forged", header: ecartpay.SignNotification("another", hookID, hookTime, data), status: 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := hookVerifier()
			if tc.v != nil {
				tc.v(&v)
			}
			calls := 0
			w := httptest.NewRecorder()
			ecartpay.Handler(v, func(context.Context, *ecartpay.Delivery) error { calls++; return tc.fail }).ServeHTTP(w, hookRequest(t.Context(), body, tc.header))
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.calls, calls)
		})
	}
}

func TestDedupIDTellsNotificationsApart(t *testing.T) {
	one := func(id, event, data string) string {
		return (&ecartpay.Delivery{WebhookID: id, Notification: ecartpay.Notification{Event: event}, Raw: json.RawMessage(data)}).DedupID()
	}
	base := one("hook_1", "orders.update", `{"id":"1"}`)
	require.Equal(t, base, one("hook_1", "orders.update", `{"id":"1"}`))
	for _, other := range []string{
		one("hook_2", "orders.update", `{"id":"1"}`), one("hook_1", "orders.confirmation", `{"id":"1"}`),
		one("hook_1", "orders.update", `{"id":"2"}`), one("hook_1o", "rders.update", `{"id":"1"}`),
	} {
		require.NotEqual(t, base, other)
	}
}

// Whatever is sent: what comes back is data that was signed, under the
// timestamp and the id it was signed with.
func FuzzParseNotification(f *testing.F) {
	pretty, data := documentedHook(f)
	h := ecartpay.SignNotification(hookSecret, hookID, hookTime, data)
	at, signature := h.Get(ecartpay.TimestampHeader), h.Get(ecartpay.SignatureHeader)
	f.Add([]byte(`{"event":"x","data":`+string(data)+`}`), at, hookID, signature)
	f.Add(pretty, at, hookID, signature)
	f.Add([]byte(`{"event":"x","data":`+string(data)+`,"DATA":{}}`), at, hookID, signature)
	f.Add([]byte(`{"event":"x","data":{}}`), "", "", "")
	for _, v := range webhooktest.Load(f, "testdata/webhook_vectors.json") {
		f.Add(v.Bytes(), v.Headers["X-Pay-Timestamp"], v.Headers["X-Pay-Webhook-Id"], v.Headers["X-Pay-Signature"])
	}
	f.Fuzz(func(t *testing.T, body []byte, at, id, signature string) {
		r := hookRequest(context.Background(), body, http.Header{"X-Pay-Timestamp": {at}, "X-Pay-Webhook-Id": {id}, "X-Pay-Signature": {signature}})
		d, err := ecartpay.ParseNotification(r, hookVerifier())
		if err != nil {
			require.Nil(t, d)
			return
		}
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, d.Raw))
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write([]byte(at + "." + id + "." + compact.String()))
		require.Equal(t, "SHA256="+hex.EncodeToString(mac.Sum(nil)), signature, "nobody signed this data")
		require.Equal(t, id, d.WebhookID)
		require.WithinDuration(t, hookTime, d.SentAt, 5*time.Minute)
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// Digits that come in go out: 12345678.910 is neither 12345678.91 nor a float.
func FuzzMoneyDigits(f *testing.F) {
	for _, s := range []string{"243.33", "8.99", "12345678.910", "0.1", "1e-18", "1E+2", "-0.0", "123456789012345678901234567890.000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if !jsonNumber.MatchString(digits) {
			t.Skip()
		}
		var item ecartpay.OrderItem
		require.NoError(t, json.Unmarshal([]byte(`{"name":"n","price":`+digits+`,"quantity":1}`), &item))
		req, err := ecartpay.NewCreateOrderRequest(context.Background(), "https://example.test", ecartpay.CreateOrderRequest{Currency: "MXN", Items: []ecartpay.OrderItem{item}})
		require.NoError(t, err)
		sent, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.True(t, strings.Contains(string(sent), `"price":`+digits+`,`) || strings.Contains(string(sent), `"price":`+digits+`}`), "%s", sent)
	})
}
