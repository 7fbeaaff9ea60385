package cryptopay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// What PaymentEvent.Event may be. The list is open: treat what you do not know
// as a success and ignore it.
const (
	EventPaymentPending   = "payment.pending"   // the transaction was seen on the chain
	EventPaymentConfirmed = "payment.confirmed" // it has the confirmations it needs
	EventPaymentFailed    = "payment.failed"    // it failed or was rejected
	EventOrderExpired     = "order.expired"     // nobody paid in time; Data has no transaction
)

// SignatureHeader holds a webhook's signature.
const SignatureHeader = "X-Webhook-Signature"

// Verifier says which webhooks are believed: Secrets are the webhook secret,
// which is neither the password nor an API key. Tolerance is how far the event's
// timestamp may be from now, 24 hours if not set.
type Verifier = webhook.Verifier

// defaultTolerance is generous, since nobody documents for how long an event is
// sent again and whether its timestamp then is new.
const defaultTolerance = 24 * time.Hour

// ParsePaymentEvent returns an event whose signature is right, over the bytes
// of the body as they came.
//
// An event without a timestamp is not refused for its age: only the body's
// signature protects the timestamp, and the documentation shows one event of
// four. See https://www.docs.echogate.craftfolio.dev/docs/api/webhooks
func ParsePaymentEvent(r *http.Request, v Verifier) (*PaymentEvent, error) {
	e, err := parsePaymentEvent(r, v)
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return e, nil
}

// Handler receives webhooks: it calls f with each event that
// [ParsePaymentEvent] returns and answers 200 OK if f returns nil, 401 Invalid
// signature as documented, and 500 if f returns an error. Whether CryptoPay then
// sends the event again is not documented. Handler panics if v has no secret.
func Handler(v Verifier, f func(ctx context.Context, e *PaymentEvent) error) http.Handler {
	return webhook.Handler(v, ParsePaymentEvent, f, webhook.Reply{Provider: provider.Name, Type: "text/plain; charset=utf-8", Body: "OK"})
}

// DedupID is the same for every sending of the same event. It is made of event,
// order and transaction: that WebhookID names the delivery is not documented.
func (e *PaymentEvent) DedupID() string {
	id := e.Event + ":" + e.Data.OrderID
	if e.Data.TransactionHash != nil {
		id += ":" + *e.Data.TransactionHash
	}
	return id
}

// SignWebhook returns the value of [SignatureHeader] for a body, for tests and
// for fakes that play CryptoPay.
func SignWebhook(secret string, body []byte) string { return webhook.SignHMAC(secret, body) }

func parsePaymentEvent(r *http.Request, v Verifier) (*PaymentEvent, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	body, err := webhook.Body(r)
	if err != nil {
		return nil, err
	}
	if n := len(r.Header.Values(SignatureHeader)); n > 1 {
		return nil, webhook.Refuse(webhook.ErrSignature, "%d headers", n)
	}
	if err := v.VerifyHMAC(r.Header.Get(SignatureHeader), body); err != nil {
		return nil, err
	}
	// From here on the body is CryptoPay's own.
	var e PaymentEvent
	if err := jsonx.Unmarshal(body, &e); err != nil {
		return nil, webhook.Refuse(webhook.ErrMalformed, "the body is not the documented JSON%s", where(err))
	}
	if e.Event == "" || e.Data.OrderID == "" {
		return nil, webhook.Refuse(webhook.ErrMalformed, "event or data.order_id is missing")
	}
	if e.Timestamp != nil {
		if err := v.Near(*e.Timestamp, defaultTolerance); err != nil {
			return nil, err
		}
	}
	if err := v.Once(r.Context(), e.DedupID()); err != nil {
		return nil, err
	}
	return &e, nil
}

// where names the member that does not fit, and not what stands in it.
func where(err error) string {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) && t.Field != "" {
		return ": " + t.Field
	}
	return ""
}
