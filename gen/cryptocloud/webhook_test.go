package cryptocloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook/webhooktest"
)

const (
	hookSecret = "project-secret-key-of-these-tests"
	formType   = "application/x-www-form-urlencoded"
)

func TestWebhookVectors(t *testing.T) {
	t.Run("V2", func(t *testing.T) {
		webhooktest.Run(t, "testdata/webhook_vectors.json", cryptocloud.ParsePostback)
	})
	t.Run("V1", func(t *testing.T) {
		webhooktest.Run(t, "testdata/webhook_vectors.json", cryptocloud.ParsePostbackV1)
	})
}

var hookTime = time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)

func hookVerifier() cryptocloud.Verifier {
	return cryptocloud.Verifier{Secrets: []string{hookSecret}, Now: func() time.Time { return hookTime }}
}

func hookRequest(ctx context.Context, body []byte, contentType string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/hook", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func hookToken(tb testing.TB) string {
	tb.Helper()
	s, err := cryptocloud.SignPostback(hookSecret, "", hookTime.Add(5*time.Minute))
	require.NoError(tb, err)
	return s
}

func hookFixture(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := os.ReadFile("../../specs/cryptocloud/fixtures/" + name)
	require.NoError(tb, err)
	return body
}

// withToken is the documented JSON postback with a token that is signed.
func withToken(tb testing.TB, tok string) []byte {
	return bytes.Replace(hookFixture(tb, "invoicePostback.webhook.overpaid.json"), []byte(`"token": "token"`), []byte(`"token": "`+tok+`"`), 1)
}

func TestParsePostbackDecodesTheDocumentedJSON(t *testing.T) {
	body := withToken(t, hookToken(t))
	r := hookRequest(t.Context(), body, "application/json")
	p, err := cryptocloud.ParsePostback(r, hookVerifier())
	require.NoError(t, err)
	require.Equal(t, "success", p.Status)
	require.Equal(t, "XXXXXXXX", p.InvoiceID)
	require.Equal(t, "100", p.AmountCrypto.String())
	require.Equal(t, "order_id", *p.OrderID)
	require.NotNil(t, p.InvoiceInfo)
	require.False(t, *p.InvoiceInfo.TestMode)
	require.Equal(t, "XXXXXXXX:success", p.DedupID())
	again, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, body, again, "the body must be readable again")
}

func TestParsePostbackReadsTheForm(t *testing.T) {
	// A simulator's form: its token is empty, which is a forgery like any other.
	form := strings.TrimSpace(string(hookFixture(t, "invoicePostback.webhook.success.client-simulator.form")))
	_, err := cryptocloud.ParsePostback(hookRequest(t.Context(), []byte(form), formType), hookVerifier())
	require.ErrorIs(t, err, webhook.ErrSignature)

	signed := strings.Replace(form, "token=", "token="+url.QueryEscape(hookToken(t)), 1)
	p, err := cryptocloud.ParsePostback(hookRequest(t.Context(), []byte(signed), formType), hookVerifier())
	require.NoError(t, err)
	require.Equal(t, "IZY5FACO", p.InvoiceID)
	require.Equal(t, "0.05", p.AmountCrypto.String())
	require.Equal(t, "order_12345", *p.OrderID)
	require.Nil(t, p.InvoiceInfo, "a form's invoice_info is garbage")

	v1, err := cryptocloud.ParsePostbackV1(hookRequest(t.Context(), []byte(signed), formType), hookVerifier())
	require.NoError(t, err)
	require.Equal(t, "IZY5FACO", v1.InvoiceID)
}

// The documented V1 sample lacks the token that its table lists.
func TestPostbackWithoutATokenIsRefused(t *testing.T) {
	p, err := cryptocloud.ParsePostbackV1(hookRequest(t.Context(), hookFixture(t, "invoicePostbackV1.webhook.success.json"), "application/json"), hookVerifier())
	require.ErrorIs(t, err, webhook.ErrSignature)
	require.Nil(t, p)
}

func TestHandlerAnswersAsDocumented(t *testing.T) {
	body := withToken(t, hookToken(t))
	for _, tc := range []struct {
		name   string
		body   []byte
		fail   error
		status int
		want   string
		calls  int
	}{
		{name: "handled", body: body, status: 200, want: `{"message":"Postback received"}`, calls: 1},
		{name: "not handled", body: body, fail: errors.New("database is down"), status: 500, want: "Not handled\n", calls: 1},
		{name: "forged", body: withToken(t, "token"), status: 401, want: "Invalid signature\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			h := cryptocloud.Handler(hookVerifier(), func(context.Context, *cryptocloud.InvoicePostback) error { calls++; return tc.fail })
			h1 := cryptocloud.HandlerV1(hookVerifier(), func(context.Context, *cryptocloud.InvoicePostbackV1) error { return tc.fail })
			for _, h := range []http.Handler{h, h1} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, hookRequest(t.Context(), tc.body, "application/json"))
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.want, w.Body.String())
				if tc.status == 200 {
					require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				}
			}
			require.Equal(t, tc.calls, calls)
		})
	}
}

// Someone who caught a token puts it beside another invoice. The postback
// passes, since the token covers nothing else; the invoice does not.
func TestConfirmPostbackDecidesOnTheInvoiceItself(t *testing.T) {
	var asked string
	answer := string(hookFixture(t, "getInvoicesInfo.response.200.overpaid.json"))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.Path + " " + string(b)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	client, err := cryptocloud.NewClient(srv.URL)
	require.NoError(t, err)

	for _, id := range []string{"XXXXXXXX", "INV-XXXXXXXX"} {
		inv, err := client.ConfirmPostback(t.Context(), &cryptocloud.InvoicePostback{InvoiceID: id})
		require.NoError(t, err)
		require.Equal(t, `POST /v2/invoice/merchant/info {"uuids":["INV-XXXXXXXX"]}`, asked)
		require.Equal(t, "INV-XXXXXXXX", inv.UUID)
		require.NotNil(t, inv.TestMode, "a test invoice must be told apart")
	}

	inv, err := client.ConfirmPostback(t.Context(), &cryptocloud.InvoicePostback{InvoiceID: "AAAAAAAA"})
	require.ErrorIs(t, err, webhook.ErrUnconfirmed, "the answer is about another invoice")
	require.Nil(t, inv)
	answer = `{"status":"success","result":[]}`
	_, err = client.ConfirmPostback(t.Context(), &cryptocloud.InvoicePostback{InvoiceID: "XXXXXXXX"})
	require.ErrorIs(t, err, webhook.ErrUnconfirmed)
	for _, p := range []*cryptocloud.InvoicePostback{nil, {}, {InvoiceID: "INV-"}} {
		_, err = client.ConfirmPostback(t.Context(), p)
		require.ErrorIs(t, err, webhook.ErrMalformed)
	}
}

func TestConfirmPostbackV1ReadsTheStatus(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/v1/invoice/info?uuid=INV-DZLF4212" {
			http.Error(w, r.URL.RequestURI(), http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(hookFixture(t, "getInvoiceStatusV1.response.200.paid.json"))
	}))
	t.Cleanup(srv.Close)
	client, err := cryptocloud.NewClient(srv.URL)
	require.NoError(t, err)
	status, err := client.ConfirmPostbackV1(t.Context(), &cryptocloud.InvoicePostbackV1{InvoiceID: "DZLF4212"})
	require.NoError(t, err)
	require.Equal(t, "paid", status.StatusInvoice)
	_, err = client.ConfirmPostbackV1(t.Context(), &cryptocloud.InvoicePostbackV1{})
	require.ErrorIs(t, err, webhook.ErrMalformed)
}

// Whatever is sent: a postback comes back only with the one token that was signed.
func FuzzParsePostback(f *testing.F) {
	tok := hookToken(f)
	f.Add(withToken(f, tok), "application/json")
	f.Add([]byte("status=success&invoice_id=A&amount_crypto=1&currency=BTC&token="+tok), formType)
	f.Add([]byte("status=success&invoice_id=A&amount_crypto=1&currency=BTC&token=b%27"+tok+"%27"), formType)
	f.Add([]byte(`{"token":"`+tok[:len(tok)-1]+`"}`), "")
	for _, v := range webhooktest.Load(f, "testdata/webhook_vectors.json") {
		f.Add(v.Bytes(), v.Headers["Content-Type"])
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		p, err := cryptocloud.ParsePostback(hookRequest(context.Background(), body, contentType), hookVerifier())
		p1, err1 := cryptocloud.ParsePostbackV1(hookRequest(context.Background(), body, contentType), hookVerifier())
		require.Equal(t, err == nil, err1 == nil)
		if err != nil {
			require.Nil(t, p)
			require.Nil(t, p1)
			return
		}
		require.Contains(t, []string{tok, "b'" + tok + "'", `b"` + tok + `"`}, p.Token, "nobody signed this token")
		require.Equal(t, p.Token, *p1.Token)
		require.NotEmpty(t, p.InvoiceID)
		_, err = json.Marshal(p)
		require.NoError(t, err, "what was accepted must be storable")
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// Digits that come in go out, also where CryptoCloud writes them as Python does.
func FuzzMoneyDigits(f *testing.F) {
	for _, s := range []string{"100", "100.0", "1.499999996212864e-06", "3e-06", "2.4224806201550386", "12345678901234567890.123456789012345678", "-0.0", "1E400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if !jsonNumber.MatchString(digits) {
			t.Skip()
		}
		var inv cryptocloud.Invoice
		require.NoError(t, json.Unmarshal([]byte(`{"uuid":"INV-A","status":"paid","received":`+digits+`}`), &inv))
		req, err := cryptocloud.NewCreateWithdrawalRequest(context.Background(), "https://example.test", cryptocloud.CreateWithdrawalRequest{CurrencyCode: "BTC", ToAddress: "a", Amount: *inv.Received})
		require.NoError(t, err)
		sent, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.True(t, strings.Contains(string(sent), `"amount":`+digits+`,`) || strings.Contains(string(sent), `"amount":`+digits+`}`), "%s", sent)
	})
}
