package kuna_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

func TestParseUnverifiedCallbackReturnsTheBytes(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/kuna/order-4711", strings.NewReader("anything"))
	r.Header.Set("Content-Type", "text/plain")
	c, err := kuna.ParseUnverifiedCallback(r)
	require.NoError(t, err)
	require.Equal(t, &kuna.UnverifiedCallback{ContentType: "text/plain", Body: []byte("anything")}, c)

	// Nothing says that there is a payload, and the URL may be all that is needed.
	c, err = kuna.ParseUnverifiedCallback(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	require.NoError(t, err)
	require.Empty(t, c.Body)

	for _, tc := range []struct {
		method, body string
		want         error
	}{{"GET", "x", webhook.ErrMethod}, {"POST", strings.Repeat("x", webhook.MaxBody+1), webhook.ErrTooLarge}} {
		c, err := kuna.ParseUnverifiedCallback(httptest.NewRequestWithContext(t.Context(), tc.method, "/", strings.NewReader(tc.body)))
		require.ErrorIs(t, err, tc.want)
		require.Nil(t, c)
	}
}

// The URL is the one thing in a callback that is ours.
func TestUnverifiedHandlerTellsTheOperationByItsURL(t *testing.T) {
	var got string
	var fail error
	mux := http.NewServeMux()
	mux.Handle("/hooks/kuna/{externalId}", kuna.UnverifiedHandler(func(r *http.Request, _ *kuna.UnverifiedCallback) error {
		got = r.PathValue("externalId")
		return fail
	}, nil))
	send := func() int {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/kuna/order-4711", strings.NewReader("x")))
		return w.Code
	}
	require.Equal(t, 200, send())
	require.Equal(t, "order-4711", got)
	fail = errors.New("database is down")
	require.Equal(t, 500, send())
	require.Panics(t, func() { kuna.UnverifiedHandler(nil, nil) })
}

func FuzzParseUnverifiedCallback(f *testing.F) {
	f.Add([]byte(`{"id":"x"}`), "application/json")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		c, err := kuna.ParseUnverifiedCallback(r)
		require.NoError(t, err)
		require.Equal(t, string(body), string(c.Body))
	})
}

// Amounts are strings here: what comes in goes out, digit by digit.
func FuzzMoneyDigits(f *testing.F) {
	for _, s := range []string{"15.07768", "99999999999999999", "0.000001", "0.0", "2.0", "1e-18"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, amount string) {
		if !utf8.ValidString(amount) {
			t.Skip()
		}
		text, err := json.Marshal(map[string]any{"minAmount": amount})
		require.NoError(t, err)
		var terms kuna.TransferTerms
		require.NoError(t, json.Unmarshal(text, &terms))
		req, err := kuna.NewCreateTransferRequest(context.Background(), "https://example.test", kuna.CreateTransferRequest{Amount: terms.MinAmount})
		require.NoError(t, err)
		var sent struct{ Amount string }
		require.NoError(t, json.NewDecoder(req.Body).Decode(&sent))
		require.Equal(t, amount, sent.Amount)
	})
}
