package gen_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

var update = flag.Bool("update", false, "write the table of survived faults into README.md")

// merchant is one provider's client as a merchant uses it.
type merchant struct {
	provider    string
	writeOp     string // the operation of write
	read, write func(ctx context.Context) error
}

func merchants(t *testing.T, srv *sandbox.Server) []merchant {
	return merchantsOver(t, srv, srv.Client())
}

func merchantsOver(t *testing.T, srv *sandbox.Server, web *http.Client) []merchant {
	cred := srv.Credentials
	cc := made(cryptocloud.New(cryptocloud.APIKey(cred("cryptocloud").APIKey), cryptocloud.WithBaseURL(srv.URL("cryptocloud")), cryptocloud.WithHTTPClient(web)))(t)
	cp := made(cryptopay.New(cryptopay.Login{Username: cred("cryptopay").Username, Password: authn.Secret(cred("cryptopay").Password)}, cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(web)))(t)
	cr := made(crypterium.New(crypterium.Merchant{MerchantID: cred("crypterium").MerchantID, Password: authn.Secret(cred("crypterium").Password), UserAgent: "Mozilla/5.0 (test)"}, crypterium.WithBaseURL(srv.URL("crypterium")), crypterium.WithHTTPClient(web)))(t)
	ep := made(ecartpay.New(ecartpay.Keys{PublicKey: cred("ecartpay").PublicKey, PrivateKey: authn.Secret(cred("ecartpay").PrivateKey)}, ecartpay.WithBaseURL(srv.URL("ecartpay")), ecartpay.WithHTTPClient(web)))(t)
	ku := made(kuna.New(kuna.Login{Email: cred("kuna").Email, Password: authn.Secret(cred("kuna").Password), MerchantID: cred("kuna").MerchantID}, kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(web)))(t)
	n := 0
	return []merchant{
		{specs.CryptoCloud, "createInvoice",
			func(ctx context.Context) error { v, err := cc.GetBalances(ctx); return some(len(v), err) },
			func(ctx context.Context) error {
				v, err := cc.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{ShopID: cred("cryptocloud").ShopID, Amount: "49.90", Currency: new("EUR")})
				return value(v, err)
			}},
		{specs.CryptoPay, "createPaymentOrder",
			func(ctx context.Context) error { v, err := cp.ListPaymentOrders(ctx, nil); return value(v, err) },
			func(ctx context.Context) error {
				n++
				v, err := cp.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{Amount: "100.00", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: int64(n)})
				return value(v, err)
			}},
		{specs.Crypterium, "registerCustomer",
			func(ctx context.Context) error { _, err := cr.GetMerchantWallets(ctx); return err },
			func(ctx context.Context) error {
				n++
				v, err := cr.RegisterCustomer(ctx, crypterium.RegisterCustomerRequest{Email: new(fmt.Sprintf("payer-%d@example.com", n)), Phone: new("+15550100")})
				return value(v, err)
			}},
		{specs.EcartPay, "createOrder",
			func(ctx context.Context) error { _, err := ep.ListCards(ctx); return err },
			func(ctx context.Context) error {
				v, err := ep.CreateOrder(ctx, ecartpay.CreateOrderRequest{Currency: "MXN", Email: new("payer@example.com"), FirstName: new("Ada"), LastName: new("Lovelace"),
					Items: []ecartpay.OrderItem{{Name: "Bracelet", Quantity: "1", Price: "243.33"}}})
				return value(v, err)
			}},
		{specs.Kuna, "createCustomer",
			func(ctx context.Context) error { v, err := ku.GetRateEquivalents(ctx); return some(len(v), err) },
			func(ctx context.Context) error {
				n++
				v, err := ku.CreateCustomer(ctx, kuna.CreateCustomerRequest{Email: fmt.Sprintf("payer-%d@example.com", n), FirstName: "Ada", LastName: "Lovelace", Country: "IT",
					VerificationDocumentID: "DOC-1", ResidenceAddress: "1 Example Street"})
				return value(v, err)
			}},
	}
}

func value[T any](v *T, err error) error {
	if v == nil && err == nil {
		return errors.New("nil and nil")
	}
	return err
}

func some(n int, err error) error {
	if n == 0 && err == nil {
		return errors.New("no value and no error")
	}
	return err
}

// TestSurvivesEveryFault meets every fault of the sandbox with a read, a write
// and a token call of every provider. To survive is: the call ends in time, with
// a value or a typed error; a write reaches the provider once; no credential is
// in the error; and the next call works.
func TestSurvivesEveryFault(t *testing.T) {
	var table strings.Builder
	faults, survived := 0, 0
	fmt.Fprintln(&table, "| fault | a read | a write | a token call |")
	fmt.Fprintln(&table, "| --- | --- | --- | --- |")
	for _, name := range sandbox.CallFaults() { // those of webhooks: TestReceiversSurviveEveryFault
		faults++
		ends := map[string]map[string]bool{"read": {}, "write": {}, "token": {}}
		met := 0
		ok := t.Run(name, func(t *testing.T) {
			for _, p := range specs.Providers() {
				for _, what := range []string{"read", "write", "token"} {
					if what != "token" && sandbox.FaultOfTokens(name) {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						if end := meet(t, name, p, what); end != "" {
							ends[what][end] = true
							met++
						}
					})
				}
			}
		})
		require.NotZero(t, met, "no client ever met the fault %s", name)
		if ok {
			survived++
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, list(ends["read"]), list(ends["write"]), list(ends["token"]))
	}
	fmt.Fprintf(&table, "\nSurvives %d of %d, each with every provider whose calls can meet it; – where none can.\n", survived, faults)
	require.Equal(t, faults, survived)
	requireBlock(t, "faults", table.String())
}

// meet makes one call under one fault and returns how it ended.
func meet(t *testing.T, fault, provider, what string) string {
	srv := sandbox.Start(t)
	all := merchants(t, srv)
	m := all[slices.IndexFunc(all, func(m merchant) bool { return m.provider == provider })]
	ctx := context.Background()
	token := what == "token"
	call := m.read
	switch what {
	case "write":
		call = m.write
		require.NoError(t, m.read(ctx)) // log in first
	case "read":
		require.NoError(t, m.read(ctx))
	}
	if fault == "refresh-spent" { // needs a refresh, not a first login
		require.NoError(t, m.read(ctx))
		srv.RevokeTokens(provider, "access")
	}
	before := len(srv.Calls(provider, m.writeOp))
	srv.Inject(sandbox.Fault{Name: fault, Provider: provider, Auth: &token, Count: 1})

	start := time.Now()
	err := call(ctx)
	require.LessOrEqual(t, time.Since(start), 2*time.Minute, "the call hangs")
	met := srv.Faults()[0].Hits > 0
	srv.ClearFaults()

	end := "value"
	if err != nil {
		var e *apierr.Error
		require.ErrorAs(t, err, &e, "the error is typed")
		end = kind(err)
		require.NotEmpty(t, end, "the error has a kind: %v", err)
		for _, secret := range secrets(srv.Credentials(provider)) {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", err, err, err, e.Body), secret)
		}
	}
	if what == "write" {
		sent := 0
		for _, c := range srv.Calls(provider, m.writeOp)[before:] {
			if c.Status != http.StatusUnauthorized { // refused for its token, and not done
				sent++
			}
		}
		require.LessOrEqual(t, sent, 1, "the write was sent twice")
	}
	// A failed login holds off the next for a moment.
	time.Sleep(2 * time.Hour)
	require.NoError(t, m.read(ctx), "the client is usable afterwards")
	if !met {
		return "" // a fault of tokens in an ordinary call, or a provider without token calls
	}
	return end
}

func kind(err error) string {
	for _, k := range []struct {
		err  error
		name string
	}{
		{apierr.ErrOutcomeUnknown, "`ErrOutcomeUnknown`"},
		{apierr.ErrUnauthorized, "`ErrUnauthorized`"}, {apierr.ErrForbidden, "`ErrForbidden`"},
		{apierr.ErrRateLimited, "`ErrRateLimited`"}, {apierr.ErrValidation, "`ErrValidation`"},
		{apierr.ErrServer, "`ErrServer`"}, {apierr.ErrUnexpectedResponse, "`ErrUnexpectedResponse`"},
		{authn.ErrNoToken, "`authn.ErrNoToken`"}, {authn.ErrUnavailable, "`authn.ErrUnavailable`"},
	} {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	var e *apierr.Error
	if errors.As(err, &e) && e.Err != nil {
		return "network error"
	}
	return ""
}

func secrets(c sandbox.Credentials) (out []string) {
	for _, s := range []string{c.APIKey, c.WithdrawalAPIKey, c.Password, c.PrivateKey, c.SecretKey} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func list(set map[string]bool) string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	if len(out) == 0 {
		return "–"
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestReceiversSurviveEveryFault: a webhook that is forged, unsigned or stale
// never reaches the merchant's function; any other arrives as what was paid.
func TestReceiversSurviveEveryFault(t *testing.T) {
	refused := []string{"webhook-bad-signature", "webhook-unsigned", "webhook-stale"}
	n := 0
	for _, name := range sandbox.FaultNames() {
		if !strings.HasPrefix(name, "webhook-") {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sandbox.Start(t)
				var got []string
				url := srv.Receive(cryptopay.Handler(webhook.Verifier{Secrets: []string{srv.Credentials("cryptopay").WebhookSecret}, Tolerance: 10 * time.Minute},
					func(_ context.Context, e *cryptopay.PaymentEvent) error {
						got = append(got, e.Data.OrderID)
						return nil
					}))
				client := made(cryptopay.New(cryptopay.APIKey(srv.Credentials("cryptopay").APIKey), cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client())))(t)
				var paid []string
				for n := range 2 { // the second one lets go what waits for it
					order, err := client.CreatePaymentOrder(context.Background(), cryptopay.CreatePaymentOrderRequest{
						Amount: "100.00", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: int64(n), WebhookURL: new(url)})
					require.NoError(t, err)
					if n == 0 {
						srv.Inject(sandbox.Fault{Name: name, Provider: "cryptopay"})
					} else if name == "webhook-reorder" {
						srv.ClearFaults()
					}
					require.NoError(t, srv.Pay(order.OrderID))
					paid = append(paid, order.OrderID)
				}
				time.Sleep(time.Hour)
				srv.Settle(context.Background())
				if slices.Contains(refused, name) || name == "webhook-drop" {
					require.Empty(t, got, "an unverified event reached the merchant")
					return
				}
				for _, id := range paid {
					require.Contains(t, got, id)
				}
			})
		})
	}
	require.GreaterOrEqual(t, n, 6)
}

// requireBlock compares a generated block of README.md with what it should be.
func requireBlock(t *testing.T, name, block string) {
	t.Helper()
	file := filepath.Join(root, "README.md")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want, ok := contract.Splice(string(text), name, block)
	require.True(t, ok, "README.md has no block %q", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	require.True(t, want == string(text), "the block %q of README.md is out of date: go test ./gen -update, and review the difference", name)
}
