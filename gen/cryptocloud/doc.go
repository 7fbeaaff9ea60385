// Package cryptocloud is a client for CryptoCloud (since 2026 also "Trybit"), a
// gateway that takes payments in cryptocurrency: invoices, static wallets,
// withdrawals, and the postback that tells of a payment.
//
//	client, err := cryptocloud.New(cryptocloud.APIKey("…"))
//	invoice, err := client.CreateInvoice(ctx, cryptocloud.CreateInvoiceRequest{
//		ShopID:   "…",
//		Amount:   "49.90",
//		Currency: new("EUR"),
//	})
//	// send the payer to invoice.Link
//
// # Credentials
//
// One static key opens everything ([APIKey]); withdrawals need a second one
// ([Keys]). Both go out as "Authorization: Token <key>". They do not expire.
// The shop id is a member of each request, and the project's secret key checks
// postbacks; neither is a credential of the client.
//
// # Traps
//
//   - Creating an invoice twice makes two invoices, even with the same order id:
//     no idempotency is documented. A call without an answer is
//     [ErrOutcomeUnknown], and the error says how to look.
//   - A bad key is HTTP 400 in one place and 403 in another; both are
//     [ErrUnauthorized] here.
//   - Money comes as JSON numbers, sometimes as 3e-06. They are [json.Number]:
//     digits stay as sent, and no float is in between.
//   - Once the payer has chosen a currency, amount is in it. Compare
//     amount_in_fiat and fiat_currency with your order.
//   - "paid" and "overpaid" are both paid; refuse test_mode in production.
//   - A postback's token proves nothing about its other fields. Read the invoice
//     again before you deliver.
//   - The limit of ListInvoices is documented as an end index, not a page size;
//     [Client.AllInvoices] takes care of it.
//   - Withdrawals: 12 seconds apart.
//
// The methods with V1 in their name are the provider's old API. What is
// documented, what we inferred and where the documentation contradicts itself is
// in specs/cryptocloud/README.md. Source: https://docs.cryptocloud.plus.
package cryptocloud

//go:generate go tool oapi-codegen -config codegen.yaml ../../specs/cryptocloud/openapi.yaml
