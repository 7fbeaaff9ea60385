// Package kuna is a client for Kuna Core: customers with wallets, deposits,
// withdrawals, exchanges and transfers, for institutions that resell Kuna's
// exchange. Kuna Pay (invoices, under /v1) is another product and not in here.
//
//	client, err := kuna.New(
//		kuna.Login{Email: "…", Password: "…", MerchantID: "…"},
//		kuna.WithBaseURL("https://…"), // Kuna gives each partner an address
//	)
//	customer, err := client.CreateCustomer(ctx, kuna.CreateCustomerRequest{ … })
//
// # Credentials
//
// An e-mail address, a password and a merchant id ([Login]) give an access token
// of 30 minutes and a refresh token of two days; or a permanent key ([APIKey]).
//
// # Traps
//
//   - The login's e-mail address travels in a member called token, and its
//     expiresIn is a Unix time, not a duration.
//   - The merchant_id header has an underscore. Some proxies, nginx by default,
//     drop such headers without a word.
//   - Nearly every call is a POST, reads included. What may be repeated is decided
//     by the operation, not by the method.
//   - An error's message is a string in one case and an object in another.
//   - Rates and amounts are strings with up to 20 significant digits.
//   - Operations use the wallet's id, not the customer's, even where samples show
//     the same string.
//   - A frozen rate lives 30 seconds.
//   - The answers of many calls are not documented: those return an
//     [OpenEnvelope], whose Data you decode as what you see.
//
// What is documented, what we inferred and where the documentation contradicts
// itself is in specs/kuna/README.md. Source: https://docs.kunacore.io.
package kuna

//go:generate go tool oapi-codegen -config codegen.yaml ../../specs/kuna/openapi.yaml
