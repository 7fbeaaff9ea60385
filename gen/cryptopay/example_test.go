package cryptopay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/time/rate"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// start plays CryptoPay in this process and returns a client of it. In your
// program it is cryptopay.New(cryptopay.APIKey("…"), cryptopay.WithSandbox()).
func start(opts ...cryptopay.ClientOption) (*cryptopay.Client, *sandbox.Server) {
	srv := sandbox.Serve(sandbox.WithProviders("cryptopay"))
	opts = append([]cryptopay.ClientOption{cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client())}, opts...)
	client, err := cryptopay.New(cryptopay.APIKey(srv.Credentials("cryptopay").APIKey), opts...)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

func Example() {
	srv := sandbox.Serve() // all five providers, in this process
	defer srv.Close()

	client, err := cryptopay.New(
		cryptopay.Login{Username: "fake-cryptopay-user", Password: "fake-cryptopay-password"},
		cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client()),
	)
	if err != nil {
		log.Fatal(err)
	}
	order, err := client.CreatePaymentOrder(context.Background(), cryptopay.CreatePaymentOrderRequest{
		Amount: "100.00", Currency: "USDC", Blockchain: "base", OrderInfo: `{"cart":"4711"}`, Nonce: 1640995200123456,
	})
	switch {
	case errors.Is(err, cryptopay.ErrOutcomeUnknown):
		log.Fatal("look it up before you try again: ", err)
	case err != nil:
		log.Fatal(err) // *cryptopay.APIError: operation, status, code, message, retry-after
	}
	fmt.Println(order.Status, order.Amount, order.Currency)
	// Output: pending 100.00 USDC
}

// Take a payment: create an order and send the payer to its page.
func ExampleClient_CreatePaymentOrder() {
	client, srv := start()
	defer srv.Close()

	order, err := client.CreatePaymentOrder(context.Background(), cryptopay.CreatePaymentOrderRequest{
		Amount:      "49.90",
		Currency:    "USDC",
		Blockchain:  "base",
		OrderInfo:   `{"cart":"4711"}`,      // a string that holds JSON
		Nonce:       time.Now().UnixMicro(), // keep it: it finds the order again
		ExpiresAt:   new(time.Now().Add(time.Hour)),
		RedirectURL: new("https://shop.example/thanks"),
		WebhookURL:  new("https://shop.example/hooks/cryptopay"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.Status, order.Amount, order.Currency, "on", order.Blockchain)
	fmt.Println("somewhere to pay:", order.PaymentURL != "")
	// Output:
	// pending 49.90 USDC on base
	// somewhere to pay: true
}

// Find an order. There is no call for one order: look through the list, newest
// first, for its OrderID or for the nonce that you sent.
func ExampleClient_AllPaymentOrders() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	for nonce := range int64(45) { // more than one page
		_, err := client.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{
			Amount: "1.00", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: nonce,
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	for order, err := range client.AllPaymentOrders(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if order.Nonce == 7 {
			fmt.Println("found:", order.Status, order.Amount, order.Currency)
			break
		}
	}
	// Output: found: pending 1.00 USDC
}

// See what was paid, and by which transaction.
func ExampleClient_GetTransaction() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	order, err := client.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{
		Amount: "49.90", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(order.OrderID); err != nil { // what the payer does
		log.Fatal(err)
	}

	confirmed := &cryptopay.ListTransactionsParams{Status: new(cryptopay.TransactionStatusFilterConfirmed)}
	for summary, err := range client.AllTransactions(ctx, confirmed) {
		if err != nil {
			log.Fatal(err)
		}
		transaction, err := client.GetTransaction(ctx, summary.TransactionHash)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(transaction.PaymentOrder.OrderID == order.OrderID, transaction.PaymentOrder.Amount, transaction.Status)
	}
	// Output: true 49.90 confirmed
}

// Receive webhooks: the handler verifies the signature, decodes, and answers as
// documented.
func ExampleHandler() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	secret := srv.Credentials("cryptopay").WebhookSecret // neither the password nor an API key
	handler := cryptopay.Handler(cryptopay.Verifier{Secrets: []string{secret}}, func(_ context.Context, e *cryptopay.PaymentEvent) error {
		switch e.Event {
		case cryptopay.EventPaymentConfirmed:
			fmt.Println("deliver") // what e.Data.OrderID paid for; record e.DedupID() with it
		default:
			fmt.Println("ignore", e.Event)
		}
		return nil
	})
	// In your server: http.Handle("POST /hooks/cryptopay", handler)

	order, err := client.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{
		Amount: "49.90", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: 1,
		WebhookURL: new(srv.Receive(handler)),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Pay(order.OrderID); err != nil { // what the payer does
		log.Fatal(err)
	}
	if err := srv.Settle(ctx); err != nil { // until the webhooks are through
		log.Fatal(err)
	}
	// Output:
	// ignore payment.pending
	// deliver
}

// Verify and decode in one call, in a handler of your own or in a test of it:
// what is not signed with the secret is an error and no event.
func ExampleParsePaymentEvent() {
	verifier := cryptopay.Verifier{Secrets: []string{"this month's secret", "last month's secret"}}
	body := `{"event":"payment.confirmed","data":{"order_id":"ORD-abc123def456"}}`

	for _, secret := range []string{"last month's secret", "a forger's guess"} {
		r := httptest.NewRequest("POST", "/hooks/cryptopay", strings.NewReader(body))
		r.Header.Set(cryptopay.SignatureHeader, cryptopay.SignWebhook(secret, []byte(body)))

		event, err := cryptopay.ParsePaymentEvent(r, verifier)
		switch {
		case errors.Is(err, webhook.ErrSignature):
			fmt.Println("forged")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(event.Event, event.Data.OrderID)
		}
	}
	// Output:
	// payment.confirmed ORD-abc123def456
	// forged
}

// Every failed call is one type. Decide with errors.Is, read the facts from
// the *APIError.
func ExampleAPIError() {
	srv := sandbox.Serve(sandbox.WithProviders("cryptopay"))
	defer srv.Close()

	client, err := cryptopay.New(cryptopay.Login{Username: "fake-cryptopay-user", Password: "wrong"},
		cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client()))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.ListPaymentOrders(context.Background(), nil)

	fmt.Println("unauthorized:", errors.Is(err, cryptopay.ErrUnauthorized))
	if e, ok := errors.AsType[*cryptopay.APIError](err); ok {
		fmt.Println(e.Operation, e.Status, e.Code)
	}
	// Output:
	// unauthorized: true
	// cryptopay.listPaymentOrders 401 INVALID_TOKEN
}

// A refused request names its fields.
func ExampleAPIError_fields() {
	client, srv := start()
	defer srv.Close()

	_, err := client.CreatePaymentOrder(context.Background(), cryptopay.CreatePaymentOrderRequest{
		Amount: "a lot", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: 1,
	})
	if e, ok := errors.AsType[*cryptopay.APIError](err); ok && errors.Is(err, cryptopay.ErrValidation) {
		fmt.Println(e.Code, e.Fields["amount"])
	}
	// Output: VALIDATION_ERROR [A valid number is required.]
}

// The order was sent and the connection broke: nobody knows whether it was
// made. Do not send it again, look for it.
func Example_outcomeUnknown() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()
	srv.Inject(sandbox.Fault{Name: "reset-after", Operation: "createPaymentOrder", Count: 1})

	request := cryptopay.CreatePaymentOrderRequest{Amount: "49.90", Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: 1640995200123456}
	_, err := client.CreatePaymentOrder(ctx, request)
	if !errors.Is(err, cryptopay.ErrOutcomeUnknown) {
		log.Fatal("not in this example: ", err)
	}
	if e, ok := errors.AsType[*cryptopay.APIError](err); ok {
		fmt.Println(e.Operation.Outcome)
	}
	for order, err := range client.AllPaymentOrders(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if order.Nonce == request.Nonce {
			fmt.Println("it was made:", order.Status, order.Amount)
			break
		}
	}
	// Output:
	// Call listPaymentOrders and look for the order with the nonce you sent; that list items show the nonce is our reading.
	// it was made: pending 49.90
}

// See the answer's headers: how much of the hour's rate limit is left.
func ExampleCapture() {
	client, srv := start()
	defer srv.Close()

	var answer cryptopay.Response
	if _, err := client.ListPaymentOrders(context.Background(), nil, cryptopay.Capture(&answer)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Status, answer.Header.Get("X-RateLimit-Remaining"), "of", answer.Header.Get("X-RateLimit-Limit"))
	// Output: 200 999 of 1000
}

// Keep to the rate limit instead of meeting it: the provider's own, as its
// headers tell, and one of yours.
func ExampleWithRateLimit() {
	client, srv := start(
		cryptopay.WithRateLimit(),
		cryptopay.WithLimiter(rate.NewLimiter(rate.Every(time.Millisecond), 10)),
	)
	defer srv.Close()

	for range 20 {
		if _, err := client.ListPaymentOrders(context.Background(), nil); err != nil {
			log.Fatal(err) // ErrRateLimited, if the turn comes after the context's deadline
		}
	}
	fmt.Println("calls:", len(srv.Calls("cryptopay", "listPaymentOrders")))
	// Output: calls: 20
}

// Amounts are strings, digits as they were sent. A decimal library calculates
// with them; a float would not.
func Example_money() {
	client, srv := start()
	defer srv.Close()
	ctx := context.Background()

	for nonce, price := range []string{"0.10", "0.20", "19.999999999999999999"} {
		amount := decimal.RequireFromString(price).Mul(decimal.NewFromInt(3)) // three of each
		_, err := client.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{
			Amount: amount.String(), Currency: "USDC", Blockchain: "base", OrderInfo: "{}", Nonce: int64(nonce),
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	var sum decimal.Decimal
	for order, err := range client.AllPaymentOrders(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		amount, err := decimal.NewFromString(order.Amount)
		if err != nil {
			log.Fatal(err)
		}
		sum = sum.Add(amount)
	}
	fmt.Println(sum)
	// Output: 60.899999999999999997
}

// Count attempts, repeats included: the first one gets no answer here, and a
// read may be sent again.
func ExampleWithHook() {
	client, srv := start(cryptopay.WithHook(func(_ context.Context, a operation.Attempt) {
		fmt.Println(a.Operation, a.Number, a.Status) // and a.Duration, a.Err
	}))
	defer srv.Close()
	srv.Inject(sandbox.Fault{Name: "reset-before", Operation: "listPaymentOrders", Count: 1})

	if _, err := client.ListPaymentOrders(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// cryptopay.listPaymentOrders 1 0
	// cryptopay.listPaymentOrders 2 200
}

// Log every attempt, at debug level, without credentials and bodies.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // the same at every run
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))
	client, srv := start(cryptopay.WithLogger(logger))
	defer srv.Close()

	if _, err := client.GetTransaction(context.Background(), "0xfake"); err != nil {
		logger.Error("no such transaction", "error", err) // an error logs its facts
	}
	// Output:
	// level=DEBUG msg="payment API attempt" operation=cryptopay.getTransaction attempt=1 status=404
	// level=ERROR msg="no such transaction" error.operation=cryptopay.getTransaction error.status=404 error.code=NOT_FOUND error.message="Transaction not found" error.kind="not found"
}

// traced does what otelhttp.NewTransport does: a span for each attempt.
type traced struct{ next http.RoundTripper }

func (t traced) RoundTrip(req *http.Request) (*http.Response, error) {
	op, _ := operation.From(req.Context())
	res, err := t.next.RoundTrip(req) // a span begins before this line and ends after it
	if err == nil {
		fmt.Printf("span %q: %s %s: %d\n", op, op.Method, op.Path, res.StatusCode)
	}
	return res, err
}

// Trace with OpenTelemetry, or wrap the transport in anything else: in your
// program Transport is otelhttp.NewTransport(http.DefaultTransport). The
// operation in the request's context names a span without ids in it.
func ExampleWithHTTPClient_openTelemetry() {
	srv := sandbox.Serve(sandbox.WithProviders("cryptopay"))
	defer srv.Close()

	client, err := cryptopay.New(
		cryptopay.APIKey(srv.Credentials("cryptopay").APIKey),
		cryptopay.WithBaseURL(srv.URL("cryptopay")),
		cryptopay.WithHTTPClient(&http.Client{Transport: traced{srv.Client().Transport}}),
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.GetTransaction(context.Background(), "0xfake"); !errors.Is(err, cryptopay.ErrNotFound) {
		log.Fatal(err)
	}
	// Output: span "cryptopay.getTransaction": GET /api/transactions/{transaction_hash}/: 404
}

// Share tokens between processes, so that they log in once and no two of them
// spend the same refresh token. Package redisstore does it between machines.
func ExampleWithStore() {
	srv := sandbox.Serve(sandbox.WithProviders("cryptopay"))
	defer srv.Close()
	dir, err := os.MkdirTemp("", "tokens") // /var/lib/shop/tokens, readable by its owner only
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	for range 3 { // three processes
		store, err := authn.NewFile(dir)
		if err != nil {
			log.Fatal(err)
		}
		client, err := cryptopay.New(
			cryptopay.Login{Username: "fake-cryptopay-user", Password: "fake-cryptopay-password"},
			cryptopay.WithStore(store, ""),
			cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client()),
		)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := client.ListPaymentOrders(context.Background(), nil); err != nil {
			log.Fatal(err)
		}
		if err := client.Close(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("logins:", len(srv.Calls("cryptopay", "login")))
	// Output: logins: 1
}

// Ask a vault for the password when a login is due, instead of keeping it.
func ExampleLoginFunc() {
	srv := sandbox.Serve(sandbox.WithProviders("cryptopay"))
	defer srv.Close()
	vault := func(context.Context) (cryptopay.Login, error) {
		fmt.Println("the vault is asked")
		return cryptopay.Login{Username: "fake-cryptopay-user", Password: "fake-cryptopay-password"}, nil
	}

	client, err := cryptopay.New(cryptopay.LoginFunc(vault),
		cryptopay.WithBaseURL(srv.URL("cryptopay")), cryptopay.WithHTTPClient(srv.Client()))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		if _, err := client.ListPaymentOrders(context.Background(), nil); err != nil {
			log.Fatal(err)
		}
	}
	// Output: the vault is asked
}
