// Package crypterium is a client for Crypterium's partner API: a merchant
// registers customers, and moves money between its own wallets, theirs and
// outside addresses.
//
//	client, err := crypterium.New(crypterium.Merchant{
//		MerchantID: "…",
//		Password:   "…",
//		UserAgent:  "Mozilla/5.0 (…)",
//	})
//	wallets, err := client.GetMerchantWallets(ctx)
//
// # Credentials
//
// A merchant id and a password ([Merchant]) are exchanged at POST /oauth/token by
// a grant of the provider's own, grant_type=merchant, under a Basic header that
// is the same for every partner. The token lives a year; asking again seems to
// give the same one with less life left. There is no refresh token.
//
// # Traps
//
//   - A User-Agent is required, on every call, and should look like a browser's
//     or a device's.
//   - The documentation shows the token request under three content types; form
//     parts are the consistent reading, see [Merchant].
//   - No error is documented at all. What is decoded here comes from a sibling
//     API; rely on kinds ([ErrUnauthorized], …), not on codes.
//   - Crediting, sending and debiting answer nothing documented, and no id: to
//     see what happened, read the wallets and wait for the callback.
//   - Callbacks carry no signature and no amount. Treat one as a hint to look.
//   - A customer's token ([Client.AuthorizeCustomer]) is not the merchant's: it
//     lives about 15 minutes and goes to the customer's device.
//
// What is documented, what we inferred and where the documentation contradicts
// itself is in specs/crypterium/README.md. Source: https://docs.crypterium.com.
package crypterium

//go:generate go tool oapi-codegen -config codegen.yaml ../../specs/crypterium/openapi.yaml
