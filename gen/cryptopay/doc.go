// Package cryptopay is a client for CryptoPay, a non-custodial multi-chain
// payment gateway: the merchant's own wallets receive, the service watches the
// chains and sends webhooks. It is not the service at cryptopay.me.
//
//	client, err := cryptopay.New(cryptopay.APIKey("cp_live_…"), cryptopay.WithSandbox())
//	order, err := client.CreatePaymentOrder(ctx, cryptopay.CreatePaymentOrderRequest{
//		Amount:     "100.00",
//		Currency:   "USDC",
//		Blockchain: "base",
//		OrderInfo:  `{"cart":"4711"}`,
//		Nonce:      time.Now().UnixMicro(),
//	})
//	// send the payer to order.PaymentURL
//
// # Credentials
//
// A key made in the dashboard ([APIKey]), or a user name and password ([Login]):
// those give a JWT of 24 hours and a refresh token of 30 days. Each refresh
// replaces both, so processes that share an account should share a store
// ([WithStore]), else one of them loses its refresh token.
//
// # Traps
//
//   - No production address is documented: [New] needs [WithBaseURL] or
//     [WithSandbox].
//   - OrderInfo is a string that holds JSON, not an object; so it is in webhooks.
//   - Some paths end in a slash and some do not. Proxies that tidy paths break
//     the API.
//   - Three notions of time: ISO 8601 strings, X-RateLimit-Reset in epoch
//     seconds, retry_after in seconds from now.
//   - A page's next link is relative and drops page_size; use the All… methods.
//   - Rate limit: 1000 calls an hour on the standard plan.
//
// What is documented, what we inferred and where the documentation contradicts
// itself is in specs/cryptopay/README.md. Source:
// https://www.docs.echogate.craftfolio.dev/docs/api/overview.
package cryptopay

//go:generate go tool oapi-codegen -config codegen.yaml ../../specs/cryptopay/openapi.yaml
