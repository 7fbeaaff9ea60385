package crypterium_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/shopspring/decimal"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// start plays Crypterium in this process and returns a client of it. In your
// program it is crypterium.New(crypterium.Merchant{…}).
func start() (*crypterium.Client, *sandbox.Server) {
	srv := sandbox.Serve(sandbox.WithProviders("crypterium"))
	client, err := crypterium.New(
		crypterium.Merchant{
			MerchantID: "00000000-0000-4000-8000-00000000fa4e",
			Password:   "fake-crypterium-password",
			UserAgent:  "Mozilla/5.0 (compatible; shop.example)", // required
		},
		crypterium.WithBaseURL(srv.URL("crypterium")), crypterium.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

// register makes a customer.
func register(client *crypterium.Client, email string) (customerID string) {
	customer, err := client.RegisterCustomer(context.Background(), crypterium.RegisterCustomerRequest{Email: &email})
	if err != nil {
		log.Fatal(err)
	}
	return customer.CustomerID
}

// balance is what a wallet holds in one currency, with all its digits.
func balance(wallets []crypterium.Wallet, currency string) decimal.Decimal {
	for _, w := range wallets {
		if w.Currency == currency {
			return decimal.RequireFromString(w.Balance.String())
		}
	}
	return decimal.Zero
}

// Register a customer, and give the customer's phone a token of its own for
// Crypterium's SDK.
func ExampleClient_RegisterCustomer() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	customer, err := client.RegisterCustomer(ctx, crypterium.RegisterCustomerRequest{
		Email: new("ada@mail.example"),
		Phone: new("+441234567890"),
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := client.AuthorizeCustomer(ctx, crypterium.AuthorizeCustomerRequest{CustomerID: customer.CustomerID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.TokenType, "for", token.ExpiresIn, "seconds") // token.AccessToken goes to the phone
	// Output: bearer for 899 seconds
}

// Take a payment: each customer has an address for each currency. What arrives
// there is in the customer's wallet.
func ExampleClient_GetCustomerWallets() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	id := register(client, "ada@mail.example")
	if err := srv.Pay(id); err != nil { // somebody sends one bitcoin to the address
		log.Fatal(err)
	}

	wallets, err := client.GetCustomerWallets(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range wallets {
		if w.Currency == "BTC" && w.Address != nil {
			fmt.Println(w.Balance, w.Currency)
		}
	}
	// Output: 1 BTC
}

// List the customers of all pages.
func ExampleClient_AllCustomers() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	want := map[string]bool{}
	for i := range 45 { // more than one page
		want[register(client, fmt.Sprintf("customer%d@mail.example", i))] = true
	}

	for customer, err := range client.AllCustomers(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if customer.KYCLevel == crypterium.CustomerKYCLevelNone {
			delete(want, customer.CustomerID)
		}
	}
	fmt.Println("not listed:", len(want))
	// Output: not listed: 0
}

// Pay a customer. The call answers nothing, not even an id: look at the balance.
func ExampleClient_CreditCustomer() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	id := register(client, "ada@mail.example")

	err := client.CreditCustomer(ctx, crypterium.CreditCustomerRequest{CustomerID: id, Currency: "BTC", Amount: "0.1"})
	if err != nil {
		log.Fatal(err)
	}
	wallets, err := client.GetCustomerWallets(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(balance(wallets, "BTC"), "BTC")
	// Output: 0.1 BTC
}

// Collect from a customer. The request's members are not documented: these are
// our guess, and the partner's manager knows.
func ExampleClient_DebitCustomer() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	id := register(client, "ada@mail.example")
	if err := srv.Pay(id); err != nil { // the customer owns one bitcoin
		log.Fatal(err)
	}

	err := client.DebitCustomer(ctx, crypterium.DebitCustomerRequest{
		"customerId": id, "currency": "BTC", "amount": json.Number("0.25"), // never a float
	})
	if err != nil {
		log.Fatal(err)
	}
	wallets, err := client.GetCustomerWallets(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", balance(wallets, "BTC"), "BTC")
	// Output: left: 0.75 BTC
}

// Send money to an address outside.
func ExampleClient_SendToAddress() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	before, err := client.GetMerchantWallets(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = client.SendToAddress(ctx, crypterium.SendToAddressRequest{
		Address: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Currency: "BTC", Amount: "0.1",
	})
	if err != nil {
		log.Fatal(err)
	}
	after, err := client.GetMerchantWallets(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("spent:", balance(before, "BTC").Sub(balance(after, "BTC")), "BTC")
	// Output: spent: 0.1 BTC
}

// Receive callbacks. Nobody signs them and they name no amount, so the name
// says Unverified: take one as a hint to read the wallets.
func ExampleUnverifiedHandler() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	handler := crypterium.UnverifiedHandler(func(ctx context.Context, c *crypterium.MerchantCallback) error {
		for _, e := range c.Events {
			if e.Type != crypterium.EventCredit {
				continue
			}
			wallets, err := client.GetCustomerWallets(ctx, e.CustomerID)
			if err != nil {
				return err // answered 500
			}
			fmt.Println("the customer has", balance(wallets, "BTC"), "BTC")
		}
		return nil
	}, func(_ context.Context, err error) { log.Print(err) })
	// In your server: http.Handle("POST /hooks/crypterium/{something nobody guesses}", handler)
	srv.SetWebhookURL("crypterium", srv.Receive(handler)) // arranged with Crypterium

	err := client.CreditCustomer(ctx, crypterium.CreditCustomerRequest{
		CustomerID: register(client, "ada@mail.example"), Currency: "BTC", Amount: "0.1",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Settle(ctx); err != nil { // until the callback is through
		log.Fatal(err)
	}
	// Output: the customer has 0.1 BTC
}

// No error is documented: decide by the kind, which needs no code.
func ExampleAPIError() {
	srv := sandbox.Serve(sandbox.WithProviders("crypterium"))
	defer srv.Close()

	client, err := crypterium.New(
		crypterium.Merchant{MerchantID: "00000000-0000-4000-8000-00000000fa4e", Password: "wrong", UserAgent: "Mozilla/5.0"},
		crypterium.WithBaseURL(srv.URL("crypterium")), crypterium.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.GetMerchantWallets(context.Background())

	fmt.Println("unauthorized:", errors.Is(err, crypterium.ErrUnauthorized))
	if e, ok := errors.AsType[*crypterium.APIError](err); ok {
		fmt.Println(e.Operation) // and e.Status, e.Code, e.Message, e.RetryAfter
	}
	// Output:
	// unauthorized: true
	// crypterium.getMerchantWallets
}

// The money was sent and no answer came. No call tells what became of it, so
// compare the balances before anybody tries again.
func Example_outcomeUnknown() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	id := register(client, "ada@mail.example")
	srv.Inject(sandbox.Fault{Name: "reset-after", Operation: "creditCustomer", Count: 1})

	before, err := client.GetCustomerWallets(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	err = client.CreditCustomer(ctx, crypterium.CreditCustomerRequest{CustomerID: id, Currency: "BTC", Amount: "0.1"})
	if !errors.Is(err, crypterium.ErrOutcomeUnknown) {
		log.Fatal("not in this example: ", err)
	}
	after, err := client.GetCustomerWallets(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it arrived:", balance(after, "BTC").Sub(balance(before, "BTC")), "BTC")
	// Output: it arrived: 0.1 BTC
}
