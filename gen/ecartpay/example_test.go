package ecartpay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/shopspring/decimal"

	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// start plays Ecart Pay in this process and returns a client of it. In your
// program it is ecartpay.New(ecartpay.Keys{…}), with ecartpay.WithSandbox() for
// the provider's own sandbox.
func start() (*ecartpay.Client, *sandbox.Server) {
	srv := sandbox.Serve(sandbox.WithProviders("ecartpay"))
	client, err := ecartpay.New(
		ecartpay.Keys{PublicKey: "pub_fake_public_key", PrivateKey: "prv_fake_private_key"},
		ecartpay.WithBaseURL(srv.URL("ecartpay")), ecartpay.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

// bracelet is an order of one line.
func bracelet() ecartpay.CreateOrderRequest {
	return ecartpay.CreateOrderRequest{
		Currency:  "MXN",
		Email:     new("ada@mail.example"),
		FirstName: new("Ada"),
		LastName:  new("Lovelace"),
		Phone:     new("8114854378"),
		Items:     []ecartpay.OrderItem{{Name: "Bracelet", Price: "243.33", Quantity: "1"}},
	}
}

// Take a payment: create an order and send the payer to its page.
func ExampleClient_CreateOrder() {
	client, srv := start()
	defer srv.Close()

	order, err := client.CreateOrder(context.Background(), ecartpay.CreateOrderRequest{
		Currency: "MXN",
		Email:    new("ada@mail.example"), FirstName: new("Ada"), LastName: new("Lovelace"), Phone: new("8114854378"),
		Items: []ecartpay.OrderItem{
			{Name: "Bracelet", Price: "243.33", Quantity: "2"}, // pesos, never cents
			{Name: "Box", Price: "10", Quantity: "1"},
		},
		NotifyURL:   new("https://shop.example/hooks/ecartpay"),
		RedirectURL: new("https://shop.example/thanks"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if order.PayLink == nil || order.Totals == nil || order.Totals.Total == nil {
		log.Fatal("an order that nobody can pay")
	}
	fmt.Println(order.Status, *order.Totals.Total)
	// Output: created 496.66
}

// Let the payer choose one of several amounts.
func ExampleClient_CreateCheckout() {
	client, srv := start()
	defer srv.Close()

	checkout, err := client.CreateCheckout(context.Background(), ecartpay.CreateCheckoutRequest{
		Concept:     "Recharge",
		Currency:    "MXN",
		Amounts:     []json.Number{"50", "100", "200"},
		ReferenceID: new("recharge-4711"), // nothing lists checkouts: give each its own
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(checkout.Amounts, "somewhere to pay:", checkout.Link != nil)
	// Output: [50 100 200] somewhere to pay: true
}

// Look an order up.
func ExampleClient_GetOrder() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	made, err := client.CreateOrder(ctx, bracelet())
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(made.ID); err != nil { // what the payer does
		log.Fatal(err)
	}

	order, err := client.GetOrder(ctx, made.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("paid:", order.Status == ecartpay.OrderStatusPaid)

	_, err = client.GetOrder(ctx, "no-such-order")
	fmt.Println("not found:", errors.Is(err, ecartpay.ErrNotFound))
	// Output:
	// paid: true
	// not found: true
}

// List what came in. Ecart Pay does not document what a transaction in a list
// looks like, so each comes as its JSON: decode what you see.
func ExampleClient_AllTransactions() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	for range 2 {
		order, err := client.CreateOrder(ctx, bracelet())
		if err != nil {
			log.Fatal(err)
		}
		if err := srv.Pay(order.ID); err != nil { // what the payer does
			log.Fatal(err)
		}
	}

	var sum decimal.Decimal
	for raw, err := range client.AllTransactions(ctx, &ecartpay.ListTransactionsParams{Type: new("payment")}) {
		if err != nil {
			log.Fatal(err)
		}
		var t struct {
			Amount   json.Number `json:"amount"` // never a float
			Currency string      `json:"currency"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.Amount, t.Currency)
		sum = sum.Add(decimal.RequireFromString(t.Amount.String()))
	}
	fmt.Println("sum:", sum)
	// Output:
	// 243.33 MXN
	// 243.33 MXN
	// sum: 486.66
}

// Refund an order, in part here. The answer is not documented: read the order.
func ExampleClient_RefundOrder() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	order, err := client.CreateOrder(ctx, bracelet())
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(order.ID); err != nil { // what the payer does
		log.Fatal(err)
	}

	_, err = client.RefundOrder(ctx, order.ID, ecartpay.RefundOrderRequest{
		Amount: "43.33",
		Reason: new(ecartpay.RefundReasonRequested), // required, whatever its type says
	})
	if err != nil {
		log.Fatal(err)
	}
	order, err = client.GetOrder(ctx, order.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.Status)
	// Output: partially_refunded
}

// Pay out, with a second look: the money waits until it is confirmed.
func ExampleClient_CreatePayout() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	payout, err := client.CreatePayout(ctx, ecartpay.CreatePayoutRequest{
		Email:               new("seller@mail.example"),
		Amount:              new(json.Number("150.50")),
		Currency:            new("MXN"),
		ReferenceID:         new("payout-4711"), // works once, and finds the payout again
		RequireConfirmation: new(true),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(payout.Status)

	payout, err = client.ConfirmPayout(ctx, payout.ID, ecartpay.ConfirmPayoutRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(payout.Status)
	// Output:
	// pending
	// paid
}

// Charge a customer every month.
func ExampleClient_CreateSubscription() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	customer, err := client.CreateCustomer(ctx, ecartpay.CustomerData{Email: new("ada@mail.example"), Phone: new("8114854378")})
	if err != nil {
		log.Fatal(err)
	}
	subscription, err := client.CreateSubscription(ctx, ecartpay.CreateSubscriptionRequest{
		CustomerID: &customer.ID,
		Service:    new("Gold Plus"),
		Amount:     new(json.Number("100")),
		Currency:   new("MXN"),
		Interval:   new(ecartpay.BillingIntervalMonthly),
		Frequency:  new(1),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(subscription.Status)

	_, err = client.UpdateSubscription(ctx, subscription.ID, ecartpay.SubscriptionChange{Status: new(ecartpay.SubscriptionStatusCancelled)})
	if err != nil {
		log.Fatal(err)
	}
	for s, err := range client.AllSubscriptions(ctx, &ecartpay.ListSubscriptionsParams{CustomerID: &customer.ID}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(s.Status)
	}
	// Output:
	// active
	// cancelled
}

// Receive notifications. The signature covers the order's id and not the
// event's name: read the order and decide on that.
func ExampleHandler() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	secret := srv.Credentials("ecartpay").WebhookSecret // the account's Global Secret
	handler := ecartpay.Handler(ecartpay.Verifier{Secrets: []string{secret}}, func(ctx context.Context, d *ecartpay.Delivery) error {
		if d.Event != ecartpay.EventOrdersConfirmation || d.Data.ID == nil {
			return nil
		}
		order, err := client.GetOrder(ctx, *d.Data.ID)
		if err != nil {
			return err // answered 500: sent again
		}
		if order.Status == ecartpay.OrderStatusPaid {
			fmt.Println("deliver", order.Items[0].Name) // once: record d.DedupID() with it
		}
		return nil
	})
	// In your server: http.Handle("POST /hooks/ecartpay", handler)

	request := bracelet()
	request.NotifyURL = new(srv.Receive(handler))
	order, err := client.CreateOrder(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(order.ID); err != nil { // what the payer does
		log.Fatal(err)
	}
	if err := srv.Settle(ctx); err != nil { // until the notifications are through
		log.Fatal(err)
	}
	// Output: deliver Bracelet
}

// Every failed call is one type. Decide with errors.Is, read the facts from the
// *APIError.
func ExampleAPIError() {
	srv := sandbox.Serve(sandbox.WithProviders("ecartpay"))
	defer srv.Close()

	client, err := ecartpay.New(
		ecartpay.Keys{PublicKey: "pub_fake_public_key", PrivateKey: "wrong"},
		ecartpay.WithBaseURL(srv.URL("ecartpay")), ecartpay.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.CreateOrder(context.Background(), bracelet())

	fmt.Println("unauthorized:", errors.Is(err, ecartpay.ErrUnauthorized))
	if e, ok := errors.AsType[*ecartpay.APIError](err); ok {
		fmt.Println(e.Operation) // and e.Status, e.Code, e.Message, e.RetryAfter
	}
	// Output:
	// unauthorized: true
	// ecartpay.createOrder
}

// The payout was sent and no answer came. Do not send it again: its reference
// tells whether it was made.
func Example_outcomeUnknown() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	srv.Inject(sandbox.Fault{Name: "reset-after", Operation: "createPayout", Count: 1})

	_, err := client.CreatePayout(ctx, ecartpay.CreatePayoutRequest{
		Email: new("seller@mail.example"), Amount: new(json.Number("150.50")), Currency: new("MXN"), ReferenceID: new("payout-4711"),
	})
	if !errors.Is(err, ecartpay.ErrOutcomeUnknown) {
		log.Fatal("not in this example: ", err)
	}

	answer, err := client.ListPayouts(ctx, &ecartpay.ListPayoutsParams{ReferenceID: new("payout-4711")})
	if err != nil {
		log.Fatal(err)
	}
	var list struct { // its shape is not documented: see what you get
		Docs []ecartpay.Payout `json:"docs"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		log.Fatal(err)
	}
	for _, payout := range list.Docs {
		fmt.Println("it was made:", payout.Status)
	}
	// Output: it was made: paid
}

// Amounts are json.Number, in major units. A decimal library calculates with
// them; a float would not.
func Example_money() {
	client, srv := start()
	defer srv.Close()

	price := decimal.RequireFromString("243.33")
	discounted := price.Mul(decimal.RequireFromString("0.85")).RoundBank(2)
	request := bracelet()
	request.Items[0].Price = json.Number(discounted.String())
	request.Items[0].Quantity = "3"

	order, err := client.CreateOrder(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	if order.Totals == nil || order.Totals.Total == nil {
		log.Fatal("an order without a total")
	}
	total, err := decimal.NewFromString(order.Totals.Total.String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(total, total.Equal(discounted.Mul(decimal.NewFromInt(3))))
	// Output: 620.49 true
}
