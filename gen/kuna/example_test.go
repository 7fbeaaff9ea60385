package kuna_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// start plays Kuna in this process and returns a client of it. In your program
// it is kuna.New(kuna.Login{…}, kuna.WithBaseURL("https://…")).
func start() (*kuna.Client, *sandbox.Server) {
	srv := sandbox.Serve(sandbox.WithProviders("kuna"))
	client, err := kuna.New(
		kuna.Login{Email: "owner@fake.invalid", Password: "fake-kuna-password", MerchantID: "00000000-0000-5000-8000-00000000fa4e"},
		kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

// treasury is a wallet of the sandbox that holds 1000 USDT and 1 BTC.
const treasury = "1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5"

// register makes a customer.
func register(client *kuna.Client, email string) *kuna.Customer {
	customer, err := client.CreateCustomer(context.Background(), kuna.CreateCustomerRequest{
		Email: email, FirstName: "Ada", LastName: "Lovelace", Country: "FR",
		ResidenceAddress: "1 rue de la Paix, Paris", VerificationDocumentID: "FV633452",
	})
	if err != nil {
		log.Fatal(err)
	}
	return customer
}

// balance decodes what getBalance answers. That is not documented: compare with
// what you see.
func balance(client *kuna.Client, walletID, asset string) decimal.Decimal {
	answer, err := client.GetBalance(context.Background(), kuna.GetBalanceRequest{WalletID: &walletID, Assets: []string{asset}})
	if err != nil {
		log.Fatal(err)
	}
	var list []struct{ Asset, Balance string }
	if err := json.Unmarshal(answer.Data, &list); err != nil || len(list) != 1 {
		log.Fatal("a balance we do not understand: ", string(answer.Data))
	}
	return decimal.RequireFromString(list[0].Balance)
}

// Register a customer. Money operations take the WalletID, not the ID.
func ExampleClient_CreateCustomer() {
	client, srv := start()
	defer srv.Close()

	customer, err := client.CreateCustomer(context.Background(), kuna.CreateCustomerRequest{
		Email:                  "ada@mail.example",
		FirstName:              "Ada",
		LastName:               "Lovelace",
		Country:                "FR",
		ResidenceAddress:       "1 rue de la Paix, Paris",
		VerificationDocumentID: "FV633452",
		ExternalID:             new("customer-42"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(customer.Email, "two ids:", customer.ID != customer.WalletID)
	// Output: ada@mail.example two ids: true
}

// Look a customer up.
func ExampleClient_GetCustomerDetails() {
	client, srv := start()
	defer srv.Close()

	made := register(client, "ada@mail.example")
	customer, err := client.GetCustomerDetails(context.Background(), kuna.GetCustomerDetailsRequest{ID: &made.ID})
	if err != nil {
		log.Fatal(err)
	}
	country, _ := customer.Get("country") // a member the sample does not show is kept as JSON
	fmt.Println(customer.FirstName, customer.LastName, string(country))
	// Output: Ada Lovelace "FR"
}

// List customers. Each comes as its JSON, since the answer is not documented.
func ExampleClient_AllCustomers() {
	client, srv := start()
	defer srv.Close()

	for i := range 3 {
		register(client, fmt.Sprintf("customer%d@mail.example", i))
	}
	for raw, err := range client.AllCustomers(context.Background(), kuna.FindCustomersRequest{FullName: new("Ada Lovelace")}) {
		if err != nil {
			log.Fatal(err)
		}
		var customer kuna.Customer
		if err := json.Unmarshal(raw, &customer); err != nil {
			log.Fatal(err)
		}
		fmt.Println(customer.Email)
	}
	// Output:
	// customer0@mail.example
	// customer1@mail.example
	// customer2@mail.example
}

// Take a payment in crypto: ask for an address and show it to the payer. The
// same arguments give the same address.
func ExampleClient_GetDepositAddress() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")

	request := kuna.GetDepositAddressRequest{Asset: new("USDT"), Source: new("TRX")} // Source from DepositPreRequest
	request.Set("walletId", customer.WalletID)                                       // our guess: the page's table could not be read
	answer, err := client.GetDepositAddress(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	var deposit struct{ Address string }
	if err := json.Unmarshal(answer.Data, &deposit); err != nil {
		log.Fatal(err)
	}

	if err := srv.PayAmount(deposit.Address, "25.5"); err != nil { // what the payer does
		log.Fatal(err)
	}
	fmt.Println(balance(client, customer.WalletID, "USDT"), "USDT")
	// Output: 25.5 USDT
}

// Take a payment in fiat: freeze a rate, and send the payer to the invoice.
func ExampleClient_DepositWithExchange() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")

	freeze := kuna.FreezeRateRequest{SourceAsset: new("EUR"), TargetAsset: new("USDT"), DepositPaymentCode: new("EUR_CARD")}
	freeze.Set("sourceAmount", "100") // our guess, like walletId below: these tables could not be read
	answer, err := client.FreezeRate(ctx, freeze)
	if err != nil {
		log.Fatal(err)
	}
	var rate struct{ ID string }
	if err := json.Unmarshal(answer.Data, &rate); err != nil {
		log.Fatal(err)
	}

	deposit := kuna.DepositWithExchangeRequest{RateID: &rate.ID, DepositPaymentCode: new("EUR_CARD")} // within 30 seconds
	deposit.Set("walletId", customer.WalletID)
	answer, err = client.DepositWithExchange(ctx, deposit)
	if err != nil {
		log.Fatal(err)
	}
	var operation kuna.Operation
	if err := json.Unmarshal(answer.Data, &operation); err != nil {
		log.Fatal(err)
	}
	if operation.Metadata == nil || operation.Metadata.Invoice == nil {
		log.Fatal("nowhere to pay")
	}
	for name := range *operation.Metadata.Invoice { // a link or a bearerToken
		fmt.Println(operation.Status, "and paid by", name)
	}
	// Output: Created and paid by link
}

// Move an asset between two wallets of the institution.
func ExampleClient_CreateTransfer() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")

	terms, err := client.TransferPreRequest(ctx, kuna.TransferPreRequestRequest{Asset: "USDT"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.CreateTransfer(ctx, kuna.CreateTransferRequest{
		ExternalID: "transfer-4711", // your own: it finds the operation again
		Asset:      "USDT", Amount: "12.5",
		FromWalletID: treasury, ToWalletID: customer.WalletID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(balance(client, customer.WalletID, "USDT"), "USDT, fee in per cent:", terms.FeeRate)
	// Output: 12.5 USDT, fee in per cent: 2.0
}

// Exchange crypto for crypto at a frozen rate.
func ExampleClient_ExchangeCrypto() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	freeze := kuna.FreezeRateRequest{SourceAsset: new("BTC"), TargetAsset: new("USDT")}
	freeze.Set("sourceAmount", "0.01") // our guess: the page's table could not be read
	answer, err := client.FreezeRate(ctx, freeze)
	if err != nil {
		log.Fatal(err)
	}
	var rate struct{ ID string }
	if err := json.Unmarshal(answer.Data, &rate); err != nil {
		log.Fatal(err)
	}

	before := balance(client, treasury, "USDT")
	_, err = client.ExchangeCrypto(ctx, kuna.ExchangeCryptoRequest{RateID: rate.ID, WalletID: treasury, ExternalID: "exchange-4711"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("bought:", balance(client, treasury, "USDT").Sub(before), "USDT")
	// Output: bought: 600 USDT
}

// Pay out to an address, and see what became of it.
func ExampleClient_WithdrawCrypto() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	request := kuna.WithdrawCryptoRequest{
		WalletID:          treasury,
		PaymentMethodCode: new("USDT_TRX"), // from WithdrawPreRequest, as are the fields
		Fields:            new(json.RawMessage(`{"address":"T2iVdWdAQWDdwqiebc4miqreaUZ68HrhiF"}`)),
	}
	request.Set("asset", "USDT") // our guess: the page's table could not be read
	request.Set("amount", "40")
	answer, err := client.WithdrawCrypto(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	var made kuna.Operation
	if err := json.Unmarshal(answer.Data, &made); err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Type, made.Status)

	if err := srv.Pay(made.ID); err != nil { // the network has confirmed it
		log.Fatal(err)
	}
	operations, err := client.GetOperationDetails(ctx, kuna.GetOperationDetailsRequest{ID: made.ID})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range operations { // a list, although one id is asked for
		fmt.Println(o.Type, o.Status)
	}
	// Output:
	// Withdraw Processing
	// Withdraw Completed
}

// List the operations of a wallet, page after page.
func ExampleClient_AllOperations() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")

	for i := range 3 {
		_, err := client.CreateTransfer(ctx, kuna.CreateTransferRequest{
			ExternalID: fmt.Sprintf("transfer-%d", i), Asset: "USDT", Amount: "1", FromWalletID: treasury, ToWalletID: customer.WalletID,
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	filter := kuna.FindOperationsRequest{WalletID: new(treasury), Type: new(kuna.OperationTypeTransfer)}
	for operation, err := range client.AllOperations(ctx, nil, filter) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(operation.Type, operation.Status)
	}
	// Output:
	// Transfer Completed
	// Transfer Completed
	// Transfer Completed
}

// Receive callbacks. Nothing of them is documented, so the name says Unverified:
// let the URL tell which operation it is about, and read that.
func ExampleUnverifiedHandler() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	mux := http.NewServeMux()
	mux.Handle("POST /hooks/kuna/{externalID}", kuna.UnverifiedHandler(
		func(r *http.Request, _ *kuna.UnverifiedCallback) error {
			filter := kuna.FindOperationsRequest{ExternalID: new(r.PathValue("externalID"))}
			for operation, err := range client.AllOperations(r.Context(), nil, filter) {
				if err != nil {
					return err // answered 500
				}
				if operation.Status == string(kuna.OperationStatusCompleted) {
					fmt.Println(r.PathValue("externalID"), "is through")
				}
			}
			return nil
		},
		func(_ context.Context, err error) { log.Print(err) },
	))

	_, err := client.CreateTransfer(ctx, kuna.CreateTransferRequest{
		ExternalID: "transfer-4711", Asset: "USDT", Amount: "1",
		FromWalletID: treasury, ToWalletID: register(client, "ada@mail.example").WalletID,
		CallbackURL: new(srv.Receive(mux) + "/hooks/kuna/transfer-4711"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Settle(ctx); err != nil { // until the callback is through
		log.Fatal(err)
	}
	// Output: transfer-4711 is through
}

// A permanent key needs no login.
func ExampleAPIKey() {
	srv := sandbox.Serve(sandbox.WithProviders("kuna"))
	defer srv.Close()

	client, err := kuna.New(kuna.APIKey("fake-kuna-api-key"), kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(srv.Client()))
	if err != nil {
		log.Fatal(err)
	}
	rates, err := client.GetRateEquivalents(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("rates:", len(rates) > 0, "logins:", len(srv.Calls("kuna", "login")))
	// Output: rates: true logins: 0
}

// Every failed call is one type. Decide with errors.Is, read the facts from the
// *APIError.
func ExampleAPIError() {
	srv := sandbox.Serve(sandbox.WithProviders("kuna"))
	defer srv.Close()

	client, err := kuna.New(
		kuna.Login{Email: "owner@fake.invalid", Password: "wrong", MerchantID: "00000000-0000-5000-8000-00000000fa4e"},
		kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.GetRateEquivalents(context.Background())

	fmt.Println("unauthorized:", errors.Is(err, kuna.ErrUnauthorized))
	if e, ok := errors.AsType[*kuna.APIError](err); ok {
		fmt.Println(e.Operation) // and e.Status, e.Code, e.Message, e.RetryAfter
	}
	// Output:
	// unauthorized: true
	// kuna.getRateEquivalents
}

// The transfer was sent and no answer came. Do not send it again: its external
// id tells whether it was made.
func Example_outcomeUnknown() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")
	srv.Inject(sandbox.Fault{Name: "reset-after", Operation: "createTransfer", Count: 1})

	_, err := client.CreateTransfer(ctx, kuna.CreateTransferRequest{
		ExternalID: "transfer-4711", Asset: "USDT", Amount: "12.5", FromWalletID: treasury, ToWalletID: customer.WalletID,
	})
	if !errors.Is(err, kuna.ErrOutcomeUnknown) {
		log.Fatal("not in this example: ", err)
	}
	operations, err := client.FindOperations(ctx, nil, kuna.FindOperationsRequest{ExternalID: new("transfer-4711")})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range operations {
		fmt.Println("it was made:", o.Status)
	}
	// Output: it was made: Completed
}

// Amounts and rates are strings with up to 20 significant digits. A decimal
// library calculates with them; a float would not.
func Example_money() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	customer := register(client, "ada@mail.example")

	share := decimal.RequireFromString("10").DivRound(decimal.NewFromInt(3), 6) // a third of 10
	for i := range 3 {
		_, err := client.CreateTransfer(ctx, kuna.CreateTransferRequest{
			ExternalID: fmt.Sprintf("share-%d", i), Asset: "USDT", Amount: share.String(), FromWalletID: treasury, ToWalletID: customer.WalletID,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(balance(client, customer.WalletID, "USDT"))
	// Output: 9.999999
}
