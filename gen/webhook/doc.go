// Package webhook holds what the providers' webhook receivers have in common:
// the settings, the kinds of refusal, the checks of a signature and the
// http.Handler around them. The receivers themselves are in the providers'
// packages, such as cryptopay.ParsePaymentEvent and cryptopay.Handler.
//
//	http.Handle("POST /hooks/cryptopay", cryptopay.Handler(
//		cryptopay.Verifier{Secrets: []string{os.Getenv("WEBHOOK_SECRET")}},
//		func(ctx context.Context, e *cryptopay.PaymentEvent) error {
//			return orders.Apply(ctx, e.DedupID(), e)
//		}))
//
// A Parse function verifies and decodes in one call: it returns a message, or
// an *[Error] and nothing else. Decide by errors.Is with the kinds below.
//
// # What is read
//
// At most [MaxBody] bytes, and only of a POST. Afterwards the request's body is
// a fresh reader over the same bytes, so that a later handler can read them
// again; after [ErrTooLarge] and [ErrUnavailable] what was read is gone.
// Whatever stands before a receiver must leave the body alone: signatures
// cover the bytes as they were sent, not JSON that was written anew.
//
// # Messages that come twice
//
// Providers repeat what was not answered in time, and whoever recorded a
// request may send it again. See [Verifier.Seen].
package webhook
