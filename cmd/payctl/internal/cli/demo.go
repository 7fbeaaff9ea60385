package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func runDemo(ctx context.Context, fs *flag.FlagSet, args []string, io IO) error {
	env := fs.Bool("env", false, "call the base URLs in the environment, as payctl sandbox prints them, instead of a sandbox in this process")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	var w world
	if *env {
		w = remote{}
	} else {
		srv := sandbox.Serve()
		defer srv.Close()
		w = local{srv}
	}
	d := demo{ctx: ctx, io: io, world: w}
	for _, run := range []func(*demo){cryptoCloudDemo, cryptoPayDemo, crypteriumDemo, ecartPayDemo, kunaDemo} {
		run(&d)
	}
	if l, ok := w.(local); ok {
		d.provider("contract", "every request and every answer was judged against its document")
		d.step("the clients broke nothing they did not mean to", one(l.clean()))
		d.step("the sandbox broke nothing", one(l.own()))
	}
	fmt.Fprintf(io.Out, "\n%d steps, %d failed\n", d.steps, d.failed)
	if d.failed > 0 {
		return errFailed
	}
	return nil
}

// demo prints steps and counts the failed ones.
type demo struct {
	ctx           context.Context
	io            IO
	world         world
	steps, failed int
}

func (d *demo) provider(name, about string) {
	fmt.Fprintf(d.io.Out, "\n%s — %s\n", name, about)
}

// step prints what a step gave; result returns a short text or an error.
func (d *demo) step(what string, result func() (string, error)) {
	d.steps++
	got, err := result()
	if err != nil {
		d.failed++
		fmt.Fprintf(d.io.Out, "  ✗ %-46s %v\n", what, err)
		return
	}
	fmt.Fprintf(d.io.Out, "  ✓ %-46s %s\n", what, got)
}

// text is an optional string, shown.
func text(s *string) string {
	if s == nil {
		return "(absent)"
	}
	return *s
}

func one(text string, err error) func() (string, error) {
	return func() (string, error) { return text, err }
}

// refused turns the error that wrong credentials must give into a success.
func refused(err error) (string, error) {
	switch {
	case err == nil:
		return "", errors.New("wrong credentials were accepted")
	case !errors.Is(err, cryptocloud.ErrUnauthorized): // the same value in every package
		return "", fmt.Errorf("want ErrUnauthorized, got %w", err)
	}
	return err.Error(), nil
}

func cryptoCloudDemo(d *demo) {
	d.provider("cryptocloud", "static key, Authorization: Token <key>")
	cred := d.world.credentials("cryptocloud")
	client, err := cryptocloud.New(cryptocloud.APIKey(cred.APIKey), cryptocloud.WithBaseURL(d.world.url("cryptocloud")), cryptocloud.WithHTTPClient(d.world.client()))
	if err != nil {
		d.step("construct", one("", err))
		return
	}
	var id string
	d.step("create an invoice over 49.90 EUR", func() (string, error) {
		inv, err := client.CreateInvoice(d.ctx, cryptocloud.CreateInvoiceRequest{ShopID: cred.ShopID, Amount: "49.90", Currency: new("EUR"), OrderID: new("demo-1")})
		if err != nil {
			return "", err
		}
		id = inv.UUID
		return fmt.Sprintf("%s, %s, pay at %s", inv.UUID, inv.Status, inv.Link), nil
	})
	d.step("a year later the key still works", func() (string, error) {
		if err := d.world.advance(365 * 24 * time.Hour); err != nil {
			return "", err
		}
		list, err := client.GetInvoicesInfo(d.ctx, cryptocloud.GetInvoicesInfoRequest{UUIDs: []string{id}})
		if err != nil {
			return "", err
		}
		if len(list) != 1 || list[0].UUID != id {
			return "", fmt.Errorf("the invoice is not found again: %d records", len(list))
		}
		return fmt.Sprintf("%s is %s", list[0].UUID, list[0].Status), nil
	})
	d.step("a wrong key is a typed error", func() (string, error) {
		bad, err := cryptocloud.New(cryptocloud.APIKey("wrong-key"), cryptocloud.WithBaseURL(d.world.url("cryptocloud")), cryptocloud.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		_, err = bad.GetInvoicesInfo(d.ctx, cryptocloud.GetInvoicesInfoRequest{UUIDs: []string{id}})
		return refused(err)
	})
}

func cryptoPayDemo(d *demo) {
	d.provider("cryptopay", "login → access and refresh JWT, both rotate")
	cred := d.world.credentials("cryptopay")
	login := cryptopay.Login{Username: cred.Username, Password: authn.Secret(cred.Password)}
	client, err := cryptopay.New(login, cryptopay.WithBaseURL(d.world.url("cryptopay")), cryptopay.WithHTTPClient(d.world.client()))
	if err != nil {
		d.step("construct", one("", err))
		return
	}
	order := cryptopay.CreatePaymentOrderRequest{Amount: "100.00", Currency: "USDC", Blockchain: "base", OrderInfo: `{"cart":"demo-1"}`, Nonce: time.Now().UnixMicro()}
	d.step("log in and create an order over 100.00 USDC", func() (string, error) {
		o, err := client.CreatePaymentOrder(d.ctx, order)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, %s, pay at %s", o.OrderID, o.Status, o.PaymentURL), nil
	})
	again := func(after time.Duration) func() (string, error) {
		return func() (string, error) {
			if err := d.world.advance(after); err != nil {
				return "", err
			}
			page, err := client.ListPaymentOrders(d.ctx, nil)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d order(s) listed, the caller noticed nothing", page.Count), nil
		}
	}
	d.step("25 hours later the token is refreshed", again(25*time.Hour))
	d.step("31 days later the client logs in again", again(31*24*time.Hour))
	d.step("a wrong password is a typed error", func() (string, error) {
		bad, err := cryptopay.New(cryptopay.Login{Username: cred.Username, Password: "wrong-password"}, cryptopay.WithBaseURL(d.world.url("cryptopay")), cryptopay.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		_, err = bad.CreatePaymentOrder(d.ctx, order)
		return refused(err)
	})
}

func crypteriumDemo(d *demo) {
	d.provider("crypterium", "OAuth custom grant grant_type=merchant, form body")
	cred := d.world.credentials("crypterium")
	merchant := crypterium.Merchant{MerchantID: cred.MerchantID, Password: authn.Secret(cred.Password), UserAgent: browser}
	client, err := crypterium.New(merchant, crypterium.WithBaseURL(d.world.url("crypterium")), crypterium.WithHTTPClient(d.world.client()))
	if err != nil {
		d.step("construct", one("", err))
		return
	}
	d.step("get a token and register a customer", func() (string, error) {
		c, err := client.RegisterCustomer(d.ctx, crypterium.RegisterCustomerRequest{Email: new("payer@example.com"), Phone: new("+15550100")})
		if err != nil {
			return "", err
		}
		return "customer " + c.CustomerID, nil
	})
	d.step("366 days later the token is fetched anew", func() (string, error) {
		if err := d.world.advance(366 * 24 * time.Hour); err != nil {
			return "", err
		}
		page, err := client.ListCustomers(d.ctx, &crypterium.ListCustomersParams{PageSize: new(10)})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d customer(s) listed, the caller noticed nothing", len(page.Content)), nil
	})
	d.step("a wrong password is a typed error", func() (string, error) {
		m := merchant
		m.Password = "wrong-password"
		bad, err := crypterium.New(m, crypterium.WithBaseURL(d.world.url("crypterium")), crypterium.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		_, err = bad.GetMerchantWallets(d.ctx)
		return refused(err)
	})
}

func ecartPayDemo(d *demo) {
	d.provider("ecartpay", "Basic keys → one-hour JWT, sent bare")
	cred := d.world.credentials("ecartpay")
	keys := ecartpay.Keys{PublicKey: cred.PublicKey, PrivateKey: authn.Secret(cred.PrivateKey)}
	client, err := ecartpay.New(keys, ecartpay.WithBaseURL(d.world.url("ecartpay")), ecartpay.WithHTTPClient(d.world.client()))
	if err != nil {
		d.step("construct", one("", err))
		return
	}
	var id string
	d.step("get a token and create an order over 243.33 MXN", func() (string, error) {
		o, err := client.CreateOrder(d.ctx, ecartpay.CreateOrderRequest{
			Currency: "MXN", Email: new("payer@example.com"), FirstName: new("Ada"), LastName: new("Lovelace"),
			Items: []ecartpay.OrderItem{{Name: "Bracelet", Quantity: "1", Price: "243.33"}},
		})
		if err != nil {
			return "", err
		}
		id = o.ID
		return fmt.Sprintf("%s, pay at %s", o.ID, text(o.PayLink)), nil
	})
	d.step("two hours later the token is fetched anew", func() (string, error) {
		if err := d.world.advance(2 * time.Hour); err != nil {
			return "", err
		}
		o, err := client.GetOrder(d.ctx, id)
		if err != nil {
			return "", err
		}
		if o.ID != id {
			return "", fmt.Errorf("read order %s, want %s", o.ID, id)
		}
		return "order " + o.ID + " read, the caller noticed nothing", nil
	})
	d.step("wrong keys are a typed error", func() (string, error) {
		bad, err := ecartpay.New(ecartpay.Keys{PublicKey: keys.PublicKey, PrivateKey: "wrong-key"}, ecartpay.WithBaseURL(d.world.url("ecartpay")), ecartpay.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		_, err = bad.GetOrder(d.ctx, id)
		return refused(err)
	})
}

func kunaDemo(d *demo) {
	d.provider("kuna", "login with merchant_id, absolute expiry, refresh; or a permanent Api-key")
	cred := d.world.credentials("kuna")
	login := kuna.Login{Email: cred.Email, Password: authn.Secret(cred.Password), MerchantID: cred.MerchantID}
	client, err := kuna.New(login, kuna.WithBaseURL(d.world.url("kuna")), kuna.WithHTTPClient(d.world.client()))
	if err != nil {
		d.step("construct", one("", err))
		return
	}
	var id string
	d.step("log in and create a customer", func() (string, error) {
		c, err := client.CreateCustomer(d.ctx, kuna.CreateCustomerRequest{
			Email: fmt.Sprintf("payer-%d@example.com", time.Now().UnixNano()), FirstName: "Ada", LastName: "Lovelace", Country: "IT",
			VerificationDocumentID: "DOC-1", ResidenceAddress: "1 Example Street",
		})
		if err != nil {
			return "", err
		}
		id = c.ID
		return fmt.Sprintf("customer %s with wallet %s", id, c.WalletID), nil
	})
	again := func(after time.Duration) func() (string, error) {
		return func() (string, error) {
			if err := d.world.advance(after); err != nil {
				return "", err
			}
			c, err := client.GetCustomerDetails(d.ctx, kuna.GetCustomerDetailsRequest{ID: new(id)})
			if err != nil {
				return "", err
			}
			return "customer " + c.ID + " read, the caller noticed nothing", nil
		}
	}
	d.step("31 minutes later the token is refreshed", again(31*time.Minute))
	d.step("3 days later the client logs in again", again(72*time.Hour))
	d.step("a permanent key needs no login", func() (string, error) {
		k, err := kuna.New(kuna.APIKey(cred.APIKey), kuna.WithBaseURL(d.world.url("kuna")), kuna.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		rates, err := k.GetRateEquivalents(d.ctx)
		return fmt.Sprintf("%d rates read", len(rates)), err
	})
	d.step("a wrong password is a typed error", func() (string, error) {
		l := login
		l.Password = "wrong-password"
		bad, err := kuna.New(l, kuna.WithBaseURL(d.world.url("kuna")), kuna.WithHTTPClient(d.world.client()))
		if err != nil {
			return "", err
		}
		_, err = bad.GetRateEquivalents(d.ctx)
		return refused(err)
	})
}

// world is where the providers are.
type world interface {
	url(provider string) string
	client() *http.Client
	credentials(provider string) sandbox.Credentials
	advance(d time.Duration) error
}

// local is a sandbox in this process.
type local struct{ srv *sandbox.Server }

func (l local) url(p string) string                      { return l.srv.URL(p) }
func (l local) client() *http.Client                     { return l.srv.Client() }
func (l local) credentials(p string) sandbox.Credentials { return l.srv.Credentials(p) }
func (l local) advance(d time.Duration) error            { l.srv.Advance(d); return nil }

func (l local) clean() (string, error) {
	if v := l.srv.ClientViolations(); len(v) > 0 {
		return "", fmt.Errorf("%d violations, the first: %s", len(v), v[0])
	}
	return fmt.Sprintf("%d requests", len(l.srv.Requests())), nil
}

func (l local) own() (string, error) {
	if v := l.srv.Violations(); len(v) > 0 {
		return "", fmt.Errorf("%d violations, the first: %s", len(v), v[0])
	}
	return fmt.Sprintf("%d answers", len(l.srv.Requests())), nil
}

// remote is a sandbox behind the URLs in the environment. Its clock is moved
// through the control interface, whose address PAYCLIENTS_SANDBOX_URL holds.
type remote struct{}

func (remote) url(p string) string  { return os.Getenv(strings.ToUpper(p) + "_BASE_URL") }
func (remote) client() *http.Client { return &http.Client{} }

func (remote) credentials(p string) sandbox.Credentials { return sandbox.DefaultCredentials(p) }

func (remote) advance(d time.Duration) error {
	base := os.Getenv("PAYCLIENTS_SANDBOX_URL")
	if base == "" {
		return errors.New("PAYCLIENTS_SANDBOX_URL is empty: the sandbox's clock cannot be moved")
	}
	res, err := http.Post(base+"/__sandbox/clock", "application/json", strings.NewReader(fmt.Sprintf(`{"advance":%q}`, d)))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("the sandbox's clock answered %s", res.Status)
	}
	return nil
}
