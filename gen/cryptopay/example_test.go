package cryptopay_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

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
