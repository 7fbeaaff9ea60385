package ecartpay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// What Notification.Event may be. The list is open, and the tenses and plurals
// are Ecart Pay's.
const (
	EventBillingInformationUpdated  = "billing_information.updated"
	EventBillingInformationDeleted  = "billing_information.deleted"
	EventBillingsCreate             = "billings.create"
	EventSubscriptionCreated        = "subscription.created"
	EventSubscriptionPaymentSuccess = "subscription.payment_success"
	EventSubscriptionPaymentFailed  = "subscription.payment_failed" // after two attempts
	EventSubscriptionPaused         = "subscription.paused"         // after five
	EventSubscriptionCancelled      = "subscription.cancelled"
	EventTransferCreated            = "transfer.created"
	EventOrdersCreate               = "orders.create"
	EventOrdersUpdate               = "orders.update"
	EventOrdersConfirmation         = "orders.confirmation" // paid
	EventWithdrawalsProcessing      = "withdrawals.processing"
	EventWithdrawalsPaid            = "withdrawals.paid"
	EventWithdrawalsCancelled       = "withdrawals.cancelled"
)

// The headers of a notification.
const (
	TimestampHeader = "X-Pay-Timestamp"  // milliseconds since 1970
	WebhookIDHeader = "X-Pay-Webhook-Id" // such as hook_ and a UUID
	SignatureHeader = "X-Pay-Signature"  // SHA256= and hex
)

const signaturePrefix = "SHA256="

// Verifier says which notifications are believed: Secrets are the account's
// Global Secret. Tolerance is how far the signed timestamp may be from now,
// before or after, 5 minutes if not set; Ecart Pay documents none.
type Verifier = webhook.Verifier

const defaultTolerance = 5 * time.Minute

// Delivery is a notification whose signature was right.
type Delivery struct {
	// Notification is what fits the document. The payloads of most events are
	// not documented: a member of another type than expected is left empty.
	Notification
	// WebhookID is that of the header. Whether it names the delivery or the
	// webhook is not documented.
	WebhookID string
	// SentAt is the signed time.
	SentAt time.Time
	// Raw is `data` as it was signed.
	Raw json.RawMessage
}

// ParseNotification returns a notification whose signature is right. The
// signature covers the timestamp, the webhook's id and `data`.
//
// The surprise: it does not cover `event`. Take the notification as a hint and
// read the order, subscription or withdrawal that Data.ID names before you act.
//
// `data` is checked byte for byte as sent, and if that fails without the white
// space between its members, because Ecart Pay signs what JSON.stringify
// returns. JSON that something on the way wrote anew (other order, other
// escapes, 1.0 for 1) cannot be checked and is refused.
// See https://docs.ecartpay.com/docs/webhooks-in-ecart-pay
func ParseNotification(r *http.Request, v Verifier) (*Delivery, error) {
	d, err := parseNotification(r, v)
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return d, nil
}

// Handler receives notifications: it calls f with each that [ParseNotification]
// returns. f has five seconds, so queue what takes longer.
//
// Ecart Pay sends again, four or five times within two minutes, what was
// answered 5xx, and never what was answered 4xx. So an error of f is a 500; a
// timestamp out of range, which may be our own clock, is a 503; and a wrong
// signature is a 401, as documented, which loses the notification: while a
// secret is being replaced, list both. Handler panics if v has no secret.
func Handler(v Verifier, f func(ctx context.Context, d *Delivery) error) http.Handler {
	return webhook.Handler(v, ParseNotification, f, webhook.Reply{Provider: provider.Name, Expired: http.StatusServiceUnavailable})
}

// DedupID is the same for every sending of the same notification. It is a hash
// of webhook id, event and data, since none of them alone is known to be one
// notification's own. As event is not signed, it is no proof against someone
// who replays: what f does must be right when done twice.
func (d *Delivery) DedupID() string {
	h := sha256.New()
	for _, part := range []string{d.WebhookID, d.Event, string(d.Raw)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// SignNotification returns the headers of a notification, for tests and for
// fakes that play Ecart Pay. data is the member of the body, byte for byte, in
// the compact form.
func SignNotification(secret, webhookID string, sentAt time.Time, data []byte) http.Header {
	at := strconv.FormatInt(sentAt.UnixMilli(), 10)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(TimestampHeader, at)
	h.Set(WebhookIDHeader, webhookID)
	h.Set(SignatureHeader, signaturePrefix+webhook.SignHMAC(secret, signed(at, webhookID), data))
	return h
}

// signed is what stands before data in the signed text.
func signed(at, webhookID string) []byte { return []byte(at + "." + webhookID + ".") }

func parseNotification(r *http.Request, v Verifier) (*Delivery, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	body, err := webhook.Body(r)
	if err != nil {
		return nil, err
	}
	var header [3]string
	for i, name := range []string{TimestampHeader, WebhookIDHeader, SignatureHeader} {
		values := r.Header.Values(name)
		if len(values) != 1 || values[0] == "" {
			return nil, webhook.Refuse(webhook.ErrSignature, "not exactly one header %s", name)
		}
		header[i] = values[0]
	}
	at, id, signature := header[0], header[1], header[2]
	if strings.Contains(id, ".") {
		// The signed text would have two readings.
		return nil, webhook.Refuse(webhook.ErrSignature, "there is a dot in %s", WebhookIDHeader)
	}
	mac, ok := strings.CutPrefix(signature, signaturePrefix)
	if !ok {
		return nil, webhook.Refuse(webhook.ErrSignature, "%s does not begin with %s", SignatureHeader, signaturePrefix)
	}
	event, data, err := split(body)
	if err != nil {
		return nil, err
	}
	if err := verify(v, mac, at, id, data); err != nil {
		return nil, err
	}
	// From here on timestamp, id and data are Ecart Pay's own.
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil || ms <= 0 {
		return nil, webhook.Refuse(webhook.ErrMalformed, "%s is not a number of milliseconds", TimestampHeader)
	}
	sentAt := time.UnixMilli(ms)
	if err := v.Near(sentAt, defaultTolerance); err != nil {
		return nil, err
	}
	d := &Delivery{WebhookID: id, SentAt: sentAt, Raw: data}
	if json.Unmarshal(event, &d.Event) != nil || d.Event == "" {
		return nil, webhook.Refuse(webhook.ErrMalformed, "event is missing")
	}
	if len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return nil, webhook.Refuse(webhook.ErrMalformed, "data is not an object")
	}
	// Most payloads are not documented, so what does not fit is no error.
	_ = jsonx.Unmarshal(data, &d.Data)
	if err := v.Once(r.Context(), d.DedupID()); err != nil {
		return nil, err
	}
	return d, nil
}

func verify(v Verifier, mac, at, id string, data []byte) error {
	err := v.VerifyHMAC(mac, signed(at, id), data)
	if err == nil {
		return nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil || bytes.Equal(compact.Bytes(), data) {
		return err
	}
	return v.VerifyHMAC(mac, signed(at, id), compact.Bytes())
}

// split returns the undecoded event and data of a body. A body that holds either
// twice is refused, also in another case: one would be checked, another read.
func split(body []byte) (event, data json.RawMessage, err error) {
	var events, datas int
	scanErr := jsonx.Members(body, func(name string, value []byte) {
		switch {
		case strings.EqualFold(name, "event"):
			events++
			event = bytes.Clone(value)
		case strings.EqualFold(name, "data"):
			datas++
			data = bytes.Clone(value)
		}
	})
	switch {
	case scanErr != nil:
		return nil, nil, webhook.Refuse(webhook.ErrMalformed, "the body is not a JSON object")
	case events != 1 || datas != 1:
		return nil, nil, webhook.Refuse(webhook.ErrMalformed, "not exactly one event and one data")
	}
	return event, data, nil
}
