package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
)

// Checkouts, transactions, payouts and ways to withdraw.

func ecartpayCreateCheckout(c *call) *answer {
	id, now := ecartpayID(c), isoMillis(c.now)
	items := []any{}
	for _, v := range c.in.list("items") {
		if o, ok := v.(*object); ok {
			items = append(items, o.clone().set("id", ecartpayID(c)))
		}
	}
	claims := obj("id", ecartpayAccount, "scopes", []any{"write_checkouts"}, "aud", "https://sandbox.ecartpay.com", "sub", "checkouts")
	doc := obj("id", id, "account_id", ecartpayAccount).
		take(c.in, "title", "subtitle", "image_url", "currency", "amounts", "concept").set("items", items).
		take(c.in, "customer_id", "notify_url", "reference_id", "reference").
		set("token", c.jwt("HS512", "checkout", claims, ecartpayCheckout)).set("public_id", "pubfa4e0000000000000000ac01").
		set("link", "https://sandbox.ecartpay.com/v2/checkout?id="+id).set("created_at", now).set("updated_at", now)
	return success(c.table("checkouts").add(id, doc, "notify_url", c.in.text("notify_url")).Doc)
}

func ecartpayPublicCheckout(c *call) *answer {
	r := c.find("checkouts", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Checkout")
	}
	return success(r.Doc.only("id", "title", "subtitle", "image_url", "currency", "amounts", "concept", "items"))
}

func ecartpayUpdateCheckout(c *call) *answer {
	r := c.find("checkouts", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Checkout")
	}
	r.Doc.take(c.in, "notify_url").set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayUpdateCheckoutItem(c *call) *answer {
	r := c.find("checkouts", c.path["checkout_id"])
	if r == nil {
		return ecartpayNotFound("Checkout")
	}
	for _, v := range r.Doc.list("items") {
		if o, ok := v.(*object); ok && o.text("id") == c.path["id"] {
			o.take(c.in, "name", "quantity", "price", "discount", "is_service")
			r.Doc.set("updated_at", isoMillis(c.now))
			return success(r.Doc)
		}
	}
	return ecartpayNotFound("Item")
}

// ecartpaySummary adds up what the transactions say. Its shape is ours.
func ecartpaySummary(c *call) *answer {
	sums := map[string]map[string]*big.Rat{}
	for _, r := range c.table("transactions").Rows {
		currency := r.Doc.text("currency")
		if sums[currency] == nil {
			sums[currency] = map[string]*big.Rat{"payment": new(big.Rat), "charge": new(big.Rat)}
		}
		if s := sums[currency][r.Doc.text("type")]; s != nil {
			s.Add(s, rat(r.Doc.text("amount")))
		}
	}
	for account := range c.st().Balances {
		if currency, ok := strings.CutPrefix(account, "ecartpay/"); ok && sums[currency] == nil {
			sums[currency] = map[string]*big.Rat{"payment": new(big.Rat), "charge": new(big.Rat)}
		}
	}
	list := []any{}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		if want := c.query.Get("currency"); want == "" || want == currency {
			list = append(list, obj("currency", currency, "payments", number(sums[currency]["payment"], 6), "charges", number(sums[currency]["charge"], 6),
				"balance", number(c.st().balance("ecartpay/"+currency), 6)))
		}
	}
	return success(list).guessed("the shape of the summary, which is not documented")
}

// ecartpayTransactions pages by number up to ten, and by token beyond.
func ecartpayTransactions(c *call) *answer {
	q := c.query
	rows := c.table("transactions").where(func(r *row) bool {
		day := r.Doc.text("created_at")[:10]
		return (q.Get("type") == "" || r.Doc.text("type") == q.Get("type")) && (q.Get("status") == "" || r.Doc.text("status") == q.Get("status")) &&
			(q.Get("start_date") == "" || day >= q.Get("start_date")) && (q.Get("end_date") == "" || day <= q.Get("end_date")) &&
			(q.Get("q") == "" || strings.Contains(r.ID+r.Doc.text("transaction_id")+r.Doc.text("order_id"), q.Get("q")))
	})
	slices.Reverse(rows)
	limit := min(max(queryInt(c, "limit", 20), 1), 200)
	from := (max(queryInt(c, "page", 1), 1) - 1) * limit
	if t := q.Get("next"); t != "" {
		from = readPlace(t)
	} else if t := q.Get("prev"); t != "" {
		from = max(readPlace(t)-limit, 0)
	}
	docs := []any{}
	for i := from; i < min(from+limit, len(rows)); i++ {
		docs = append(docs, rows[i].Doc)
	}
	page := obj("count", jsonInt(len(rows)), "docs", docs, "pages", jsonInt((len(rows)+limit-1)/limit), "token_page", place(from))
	if from+limit < len(rows) {
		page.set("next_token", place(from+limit))
	}
	return success(page).guessed("the members beside the two tokens")
}

func place(n int) string { return base64.StdEncoding.EncodeToString([]byte("place:" + itoa(n))) }

func readPlace(token string) int {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return 0
	}
	return max(toInt(strings.TrimPrefix(string(b), "place:"), 0), 0)
}

func ecartpayCreatePayout(c *call) *answer {
	amount, currency := rat(c.in.text("amount")), c.in.text("currency")
	if amount.Sign() <= 0 {
		return reply(http.StatusInternalServerError, obj("message", "Cast to Number failed for value \"undefined\" at path \"amount\"", "statusCode", jsonInt(400)))
	}
	if currency == "" {
		currency = "MXN"
	}
	reference := c.in.text("reference_id")
	if reference != "" && len(c.table("payouts").where(func(r *row) bool { return r.Doc.text("reference_id") == reference })) > 0 {
		return ecartpayBad("reference_id has been used")
	}
	if c.st().balance("ecartpay/"+currency).Cmp(amount) < 0 {
		return ecartpayBad("Insufficient balance")
	}
	id, now, ref := ecartpayID(c), isoMillis(c.now), ecartpayID(c)
	if reference == "" {
		reference = ref
	}
	hold, _ := c.in.get("require_confirmation").(bool)
	doc := obj("account_id", ecartpayAccount, "amount", number(amount, 6), "authorization_id", ecartpayKeys, "available_at", now, "created_at", now,
		"currency", currency).take(c.in, "customer_id").set("exchange", json.Number("1")).set("fee", json.Number("0")).set("id", id).
		take(c.in, "payment_method_id").set("reference", ref).set("reference_id", reference).set("require_confirmation", hold).
		set("status", "pending").set("updated_at", now)
	r := c.table("payouts").add(id, doc)
	if !hold {
		c.ecartpayRelease(r)
	}
	return success(r.Doc)
}

// ecartpayRelease pays a payout out.
func (c *call) ecartpayRelease(r *row) {
	r.Doc.set("status", "paid").set("updated_at", isoMillis(c.now))
	t := c.ecartpayTransaction("charge", rat(r.Doc.text("amount")), r.Doc.text("currency"))
	r.put("transaction", t.ID)
	if r.Doc.has("customer_id") { // documented for payouts to a customer only
		short := t.Doc.only("amount", "currency", "fee", "gateway", "id", "status", "transaction_id", "type").
			set("account_id", t.Doc.text("transaction_id")).set("gateway", "pay")
		r.Doc.set("transactions", []any{short})
	}
}

// payout finds a payout and releases it if its date has come.
func (c *call) payout(id string) *row {
	r := c.find("payouts", id)
	if r != nil && r.meta("release") != "" && r.Doc.text("status") == "pending" && !c.now.Before(readISO(r.meta("release"))) {
		c.ecartpayRelease(r)
	}
	return r
}

func ecartpayGetPayout(c *call) *answer {
	r := c.payout(c.path["payout_id"])
	if r == nil {
		return ecartpayNotFound("Payout")
	}
	return success(r.Doc)
}

func ecartpayListPayouts(c *call) *answer {
	reference, status := c.query.Get("reference_id"), c.query.Get("status")
	rows := c.table("payouts").where(func(r *row) bool {
		c.payout(r.ID)
		return (reference == "" || r.Doc.text("reference_id") == reference) && (status == "" || status == "any" || r.Doc.text("status") == status)
	})
	return success(ecartpayPage(c, rows)).guessed("the envelope of the list")
}

func ecartpayUpdatePayout(c *call) *answer {
	r := c.payout(c.path["payout_id"])
	if r == nil {
		return ecartpayNotFound("Payout")
	}
	r.Doc.set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayConfirmPayout(c *call) *answer {
	r := c.payout(c.path["payout_id"])
	switch {
	case r == nil:
		return ecartpayNotFound("Payout")
	case r.Doc.text("status") != "pending":
		return ecartpayBad("Only a pending payout can be confirmed")
	case c.st().balance("ecartpay/"+r.Doc.text("currency")).Cmp(rat(r.Doc.text("amount"))) < 0:
		return ecartpayBad("Insufficient balance")
	}
	r.Doc.set("updated_at", isoMillis(c.now))
	if at := c.in.text("available_at"); at != "" && readISO(at).After(c.now) {
		r.Doc.set("available_at", at)
		r.put("release", at)
		return success(r.Doc)
	}
	if c.table("payouts").get(r.ID) != nil { // a sample stays as it is printed
		c.ecartpayRelease(r)
	}
	return success(r.Doc)
}

func ecartpayCreateMethod(c *call) *answer {
	id := ecartpayID(c)
	doc := obj().take(c.in, "business_name").set("country", "MX").take(c.in, "country").set("id", id).take(c.in, "method", "name")
	return success(c.table("methods").add(id, doc).Doc)
}

func ecartpayUpdateMethod(c *call) *answer {
	r := c.find("methods", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Method")
	}
	r.Doc.take(c.in, "business_name", "country", "method", "name")
	return success(r.Doc)
}
