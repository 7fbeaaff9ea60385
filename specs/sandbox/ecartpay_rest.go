package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Gateways, banks, instalments, chargebacks, invoices, webhooks, OAuth, direct
// debits.

func ecartpayMe(c *call) *answer {
	return success(obj("id", ecartpayAccount, "clabe", "646010000000000000")).guessed("path, members and all")
}

func ecartpayGatewayKeys(c *call) *answer {
	r := c.find("gateways", c.path["gateway_id"])
	if r == nil {
		return ecartpayNotFound("Gateway")
	}
	r.Doc.set("has_keys", true)
	return success(obj())
}

func ecartpaySwitchGateway(c *call) *answer {
	r := c.find("gateways", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Gateway")
	}
	r.Doc.take(c.in, "active")
	return success(r.Doc.only("active", "created_at", "gateway", "id", "keys", "methods", "updated_at"))
}

func ecartpayGatewayMethod(c *call) *answer {
	if r := c.find("gateways", c.path["gateway_id"]); r != nil {
		for _, v := range r.Doc.list("methods") {
			if o, ok := v.(*object); ok && o.text("id") == c.path["id"] {
				o.take(c.in, "active", "title")
				return success(o.clone().set("fee", "fee = 0.20 * exchange"))
			}
		}
	}
	return ecartpayNotFound("Method")
}

func ecartpayBanks(c *call) []any {
	v, _ := decode(c.provider.payloads["listBanks"])
	list, _ := v.([]any)
	return list
}

func ecartpayListBanks(c *call) *answer {
	list := []any{}
	for _, v := range ecartpayBanks(c) {
		o, _ := v.(*object)
		if want := c.query.Get("country"); want == "" || o.text("country") == want {
			list = append(list, o)
		}
	}
	return success(list)
}

func ecartpayGetBank(c *call) *answer {
	for _, v := range ecartpayBanks(c) {
		if o, _ := v.(*object); o.text("id") == c.path["id"] {
			return success(o.set("clave", json.Number(o.text("clave")))) // a number here, a string in the list
		}
	}
	return ecartpayNotFound("Bank")
}

// msi is the instalment configuration, made from the documented one on first
// use.
func (c *call) msi() *object {
	r := c.table("msi").get("msi")
	if r == nil {
		now := isoMillis(c.now)
		r = c.table("msi").add("msi", c.sample("upsertMsiConfiguration").set("_id", ecartpayID(c)).set("account_id", ecartpayAccount).
			set("created_at", now).set("updated_at", now))
	}
	return r.Doc
}

func ecartpayMSI(c *call) *answer { return success(c.msi()) }

// ecartpaySetMSI takes a rate as a fraction and gives it as a percentage.
func ecartpaySetMSI(c *call) *answer {
	doc := c.msi()
	if c.in.has("commissions") {
		list := []any{}
		for _, v := range c.in.list("commissions") {
			if o, ok := v.(*object); ok {
				o = o.clone()
				if o.has("rate") {
					o.set("rate", number(mul(rat(o.text("rate")), rat("100")), 6))
				}
				list = append(list, o)
			}
		}
		doc.set("commissions", list)
	}
	doc.take(c.in, "amex_fixed_installments").set("updated_at", isoMillis(c.now))
	return success(doc)
}

func ecartpayMSIActive(c *call) *answer {
	return success(c.msi().take(c.in, "is_active").set("updated_at", isoMillis(c.now)))
}

func ecartpayCreateChargeback(c *call) *answer {
	payout := c.payout(c.in.text("payout_id"))
	amount, currency, transaction := any(json.Number("1")), any("USD"), ecartpayID(c)
	if payout != nil {
		amount, currency = payout.Doc.get("amount"), payout.Doc.get("currency")
		if t := payout.meta("transaction"); t != "" {
			transaction = t
		}
	} else if id := c.in.text("payout_id"); id != "653aa3f22d4d6fb3c35a479a" && id != "{{payout_id}}" { // those of the samples
		return ecartpayNotFound("Payout")
	}
	id, now := ecartpayID(c), isoMillis(c.now)
	doc := obj("account_id", ecartpayAccount, "amount", amount, "created_at", now, "created_by", ecartpayAccount, "currency", currency,
		"documents", []any{}, "expiration_at", isoMillis(c.now.Add(7*24*time.Hour)), "files", []any{}, "gateway", "pay", "id", id).
		take(c.in, "payout_id", "reason").set("status", "created").set("transaction_id", transaction).set("updated_at", now)
	return success(c.table("chargebacks").add(id, doc).Doc)
}

func ecartpayUpdateChargeback(c *call) *answer {
	r := c.find("chargebacks", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Chargeback")
	}
	r.Doc.take(c.in, "status").set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayCreateBillingClient(c *call) *answer {
	id, now := ecartpayID(c), isoMillis(c.now)
	info := c.in.object("billing_information")
	doc := obj("id", id, "provider_client_id", ecartpayID(c)).take(c.in, "user_id").set("provider_id", c.query.Get("provider_id")).
		set("account_id", ecartpayAccount).set("active", true)
	shown := obj().take(info, "country_code", "email", "address1", "address2", "postal_code", "city", "state_code", "state_name")
	doc.set("billing_information", shown).set("created_at", now).set("default", true).set("updated_at", now)
	c.table("billing clients").add(id, doc)
	c.ecartpayEvent("billing_information.updated", id, doc.clone(), "")
	return success(doc)
}

func ecartpayCreateInvoice(c *call) *answer {
	id := ecartpayID(c)
	doc := obj("id", id).take(c.in, "order_id", "currency").set("created_at", isoMillis(c.now))
	c.table("invoices").add(id, doc)
	c.ecartpayEvent("billings.create", id, obj("id", id, "account_id", ecartpayAccount), "")
	return success(doc).guessed("the whole answer")
}

// ecartpayCFDI is a ZIP, whatever its label says, and the header is misspelt
// as documented.
func ecartpayCFDI(c *call) *answer {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if w, err := z.Create("cfdi.xml"); err == nil {
		_, _ = w.Write([]byte("<?xml version=\"1.0\"?>\n<!-- a fake CFDI of the sandbox -->\n<cfdi/>\n"))
	}
	_ = z.Close() // a buffer does not fail
	return &answer{status: http.StatusOK, body: b.Bytes(), header: http.Header{
		"Content-Type": {"application/zip"}, "Content-Disposition": {`attachament; filename="` + c.path["id"] + `.zip"`},
	}}
}

func ecartpayCreateWebhook(c *call) *answer {
	id := ecartpayID(c)
	doc := obj("id", id).take(c.in, "url", "events")
	c.table("webhooks").add(id, doc)
	return success(doc).guessed("the whole answer")
}

func ecartpayOAuthApplication(c *call) *answer {
	id := c.st().hexID("ecartpay.client", 32)
	secret := "fake_secret_" + c.st().hexID("ecartpay.secret", 16)
	c.table("applications").add(id, obj("client_id", id), "secret", secret)
	return success(obj("client_id", id, "client_secret", secret))
}

// ecartpayOAuthPage is a page for people in a browser; nothing is on it.
func ecartpayOAuthPage(*call) *answer { return &answer{status: http.StatusOK, header: http.Header{}} }

func ecartpayOAuthKeys(c *call) *object {
	k := c.sandbox.Credentials(specs.EcartPay)
	return obj("account_id", ecartpayAccount, "public_id", k.PublicKey, "private_id", k.PrivateKey)
}

// ecartpayOAuthExchange answers as both generations at once: keys and token.
func ecartpayOAuthExchange(c *call) *answer {
	v := "oauth_" + c.st().hexID("ecartpay.oauth", 32)
	c.remember("oauth", ecartpayAccount, v, ecartpayHour)
	return success(ecartpayOAuthKeys(c).set("scope", "read_credentials,read_orders,write_orders").set("access_token", v))
}

func ecartpayOAuthCredentials(c *call) *answer { return success(ecartpayOAuthKeys(c)) }

func ecartpayScopesToken(c *call) *answer {
	return success(obj("token", c.jwt("HS512", "scopes", obj("id", ecartpayAccount), ecartpayHour))).guessed("the whole answer")
}

func ecartpayDirectDebit(c *call) *answer {
	if c.in.text("currency") != "MXN" {
		return ecartpayBad("Only MXN")
	}
	id := ecartpayID(c)
	doc := obj("_id", id, "reference", c.st().digits("ecartpay.debit", 7), "status", "created", "validation_level", json.Number("1")).
		take(c.in, "is_fixed_amount", "is_recurring", "next_payment_date", "amount", "concept", "interval")
	return success(c.table("direct debits").add(id, doc).Doc)
}
