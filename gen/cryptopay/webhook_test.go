package cryptopay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook/webhooktest"
)

const hookSecret = "whsec_fake"

func TestWebhookVectors(t *testing.T) {
	webhooktest.Run(t, "testdata/webhook_vectors.json", cryptopay.ParsePaymentEvent)
}

// documentedHook is the one event whose bytes the documentation shows.
func documentedHook(tb testing.TB) []byte {
	tb.Helper()
	body, err := os.ReadFile("../../specs/cryptopay/fixtures/paymentEvent.webhook.payment.confirmed.json")
	require.NoError(tb, err)
	return body
}

// hookTime is the documented event's own timestamp.
var hookTime = time.Date(2024, 1, 1, 10, 15, 30, 0, time.UTC)

func hookVerifier() cryptopay.Verifier {
	return cryptopay.Verifier{Secrets: []string{hookSecret}, Now: func() time.Time { return hookTime }}
}

func hookRequest(ctx context.Context, body []byte, signature string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/hook", bytes.NewReader(body))
	r.Header.Set(cryptopay.SignatureHeader, signature)
	return r
}

func TestParsePaymentEventDecodesTheDocumentedEvent(t *testing.T) {
	body := documentedHook(t)
	r := hookRequest(t.Context(), body, cryptopay.SignWebhook(hookSecret, body))
	e, err := cryptopay.ParsePaymentEvent(r, hookVerifier())
	require.NoError(t, err)
	require.Equal(t, cryptopay.EventPaymentConfirmed, e.Event)
	require.Equal(t, "ORD-abc123def456", e.Data.OrderID)
	require.Equal(t, "100.00", *e.Data.Amount)
	require.Equal(t, hookTime, e.Timestamp.UTC())
	require.Equal(t, "payment.confirmed:ORD-abc123def456:0xabcdef1234567890...", e.DedupID())

	again, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, body, again, "the body must be readable again")
}

func TestEveryChangedByteOfAWebhookIsRefused(t *testing.T) {
	body := documentedHook(t)
	signature := cryptopay.SignWebhook(hookSecret, body)
	for i := range body {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		e, err := cryptopay.ParsePaymentEvent(hookRequest(t.Context(), changed, signature), hookVerifier())
		require.ErrorIs(t, err, webhook.ErrSignature, "byte %d", i)
		require.Nil(t, e)
	}
	for i := range signature {
		changed := []byte(signature)
		changed[i] ^= 1
		_, err := cryptopay.ParsePaymentEvent(hookRequest(t.Context(), body, string(changed)), hookVerifier())
		require.ErrorIs(t, err, webhook.ErrSignature, "character %d", i)
	}
}

func TestTwoSignaturesAreRefused(t *testing.T) {
	body := documentedHook(t)
	r := hookRequest(t.Context(), body, cryptopay.SignWebhook(hookSecret, body))
	r.Header.Add(cryptopay.SignatureHeader, "00")
	_, err := cryptopay.ParsePaymentEvent(r, hookVerifier())
	require.ErrorIs(t, err, webhook.ErrSignature)
}

func TestErrorsShowNothingOfTheBody(t *testing.T) {
	body := []byte(`{"event":"e","data":{"order_id":"ORD-1","confirmations":"do not print me"}}`)
	_, err := cryptopay.ParsePaymentEvent(hookRequest(t.Context(), body, cryptopay.SignWebhook(hookSecret, body)), hookVerifier())
	require.EqualError(t, err, "cryptopay: webhook: malformed message: the body is not the documented JSON: data.confirmations")
}

// The handler answers what the documentation's own samples answer.
func TestHandlerAnswersAsDocumented(t *testing.T) {
	body := documentedHook(t)
	good := cryptopay.SignWebhook(hookSecret, body)
	recorded := map[string]bool{}
	v := hookVerifier()
	v.Seen = func(_ context.Context, id string) (bool, error) { return recorded[id], nil }
	var fail error
	calls := 0
	srv := httptest.NewServer(cryptopay.Handler(v, func(_ context.Context, e *cryptopay.PaymentEvent) error {
		calls++
		if fail == nil {
			recorded[e.DedupID()] = true
		}
		return fail
	}))
	t.Cleanup(srv.Close)
	for _, step := range []struct {
		name, signature string
		fail            error
		status          int
		body            string
		calls           int
	}{
		{name: "forged", signature: cryptopay.SignWebhook("another", body), status: 401, body: "Invalid signature\n"},
		{name: "unsigned", status: 401, body: "Invalid signature\n"},
		{name: "not handled", signature: good, fail: errors.New("database is down"), status: 500, body: "Not handled\n", calls: 1},
		{name: "sent again after the failure", signature: good, status: 200, body: "OK", calls: 2},
		{name: "sent again after the success", signature: good, status: 200, body: "OK", calls: 2},
	} {
		fail = step.fail
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, bytes.NewReader(body))
		require.NoError(t, err)
		if step.signature != "" {
			req.Header.Set(cryptopay.SignatureHeader, step.signature)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err, step.name)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, step.status, res.StatusCode, step.name)
		require.Equal(t, step.body, string(got), step.name)
		require.Equal(t, step.calls, calls, step.name)
	}
}

func TestHandlerWithoutASecretDoesNotStart(t *testing.T) {
	require.PanicsWithError(t, "cryptopay: webhook: no secret: Verifier.Secrets[0] is empty", func() {
		cryptopay.Handler(cryptopay.Verifier{Secrets: []string{os.Getenv("NOBODY_SET_THIS")}}, func(context.Context, *cryptopay.PaymentEvent) error { return nil })
	})
}

// Whatever is sent: an event comes back only for the bytes that were signed.
func FuzzParsePaymentEvent(f *testing.F) {
	body := documentedHook(f)
	good := cryptopay.SignWebhook(hookSecret, body)
	f.Add(body, good, hookSecret)
	f.Add(body, "", "")
	f.Add([]byte("{}"), good, hookSecret)
	f.Add([]byte{}, "", hookSecret)
	for _, v := range webhooktest.Load(f, "testdata/webhook_vectors.json") {
		f.Add(v.Bytes(), v.Headers[cryptopay.SignatureHeader], hookSecret)
	}
	f.Fuzz(func(t *testing.T, sent []byte, signature, secret string) {
		v := hookVerifier()
		if secret == "" {
			v.Secrets = []string{secret}
		}
		e, err := cryptopay.ParsePaymentEvent(hookRequest(context.Background(), sent, signature), v)
		if err != nil {
			require.Nil(t, e)
			return
		}
		require.NotNil(t, e)
		require.Equal(t, string(body), string(sent), "nobody signed this body")
		require.Equal(t, good, signature)
		require.NotEmpty(t, secret)
	})
}

// Amounts are strings here: what comes in goes out, digit by digit.
func FuzzMoneyDigits(f *testing.F) {
	for _, s := range []string{"100.00", "0.000000000000000001", "12345678901234567890.123456789012345678", "1e-18", "-0", "00.10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, amount string) {
		if !utf8.ValidString(amount) {
			t.Skip()
		}
		text, err := json.Marshal(map[string]any{"order_id": "ORD-1", "amount": amount})
		require.NoError(t, err)
		var order cryptopay.PaymentOrder
		require.NoError(t, json.Unmarshal(text, &order))
		got, err := json.Marshal(order.Amount) // a string or a pointer to one
		require.NoError(t, err)
		var digits string
		require.NoError(t, json.Unmarshal(got, &digits))
		req, err := cryptopay.NewCreatePaymentOrderRequest(context.Background(), cryptopay.SandboxURL, cryptopay.CreatePaymentOrderRequest{Amount: digits})
		require.NoError(t, err)
		var sent struct{ Amount string }
		require.NoError(t, json.NewDecoder(req.Body).Decode(&sent))
		require.Equal(t, amount, sent.Amount)
	})
}
