package cryptocloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// shopID is the sandbox's; yours is in the dashboard.
const shopID = "FAKESHOPID000001"

// start plays CryptoCloud in this process and returns a client of it. In your
// program it is cryptocloud.New(cryptocloud.APIKey("…")).
func start(opts ...cryptocloud.ClientOption) (*cryptocloud.Client, *sandbox.Server) {
	srv := sandbox.Serve(sandbox.WithProviders("cryptocloud"))
	opts = append([]cryptocloud.ClientOption{cryptocloud.WithBaseURL(srv.URL("cryptocloud")), cryptocloud.WithHTTPClient(srv.Client())}, opts...)
	client, err := cryptocloud.New(cryptocloud.Keys{
		APIKey:        "fake-cryptocloud-api-key",
		WithdrawalKey: "fake-cryptocloud-withdrawal-key", // only for withdrawals
	}, opts...)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

// Take a payment: create an invoice and send the payer to its link.
func ExampleClient_CreateInvoice() {
	client, srv := start()
	defer srv.Close()

	invoice, err := client.CreateInvoice(context.Background(), cryptocloud.CreateInvoiceRequest{
		ShopID:   shopID,
		Amount:   "49.90",
		Currency: new("EUR"),
		OrderID:  new("order-4711"), // your own number: it finds the invoice again
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(invoice.Status, invoice.AmountInFiat, invoice.FiatCurrency)
	fmt.Println("somewhere to pay:", invoice.Link != "")
	// Output:
	// created 49.9 EUR
	// somewhere to pay: true
}

// Show the address yourself, without the provider's page (H2H): choose the coin
// for the payer.
func ExampleClient_CreateInvoice_address() {
	client, srv := start()
	defer srv.Close()

	invoice, err := client.CreateInvoice(context.Background(), cryptocloud.CreateInvoiceRequest{
		ShopID:   shopID,
		Amount:   "600",
		Currency: new("USD"),
		AddFields: &cryptocloud.InvoiceOptions{
			Cryptocurrency: new("BTC"),
			TimeToPay:      &cryptocloud.TimeToPay{Hours: new(0), Minutes: new(30)},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("pay", invoice.Amount, invoice.Currency.Fullcode, "plus a fee of", invoice.Fee)
	fmt.Println("an address:", invoice.Address != "")
	// Output:
	// pay 0.01 BTC plus a fee of 0.00002333
	// an address: true
}

// Look an invoice up.
func ExampleClient_GetInvoicesInfo() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	made, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{ShopID: shopID, Amount: "100", Currency: new("USD")})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(made.UUID); err != nil { // what the payer does
		log.Fatal(err)
	}

	invoices, err := client.GetInvoicesInfo(ctx, cryptocloud.GetInvoicesInfoRequest{UUIDs: []string{made.UUID}})
	if err != nil {
		log.Fatal(err)
	}
	for _, invoice := range invoices {
		switch invoice.Status {
		case cryptocloud.InvoiceStatusPaid, cryptocloud.InvoiceStatusOverpaid:
			fmt.Println("paid:", *invoice.AmountPaid, invoice.Currency.Fullcode)
		case cryptocloud.InvoiceStatusPartial:
			fmt.Println("still to pay:", *invoice.ToSurcharge)
		default:
			fmt.Println(invoice.Status)
		}
	}
	// Output: paid: 101.4 USDT_TRC20
}

// List the invoices of a period, page after page.
func ExampleClient_AllInvoices() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	for range 3 {
		if _, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{ShopID: shopID, Amount: "5", Currency: new("USD")}); err != nil {
			log.Fatal(err)
		}
	}

	const day = "02.01.2006" // dd.mm.yyyy
	now := time.Now().UTC()
	count := 0
	for invoice, err := range client.AllInvoices(ctx, cryptocloud.ListInvoicesRequest{
		Start: now.AddDate(0, 0, -1).Format(day),
		End:   now.AddDate(0, 0, 1).Format(day),
	}) {
		if err != nil {
			log.Fatal(err)
		}
		if invoice.Status == cryptocloud.InvoiceStatusCreated {
			count++
		}
	}
	fmt.Println("open invoices:", count)
	// Output: open invoices: 3
}

// Cancel an invoice that nobody has paid yet.
func ExampleClient_CancelInvoice() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	invoice, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{ShopID: shopID, Amount: "5", Currency: new("USD")})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		_, err := client.CancelInvoice(ctx, cryptocloud.CancelInvoiceRequest{UUID: invoice.UUID})
		switch {
		case errors.Is(err, cryptocloud.ErrValidation):
			fmt.Println("too late") // paid, expired or cancelled already
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println("cancelled")
		}
	}
	// Output:
	// cancelled
	// too late
}

// Pay out. It takes a second key, and 12 seconds between two calls: see
// WithWithdrawalPacing.
func ExampleClient_CreateWithdrawal() {
	client, srv := start() // with cryptocloud.Keys
	defer srv.Close()

	answer, err := client.CreateWithdrawal(context.Background(), cryptocloud.CreateWithdrawalRequest{
		CurrencyCode: "BTC",
		ToAddress:    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
		Amount:       "0.05",
	})
	if err != nil {
		log.Fatal(err)
	}
	withdrawal := answer.Result
	if withdrawal == nil { // two pages of the documentation, two names
		withdrawal = answer.Data
	}
	fmt.Println(withdrawal.Status, withdrawal.Amount, withdrawal.Currency)
	// Output: created 0.05 BTC
}

// Keep the documented 12 seconds between withdrawals instead of being refused.
// A call that cannot wait that long is not sent at all.
func ExampleWithWithdrawalPacing() {
	client, srv := start(cryptocloud.WithWithdrawalPacing())
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	for range 2 {
		_, err := client.CreateWithdrawal(ctx, cryptocloud.CreateWithdrawalRequest{
			CurrencyCode: "BTC", ToAddress: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Amount: "0.05",
		})
		e, failed := errors.AsType[*cryptocloud.APIError](err)
		switch {
		case !failed:
			fmt.Println("sent")
		case errors.Is(err, cryptocloud.ErrRateLimited):
			fmt.Println("not sent, try later:", e.RetryAfter > 0)
		default:
			log.Fatal(err)
		}
	}
	// Output:
	// sent
	// not sent, try later: true
}

// Give a customer an address of their own that takes any amount at any time.
func ExampleClient_CreateStaticWallet() {
	client, srv := start()
	defer srv.Close()

	wallet, err := client.CreateStaticWallet(context.Background(), cryptocloud.CreateStaticWalletRequest{
		ShopID:   shopID,
		Currency: "USDT_TRC20",
		Identify: "customer-42", // comes back as the order id of each postback
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(wallet.Currency.Code, "an address:", wallet.Address != "")
	// Output: USDT_TRC20 an address: true
}

// Receive postbacks. The token proves the sender and none of the other fields:
// ask for the invoice and decide on that.
func ExampleHandler() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	secret := srv.Credentials("cryptocloud").SecretKey // the project's, not the API key
	handler := cryptocloud.Handler(cryptocloud.Verifier{Secrets: []string{secret}}, func(ctx context.Context, p *cryptocloud.InvoicePostback) error {
		invoice, err := client.ConfirmPostback(ctx, p)
		if err != nil {
			return err // answered 500
		}
		paid := invoice.Status == cryptocloud.InvoiceStatusPaid || invoice.Status == cryptocloud.InvoiceStatusOverpaid
		if !paid || invoice.TestMode == nil || *invoice.TestMode {
			return nil
		}
		if invoice.OrderID == nil || invoice.AmountInFiat == nil || invoice.FiatCurrency == nil {
			return errors.New("an invoice that is not ours")
		}
		// Compare with your order, then deliver.
		fmt.Println(*invoice.OrderID, "paid", *invoice.AmountInFiat, *invoice.FiatCurrency)
		return nil
	})
	// In your server: http.Handle("POST /hooks/cryptocloud", handler)
	srv.SetWebhookURL("cryptocloud", srv.Receive(handler)) // a setting of the project

	invoice, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{
		ShopID: shopID, Amount: "49.90", Currency: new("EUR"), OrderID: new("order-4711"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(invoice.UUID); err != nil { // what the payer does
		log.Fatal(err)
	}
	if err := srv.Settle(ctx); err != nil { // until the postback is through
		log.Fatal(err)
	}
	// Output: order-4711 paid 49.9 EUR
}

// Send what the document does not know, and read the raw answer. Credentials,
// limits and the rest of the client still apply.
func ExampleClient_Do() {
	client, srv := start()
	defer srv.Close()

	body := strings.NewReader(`{"shop_id":"` + shopID + `","amount":5,"currency":"USD"}`)
	req, err := cryptocloud.NewCreateInvoiceRequestWithBody(context.Background(), client.Server, "application/json", body)
	if err != nil {
		log.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	// Output: 200 OK application/json
}

// Every failed call is one type, whichever of CryptoCloud's four shapes of an
// error came: a bad key is a 400 here.
func ExampleAPIError() {
	srv := sandbox.Serve(sandbox.WithProviders("cryptocloud"))
	defer srv.Close()

	client, err := cryptocloud.New(cryptocloud.APIKey("wrong"),
		cryptocloud.WithBaseURL(srv.URL("cryptocloud")), cryptocloud.WithHTTPClient(srv.Client()))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.CreateInvoice(context.Background(), cryptocloud.CreateInvoiceRequest{ShopID: shopID, Amount: "5"})

	fmt.Println("unauthorized:", errors.Is(err, cryptocloud.ErrUnauthorized))
	if e, ok := errors.AsType[*cryptocloud.APIError](err); ok {
		fmt.Println(e.Operation, e.Status, e.Code)
	}
	// Output:
	// unauthorized: true
	// cryptocloud.createInvoice 400 authorization
}

// The invoice was sent and no answer came: nobody knows whether it was made,
// and a second one would be a second invoice. Look for your order id.
func Example_outcomeUnknown() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	srv.Inject(sandbox.Fault{Name: "reset-after", Operation: "createInvoice", Count: 1})

	before := time.Now().UTC()
	_, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{
		ShopID: shopID, Amount: "49.90", Currency: new("EUR"), OrderID: new("order-4711"),
	})
	if !errors.Is(err, cryptocloud.ErrOutcomeUnknown) {
		log.Fatal("not in this example: ", err)
	}

	const day = "02.01.2006"
	period := cryptocloud.ListInvoicesRequest{Start: before.Format(day), End: time.Now().UTC().Format(day)}
	for invoice, err := range client.AllInvoices(ctx, period) {
		if err != nil {
			log.Fatal(err)
		}
		if invoice.OrderID != nil && *invoice.OrderID == "order-4711" {
			fmt.Println("it was made:", invoice.Status)
		}
	}
	// Output: it was made: created
}

// Amounts are json.Number: the digits that were sent, sometimes as 3e-06. A
// decimal library calculates with them; a float would not.
func Example_money() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	price := decimal.RequireFromString("16.63").Mul(decimal.NewFromInt(3))
	invoice, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{
		ShopID: shopID, Amount: json.Number(price.String()), Currency: new("USD"),
	})
	if err != nil {
		log.Fatal(err)
	}

	asked, err := decimal.NewFromString(invoice.AmountInFiat.String())
	if err != nil {
		log.Fatal(err)
	}
	fee, err := decimal.NewFromString(invoice.Fee.String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("as asked:", asked.Equal(price), "with the fee:", asked.Add(fee))
	// Output: as asked: true with the fee: 51.29
}
