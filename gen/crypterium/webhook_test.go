package crypterium_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// batch has the documented members; the documentation shows words for values.
const batch = `{"events":[
	{"type":"CREDIT","sequenceId":"5b1f9c1e-3d0a-4f5e-9a57-0c2f6f3f8a11","customerId":"c8772b0b-7bfd-49b2-8753-101013dd4a88"},
	{"type":"PASS_IDENTITY_KYC","sequenceId":"5b1f9c1e-3d0a-4f5e-9a57-0c2f6f3f8a12","customerId":"c8772b0b-7bfd-49b2-8753-101013dd4a88","more":1}]}`

func postCallback(ctx context.Context, method, body string) *http.Request {
	return httptest.NewRequestWithContext(ctx, method, "/hook", strings.NewReader(body))
}

func TestParseUnverifiedCallbackReadsTheBatch(t *testing.T) {
	c, err := crypterium.ParseUnverifiedCallback(postCallback(t.Context(), http.MethodPost, batch))
	require.NoError(t, err)
	require.Len(t, c.Events, 2)
	require.Equal(t, crypterium.EventCredit, c.Events[0].Type)
	require.Equal(t, crypterium.EventPassIdentityKYC, c.Events[1].Type)

	for _, tc := range []struct {
		name, method, body string
		want               error
	}{
		{"empty", "POST", "", webhook.ErrMalformed},
		{"no events", "POST", `{}`, webhook.ErrMalformed},
		{"empty events", "POST", `{"events":[]}`, webhook.ErrMalformed},
		{"a single event", "POST", `{"type":"CREDIT","sequenceId":"a","customerId":"b"}`, webhook.ErrMalformed},
		{"an event without type", "POST", `{"events":[{"sequenceId":"a","customerId":"b"}]}`, webhook.ErrMalformed},
		{"an event without sequenceId", "POST", `{"events":[{"type":"CREDIT","customerId":"b"}]}`, webhook.ErrMalformed},
		{"an event without customerId", "POST", `{"events":[{"type":"CREDIT","sequenceId":"a"}]}`, webhook.ErrMalformed},
		{"JSON and more", "POST", batch + "{}", webhook.ErrMalformed},
		{"too long", "POST", strings.Repeat(" ", webhook.MaxBody) + batch, webhook.ErrTooLarge},
		{"GET", "GET", batch, webhook.ErrMethod},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := crypterium.ParseUnverifiedCallback(postCallback(t.Context(), tc.method, tc.body))
			require.ErrorIs(t, err, tc.want)
			require.Nil(t, c)
		})
	}
}

func TestUnverifiedHandlerAnswers(t *testing.T) {
	down := errors.New("database is down")
	var fail, told error
	h := crypterium.UnverifiedHandler(func(_ context.Context, c *crypterium.MerchantCallback) error {
		require.Len(t, c.Events, 2)
		return fail
	}, func(_ context.Context, err error) { told = err })
	for _, tc := range []struct {
		body   string
		fail   error
		status int
		told   error
	}{{batch, nil, 200, nil}, {batch, down, 500, down}, {"{}", nil, 400, webhook.ErrMalformed}} {
		fail, told = tc.fail, nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, postCallback(t.Context(), http.MethodPost, tc.body))
		require.Equal(t, tc.status, w.Code)
		require.ErrorIs(t, told, tc.told)
	}
	require.Panics(t, func() { crypterium.UnverifiedHandler(nil, nil) })
}

// There is nothing to verify; what comes back is at least complete.
func FuzzParseUnverifiedCallback(f *testing.F) {
	f.Add([]byte(batch))
	f.Add([]byte(`{"events":null}`))
	f.Add([]byte(`{"events":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hook", bytes.NewReader(body))
		c, err := crypterium.ParseUnverifiedCallback(r)
		if err != nil {
			require.Nil(t, c)
			return
		}
		require.NotEmpty(t, c.Events)
		for _, e := range c.Events {
			require.NotEmpty(t, e.Type)
			require.NotEmpty(t, e.SequenceID)
			require.NotEmpty(t, e.CustomerID)
		}
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// A balance of eighteen digits goes out again as it came in.
func FuzzMoneyDigits(f *testing.F) {
	for _, s := range []string{"0.1", "0.123456789012345678", "1e-18", "12345678.91", "-0.0", "100.00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if !jsonNumber.MatchString(digits) {
			t.Skip()
		}
		var w crypterium.Wallet
		require.NoError(t, json.Unmarshal([]byte(`{"currency":"BTC","balance":`+digits+`}`), &w))
		req, err := crypterium.NewCreditCustomerRequest(context.Background(), "https://example.test", crypterium.CreditCustomerRequest{Amount: w.Balance, Currency: "BTC", CustomerID: "c"})
		require.NoError(t, err)
		sent, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.True(t, strings.Contains(string(sent), `"amount":`+digits+`,`) || strings.Contains(string(sent), `"amount":`+digits+`}`), "%s", sent)
	})
}
