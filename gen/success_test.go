package gen_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// answers replies to everything with one status and body, and counts.
func answers(status int, body string, calls *int) doer {
	return func(req *http.Request) (*http.Response, error) {
		if calls != nil {
			*calls++
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: req}, nil
	}
}

func TestWhatIsNoSuccess(t *testing.T) {
	ctx := context.Background()
	order := func(d doer) error {
		c := made(cryptopay.NewClient(base, cryptopay.WithHTTPClient(d)))(t)
		_, err := c.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{Amount: "1", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: 1})
		return err
	}
	login := func(d doer) error {
		c := made(kuna.NewClient(base, kuna.WithHTTPClient(d)))(t)
		_, err := c.Login(ctx, &kuna.LoginParams{MerchantID: "m"}, kuna.LoginRequest{Token: "t", Password: "p"})
		return err
	}
	invoice := func(d doer) error {
		c := made(cryptocloud.NewClient(base, cryptocloud.WithHTTPClient(d)))(t)
		_, err := c.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{ShopID: "s", Amount: "1"})
		return err
	}
	credit := func(d doer) error {
		c := made(crypterium.NewClient(base, crypterium.WithHTTPClient(d)))(t)
		return c.CreditCustomer(ctx, crypterium.CreditCustomerRequest{Amount: "1", Currency: "BTC", CustomerID: "c"})
	}
	refund := func(d doer) error {
		c := made(ecartpay.NewClient(base, ecartpay.WithHTTPClient(d)))(t)
		_, err := c.RefundOrder(ctx, "o", ecartpay.RefundOrderRequest{Amount: "1"})
		return err
	}
	file := func(d doer) error {
		c := made(ecartpay.NewClient(base, ecartpay.WithHTTPClient(d)))(t)
		_, err := c.DownloadCFDI(ctx, "o")
		return err
	}
	for _, tc := range []struct {
		name string
		call func(doer) error
		body string
	}{
		{"an order without an id", order, `{"success":true,"data":{"amount":"100.00"}}`},
		{"a login without a token", login, `{"data":{"accessToken":"","expiresIn":1,"refreshToken":""}}`},
		{"an invoice without an id", invoice, `{"status":"fail","result":{"amount":100}}`},
		{"a page instead of nothing", credit, `<html>please log in</html>`},
		{"a text instead of an object", refund, `Internal error`},
		{"a JSON text instead of an object", refund, `"Unauthorized"`},
		{"a list instead of an object", refund, `[{"id":1}]`},
		{"an object that says no", refund, `{"error":"insufficient funds"}`},
		{"an object that says no politely", refund, `{"success":false,"message":"declined"}`},
		{"a page instead of a file", file, `<html>please log in</html>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.ErrorIs(t, tc.call(answers(http.StatusOK, tc.body, nil)), apierr.ErrUnexpectedResponse)
		})
	}
	// What nobody documented may be missing.
	require.NoError(t, credit(answers(http.StatusOK, "", nil)))
	require.NoError(t, credit(answers(http.StatusOK, `{"txId":"1"}`, nil)))
	require.NoError(t, refund(answers(http.StatusOK, "", nil)))
	require.NoError(t, refund(answers(http.StatusOK, `{"status":"refunded"}`, nil)))
}

// TestAProxyThatGaveUpDoesNotKnow: 408 and 499 say nothing of what the provider did.
func TestAProxyThatGaveUpDoesNotKnow(t *testing.T) {
	for status, unknown := range map[int]bool{408: true, 499: true, 400: false, 404: false} {
		c := made(ecartpay.NewClient(base, ecartpay.WithHTTPClient(answers(status, "<html>proxy</html>", nil))))(t)
		_, err := c.RefundOrder(context.Background(), "o", ecartpay.RefundOrderRequest{Amount: "1"})
		require.Equal(t, unknown, errors.Is(err, apierr.ErrOutcomeUnknown), "%d: %v", status, err)
	}
}

func TestCryptoCloudV1SaysWhyInError(t *testing.T) {
	c := made(cryptocloud.NewClient(base, cryptocloud.WithHTTPClient(answers(http.StatusBadRequest, `{"status":"error","error":"no such invoice"}`, nil))))(t)
	//lint:ignore SA1019 the old call is what is tested
	_, err := c.GetInvoiceStatusV1(context.Background(), &cryptocloud.GetInvoiceStatusV1Params{UUID: "INV-XXXXXXXX"})
	require.ErrorContains(t, err, "no such invoice")
}

func TestWhatWorksOnceIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for status, want := range map[int]int{500: 1, 502: 1, 503: 1, 504: 1, 429: 3} {
			calls := 0
			c := made(cryptopay.NewClient(base, cryptopay.WithHTTPClient(answers(status, "", &calls))))(t)
			_, err := c.RefreshToken(context.Background(), cryptopay.RefreshTokenRequest{Refresh: "r"})
			require.Error(t, err)
			require.Equal(t, want, calls, "a refresh token under %d", status)
		}
	})
}

// TestForeignCredentialsAreNotReplaced: a call with a credential of its own that
// is refused must not go out again under the client's account.
func TestForeignCredentialsAreNotReplaced(t *testing.T) {
	srv := sandbox.Start(t)
	cred := srv.Credentials("ecartpay")
	c := made(ecartpay.New(ecartpay.Keys{PublicKey: cred.PublicKey, PrivateKey: authn.Secret(cred.PrivateKey)}, ecartpay.WithBaseURL(srv.URL("ecartpay")), ecartpay.WithHTTPClient(srv.Client())))(t)
	_, err := c.ListCards(context.Background())
	require.NoError(t, err)
	before := len(srv.Requests())
	_, err = c.GetOrder(context.Background(), "x", authn.Raw(authn.Static("another-merchants-token")))
	require.ErrorIs(t, err, apierr.ErrUnauthorized)
	require.Len(t, srv.Requests(), before+1, "sent again under our own account")
}

func TestATokenCallIsNotTheCallThatNeedsIt(t *testing.T) {
	srv := sandbox.Start(t)
	cred := srv.Credentials("cryptopay")
	var seen []string
	c := made(cryptopay.New(cryptopay.Login{Username: cred.Username, Password: authn.Secret(cred.Password)},
		cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client()),
		cryptopay.WithTransport(func(base http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				op, _ := operation.From(req.Context())
				seen = append(seen, op.ID+" "+string(op.Effect))
				return base.RoundTrip(req)
			})
		})))(t)
	_, err := c.ListPaymentOrders(context.Background(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"token auth", "listPaymentOrders read"}, seen)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAKeyCanBeSwappedLive(t *testing.T) {
	srv := sandbox.Start(t)
	key := authn.Static("not-the-key")
	c := made(kuna.New(kuna.KeySource(key), kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(srv.Client())))(t)
	_, err := c.GetRateEquivalents(context.Background())
	require.ErrorIs(t, err, apierr.ErrUnauthorized)
	key.Set(authn.Secret(srv.Credentials("kuna").APIKey))
	_, err = c.GetRateEquivalents(context.Background())
	require.NoError(t, err)
}

// TestEveryExchangeKeepsTheContract sends a login, a read and a write of every
// provider through the validating transport, token calls included.
func TestEveryExchangeKeepsTheContract(t *testing.T) {
	srv := sandbox.Start(t)
	for _, p := range specs.Providers() {
		seen := 0
		checker, err := contract.For(p)
		require.NoError(t, err)
		checker, err = checker.With(contract.WithServer(srv.URL(p)))
		require.NoError(t, err)
		all := merchantsOver(t, srv, &http.Client{Transport: contract.Transport(srv.Client().Transport, checker, func(r contract.Report) {
			seen++
			require.Empty(t, r.Violations, "%s %s", p, r.Operation)
		})})
		m := all[slices.IndexFunc(all, func(m merchant) bool { return m.provider == p })]
		require.NoError(t, m.read(context.Background()), p)
		require.NoError(t, m.write(context.Background()), p)
		require.GreaterOrEqual(t, seen, 2, p)
	}
	require.True(t, srv.AssertNoViolations(t))
}
