// Package ecartpay is a client for Ecart Pay, a payment provider in Latin
// America: orders, checkouts, cards, subscriptions, payouts, invoicing.
//
//	client, err := ecartpay.New(ecartpay.Keys{PublicKey: "…", PrivateKey: "…"}, ecartpay.WithSandbox())
//	order, err := client.CreateOrder(ctx, ecartpay.CreateOrderRequest{ … })
//	// send the payer to order.PayLink
//
// # Credentials
//
// A public and a private key ([Keys]) are exchanged for a token of one hour. The
// token goes out bare: "Authorization: eyJ…", without a word before it. Sandbox
// and production have keys of their own. A few calls want other credentials
// (OAuth codes, a dashboard token, the bank simulator's key): give those as an
// editor of the call, such as authn.Bearer(authn.Static(token)).
//
// # Traps
//
//   - Money is a JSON number in major units: 243.33, never cents. It is
//     [json.Number] here, so digits stay as sent.
//   - The body's statusCode may differ from the HTTP status: the one documented
//     error is an HTTP 500 that says 400. The kind of the error follows the body.
//   - About half of the operations have no documented answer: those methods
//     return a map or raw JSON, and say so.
//   - An order's payer is named either by customer_id or by e-mail and name.
//   - A payout's reference_id works once.
//   - Webhooks sign the compact JSON of their data member, not the whole body; a
//     4xx answer is never retried, so a wrong 401 loses the event.
//
// What is documented, what we inferred and where the documentation contradicts
// itself is in specs/ecartpay/README.md. Source: https://docs.ecartpay.com.
package ecartpay

//go:generate go tool oapi-codegen -config codegen.yaml ../../specs/ecartpay/openapi.yaml
