package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// What each provider sends, and how it signs.

const hookTimeout = 10 * time.Second // documented for Ecart Pay only, which has 5

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func hmacHex(key string, text []byte) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write(text)
	return hex.EncodeToString(m.Sum(nil))
}

func orBad(key string, bad bool) string {
	if bad {
		return "not-" + key
	}
	return key
}

// postback is CryptoCloud's: proof is a JWT in the body that lives five
// minutes and is made anew for every sending.
func (c *call) postback(r *row, paid json.Number) {
	secret, form := c.sandbox.Credentials(specs.CryptoCloud).SecretKey, c.st().Settings["cryptocloud.form"] != ""
	doc, v1, full := r.Doc.clone(), r.meta("v1") != "", r.meta("full")
	if r.meta("static") != "" {
		doc = obj("uuid", r.ID, "order_id", r.Doc.text("identify"))
	}
	id := strings.TrimPrefix(r.ID, "INV-")
	build := func(now time.Time, bad, old bool) (http.Header, []byte) {
		if old {
			now = now.Add(-time.Hour)
		}
		token := sign("HS256", orBad(secret, bad), obj("id", id, "exp", jsonInt(now.Add(5*time.Minute).Unix())))
		body := obj("status", "success", "invoice_id", id, "amount_crypto", paid, "currency", full, "order_id", doc.get("order_id"), "token", token)
		if form {
			f := url.Values{"invoice_info": {"links_invoice"}}
			if v1 {
				f = url.Values{}
			}
			for _, m := range body.members {
				f.Set(m.name, body.text(m.name))
			}
			return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(f.Encode())
		}
		if body.get("order_id") == nil {
			body.drop("order_id")
		}
		if !v1 && doc.has("currency") {
			body.set("invoice_info", postbackInvoice(doc))
		}
		return jsonHeader(), encode(body)
	}
	schema := "invoicePostback"
	if v1 {
		schema = "invoicePostbackV1"
	}
	c.sandbox.hooks.send(&hook{provider: specs.CryptoCloud, event: schema, id: r.ID, url: c.st().Settings["cryptocloud.webhook"],
		build: build, schema: schema, timeout: hookTimeout})
}

func postbackInvoice(doc *object) *object {
	return doc.only("uuid", "created", "address", "currency", "date_finished", "expiry_date", "side_commission", "type_payments", "amount").
		set("amount_", doc.get("amount")).take(doc, "status").set("invoice_status", "success").
		take(doc, "is_email_required", "project", "tx_list", "amount_in_crypto", "amount_in_fiat", "amount_usd", "amount_to_pay", "amount_to_pay_usd",
			"amount_paid", "amount_paid_usd", "fee", "fee_usd", "service_fee", "service_fee_usd", "received", "received_usd", "to_surcharge", "to_surcharge_usd").
		set("total_rub", jsonInt(0)).set("step", jsonInt(3)).take(doc, "test_mode", "type").set("aml_enabled", false).set("aml_side", "merchant").
		set("aml_checks", []any{}).set("links_invoice", nil)
}

// cryptopayEvent signs the whole body.
func (c *call) cryptopayEvent(event string, order, transaction *row) {
	secret := c.sandbox.Credentials(specs.CryptoPay).WebhookSecret
	data := order.Doc.only("order_id")
	if transaction != nil {
		data.take(transaction.Doc, "transaction_hash")
	}
	data.take(order.Doc, "amount", "currency", "blockchain")
	if transaction != nil {
		data.set("status", strings.TrimPrefix(event, "payment.")).take(transaction.Doc, "confirmations", "block_number", "from_address", "to_address")
	}
	data.take(order.Doc, "order_info", "created_at")
	switch event {
	case "payment.pending":
		data.set("confirmations", jsonInt(0)).drop("block_number")
	case "payment.confirmed":
		data.set("confirmed_at", isoSeconds(c.now))
	}
	id := "wh_" + c.st().hexID("cryptopay.webhook", 12)
	build := func(now time.Time, bad, old bool) (http.Header, []byte) {
		if old {
			now = now.Add(-time.Hour)
		}
		body := encode(obj("event", event, "data", data, "timestamp", isoSeconds(now), "webhook_id", id))
		h := jsonHeader()
		h.Set("X-Webhook-Signature", hmacHex(orBad(secret, bad), body))
		return h, body
	}
	target := order.meta("webhook_url")
	if target == "" {
		target = c.st().Settings["cryptopay.webhook"]
	}
	c.sandbox.hooks.send(&hook{provider: specs.CryptoPay, event: event, id: order.ID, url: target, build: build, schema: "paymentEvent", timeout: hookTimeout})
}

// crypteriumEvent has no signature and no amount.
func (c *call) crypteriumEvent(event, customer string) {
	body := encode(obj("events", []any{obj("type", event, "sequenceId", c.st().uuid("crypterium.sequence"), "customerId", customer)}))
	build := func(time.Time, bool, bool) (http.Header, []byte) { return jsonHeader(), body }
	c.sandbox.hooks.send(&hook{provider: specs.Crypterium, event: event, id: customer, url: c.st().Settings["crypterium.webhook"],
		build: build, schema: "merchantCallback", timeout: hookTimeout})
}

// ecartpayRetries are the documented delays. The page says five attempts in
// all and lists five delays; four of them make five attempts.
var ecartpayRetries = []time.Duration{10 * time.Second, 15 * time.Second, 20 * time.Second, 25 * time.Second}

func (c *call) ecartpayOrderEvent(event string, r *row) {
	c.ecartpayEvent(event, r.ID, r.Doc.only("id", "status"), r.meta("notify_url"))
}

// ecartpayEvent goes to the object's own notify_url and to every webhook that
// wants it. The signature covers the text of data alone.
func (c *call) ecartpayEvent(event, id string, data *object, notify string) {
	targets := []string{notify, c.st().Settings["ecartpay.webhook"]}
	for _, w := range c.table("webhooks").Rows {
		if events := w.Doc.list("events"); len(events) == 0 || slices.Contains(events, any(event)) {
			targets = append(targets, w.Doc.text("url"))
		}
	}
	secret, text := c.sandbox.Credentials(specs.EcartPay).WebhookSecret, encode(data)
	for _, target := range targets {
		hookID := "hook_" + c.st().uuid("ecartpay.hook")
		build := func(now time.Time, bad, old bool) (http.Header, []byte) {
			if old {
				now = now.Add(-time.Hour)
			}
			stamp := strconv.FormatInt(now.UnixMilli(), 10)
			h := jsonHeader()
			h.Set("X-Pay-Timestamp", stamp)
			h.Set("X-Pay-Webhook-Id", hookID)
			h.Set("X-Pay-Signature", "SHA256="+hmacHex(orBad(secret, bad), []byte(stamp+"."+hookID+"."+string(text))))
			return h, encode(obj("event", event, "data", json.RawMessage(text)))
		}
		c.sandbox.hooks.send(&hook{provider: specs.EcartPay, event: event, id: id, url: target, build: build, schema: "notification",
			retries: ecartpayRetries, timeout: 5 * time.Second,
			again: func(status int) bool { return status == 0 || status >= 500 || status >= 300 && status < 400 }})
	}
}

// kunaCallback has no body: none is documented, and we invent none.
func (c *call) kunaCallback(r *row) {
	build := func(time.Time, bool, bool) (http.Header, []byte) { return http.Header{}, nil }
	target := r.meta("callback")
	if target == "" && r.Doc.text("type") == "Deposit" {
		target = c.st().Settings["kuna.webhook"]
	}
	c.sandbox.hooks.send(&hook{provider: specs.Kuna, event: r.Doc.text("status"), id: r.ID, url: target, build: build, timeout: hookTimeout})
}
