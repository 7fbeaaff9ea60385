package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Customers, cards, templates, subscriptions.

var ecartpayCustomerKeys = []string{"email", "phone", "user_id"} // each unique within the account

func ecartpayCustomerClash(c *call, except string) bool {
	return slices.ContainsFunc(c.table("customers").Rows, func(r *row) bool {
		return r.ID != except && slices.ContainsFunc(ecartpayCustomerKeys, func(k string) bool {
			return c.in.text(k) != "" && c.in.text(k) == r.Doc.text(k)
		})
	})
}

func ecartpayExists() *answer {
	return reply(http.StatusConflict, obj("message", "A customer with this email, phone or user_id already exists", "statusCode", jsonInt(409)))
}

func ecartpayCreateCustomer(c *call) *answer {
	if ecartpayCustomerClash(c, "") {
		return ecartpayExists()
	}
	id, now := ecartpayID(c), isoMillis(c.now)
	doc := obj("account_id", ecartpayAccount, "created_at", now).take(c.in, "email", "first_name").set("id", id).
		take(c.in, "last_name", "phone").set("updated_at", now).take(c.in, "user_id")
	return success(c.table("customers").add(id, doc).Doc)
}

func ecartpayUpdateCustomer(c *call) *answer {
	r := c.find("customers", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Customer")
	}
	if ecartpayCustomerClash(c, r.ID) {
		return ecartpayExists().guessed("what a change to somebody else's address gets")
	}
	r.Doc.take(c.in, "email", "first_name", "last_name", "phone", "user_id").set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayDeleteCustomer(c *call) *answer {
	if c.find("customers", c.path["id"]) == nil {
		return ecartpayNotFound("Customer")
	}
	c.table("customers").remove(c.path["id"])
	return success(obj("success", "true")) // a string here, by the reference
}

func ecartpayListCustomers(c *call) *answer {
	rows := c.table("customers").where(func(r *row) bool {
		return !slices.ContainsFunc(ecartpayCustomerKeys, func(k string) bool { return c.query.Get(k) != "" && c.query.Get(k) != r.Doc.text(k) })
	})
	return success(ecartpayPage(c, rows))
}

func ecartpayCreateCustomerCard(c *call) *answer {
	owner := c.path["customer_id"]
	if c.find("customers", owner) == nil {
		return ecartpayNotFound("Customer")
	}
	number, id := onlyDigits(c.in.text("number")), ecartpayID(c)
	if len(number) < 12 {
		return ecartpayProblem(http.StatusBadRequest, "Invalid card number").guessed("the status of a bad card number")
	}
	doc := obj("brand", brand(number), "default", len(customerCards(c, owner)) == 0, "id", id, "last", lastFour(number)).take(c.in, "name")
	return success(c.table("customer cards").add(id, doc, "customer", owner).Doc)
}

func customerCards(c *call, owner string) []*row {
	mine := func(r *row) bool { return r.meta("customer") == owner }
	rows := c.table("customer cards").where(mine)
	if c.table("customers").get(owner) == nil {
		rows = append(rows, c.st().table("ecartpay.customer cards"+samplesOf).where(mine)...)
	}
	return rows
}

func ecartpayListCustomerCards(c *call) *answer {
	if c.find("customers", c.path["customer_id"]) == nil {
		return ecartpayNotFound("Customer")
	}
	list := []any{}
	for _, r := range customerCards(c, c.path["customer_id"]) {
		list = append(list, r.Doc)
	}
	return success(list)
}

func customerCard(c *call) *row {
	for _, r := range customerCards(c, c.path["customer_id"]) {
		if r.ID == c.path["id"] {
			return r
		}
	}
	return nil
}

func ecartpayDefaultCard(c *call) *answer {
	card := customerCard(c)
	if card == nil {
		return ecartpayNotFound("Card")
	}
	for _, r := range customerCards(c, c.path["customer_id"]) {
		r.Doc.set("default", r == card)
	}
	return success(card.Doc.clone().drop("brand")) // absent here, by the reference
}

func ecartpayDeleteCustomerCard(c *call) *answer {
	if customerCard(c) == nil {
		return ecartpayNotFound("Card")
	}
	c.table("customer cards").remove(c.path["id"])
	return success(obj("success", true))
}

func ecartpayCustomerToken(c *call) *answer {
	id := c.path["customer_id"]
	if c.find("customers", id) == nil {
		return ecartpayNotFound("Customer")
	}
	v := c.jwt("HS512", "customer", obj("id", ecartpayAccount, "customer_id", id), ecartpayCustomer)
	c.remember("customer", id, v, ecartpayCustomer)
	return success(obj("token", v))
}

func ecartpayCustomerSession(c *call) *answer {
	if c.find("customers", c.path["customer_id"]) == nil {
		return ecartpayNotFound("Customer")
	}
	return success(obj("session", c.st().hexID("ecartpay.session", 32))).guessed("the name of the one member")
}

func ecartpayCustomerMethod(c *call) *answer {
	owner := c.path["customer_id"]
	if c.find("customers", owner) == nil {
		return ecartpayNotFound("Customer")
	}
	rows := c.table("customer methods").where(func(r *row) bool { return r.meta("customer") == owner })
	for _, r := range rows {
		if r.Doc.text("number") == c.in.text("number") {
			return ecartpayBad("Duplicate number")
		}
	}
	if len(rows) >= 5 {
		return ecartpayBad("At most 5 methods")
	}
	id := ecartpayID(c)
	doc := obj("account_id", ecartpayAccount).take(c.in, "bank", "business_name").set("country", "MX").take(c.in, "country").
		set("customer_id", owner).set("default", len(rows) == 0).set("deleted", false).set("id", id).take(c.in, "method", "name", "number")
	return success(c.table("customer methods").add(id, doc, "customer", owner).Doc)
}

// ecartpayCardToken makes a token for any card it knows. Documented ids are
// placeholders ("{{card_id}}"), so an unknown one is taken too.
func ecartpayCardToken(c *call) *answer {
	v := "ca_" + c.st().hexID("ecartpay.cardToken", 17)
	c.table("card tokens").add(v, obj("token", v), "card", c.in.text("id"))
	return success(obj("token", v))
}

func ecartpayCreateCard(c *call) *answer {
	number, id, now := onlyDigits(c.in.text("number")), ecartpayID(c), isoMillis(c.now)
	doc := obj("account_id", ecartpayAccount, "brand", brand(number), "created_at", now).take(c.in, "exp_month", "exp_year").set("id", id).
		set("last", lastFour(number)).take(c.in, "name").set("number", "U2FsdGVkX1/fake+"+c.st().hexID("ecartpay.cipher", 24)).set("updated_at", now)
	return success(c.table("cards").add(id, doc, "number", number).Doc)
}

// ecartpayGetCard shows the plain number, as documented.
func ecartpayGetCard(c *call) *answer {
	r := c.find("cards", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Card")
	}
	doc := r.Doc.clone()
	if n := r.meta("number"); n != "" {
		doc.set("number", n)
	}
	return success(doc)
}

func ecartpayCreateTemplate(c *call) *answer {
	id, now := ecartpayID(c), isoMillis(c.now)
	items, subtotal, discount := ecartpayItems(c.in.list("items"))
	shipping := orEmpty(c.in.list("shipping_items"))
	start := c.now
	if t, err := time.Parse("2006-01-02 15:04:05", c.in.text("start_date")); err == nil {
		start = t
	}
	doc := obj("account_id", ecartpayAccount, "authorization_id", ecartpayKeys, "created_at", now).take(c.in, "currency").
		set("discounts", []any{}).set("end_date", nil).take(c.in, "first_name").set("id", id).set("items", items).take(c.in, "name").
		set("number", "TE"+c.st().digits("ecartpay.number", 8)).set("quantity_uses", json.Number("-1")).take(c.in, "quantity_uses", "shipping_address").
		set("shipping_items", shipping).set("start_date", isoMillis(start)).set("totals", ecartpayTotals(subtotal, discount, sumOf(shipping, "amount"))).
		set("updated_at", now)
	return success(c.table("templates").add(id, doc).Doc)
}

func ecartpayUpdateTemplate(c *call) *answer {
	r := c.find("templates", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Template")
	}
	r.Doc.take(c.in, "currency", "first_name", "quantity_uses", "shipping_address", "shipping_items")
	for wrong, right := range map[string]string{"cureency": "currency", "shippings_items": "shipping_items"} { // spelt so in the reference
		if c.in.has(wrong) {
			r.Doc.set(right, c.in.get(wrong))
		}
	}
	if c.in.has("items") || c.in.has("shipping_items") || c.in.has("shippings_items") {
		lines := r.Doc.list("items")
		if c.in.has("items") {
			lines = c.in.list("items")
		}
		items, subtotal, discount := ecartpayItems(lines)
		r.Doc.set("items", items).set("totals", ecartpayTotals(subtotal, discount, sumOf(r.Doc.list("shipping_items"), "amount")))
	}
	r.Doc.set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayCreateSubscription(c *call) *answer {
	if c.in.has("customer_id") && c.find("customers", c.in.text("customer_id")) == nil {
		return ecartpayNotFound("Customer")
	}
	id, now := ecartpayID(c), isoMillis(c.now)
	next := c.now.AddDate(0, 0, toInt(c.in.get("trial_period_days"), 0))
	if !c.in.has("trial_period_days") {
		next = c.now.AddDate(0, max(toInt(c.in.get("frequency"), 1), 1), 0)
	}
	doc := obj("account_id", ecartpayAccount).take(c.in, "amount").set("attempts", json.Number("0")).set("card_ids", orEmpty(c.in.list("card_ids"))).
		set("created_at", now).take(c.in, "currency", "customer_id").set("errors", []any{}).set("frequency", json.Number("1")).take(c.in, "frequency").
		set("id", id).set("interval", "monthly").take(c.in, "interval").set("next_payment_date", isoMillis(next)).take(c.in, "service", "benefits").
		set("status", "active").take(c.in, "trial_period_days").set("updated_at", now)
	r := c.table("subscriptions").add(id, doc, "notify_url", c.in.text("notify_url"))
	c.ecartpayEvent("subscription.created", id, obj("id", id, "status", "active"), r.meta("notify_url"))
	return success(r.Doc)
}

func ecartpaySubscriptionFilter(c *call) func(*row) bool {
	q := c.query
	from, to := q.Get("created_at[from]")+q.Get("created_from"), q.Get("created_at[to]")+q.Get("created_to")
	return func(r *row) bool {
		day := r.Doc.text("created_at")[:10]
		if from != "" && day < from || to != "" && day > to {
			return false
		}
		return !slices.ContainsFunc([]string{"status", "currency", "interval", "customer_id"}, func(k string) bool {
			return q.Get(k) != "" && q.Get(k) != r.Doc.text(k)
		})
	}
}

// ecartpayUpdateSubscription stores "pause" where "paused" is sent, as the
// recorded lists do.
func ecartpayUpdateSubscription(c *call) *answer {
	r := c.find("subscriptions", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Subscription")
	}
	if s := c.in.text("status"); s != "" {
		event := map[string]string{"paused": "subscription.paused", "cancelled": "subscription.cancelled"}[s]
		if s == "paused" {
			s = "pause"
		}
		r.Doc.set("status", s)
		if event != "" {
			c.ecartpayEvent(event, r.ID, obj("id", r.ID, "status", s), r.meta("notify_url"))
		}
	}
	r.Doc.take(c.in, "card_ids").set("updated_at", isoMillis(c.now))
	if c.op.ID == "updateSubscriptionFromCustomer" {
		return success(r.Doc.clone().drop("customer_id", "attempts", "errors", "created_at", "updated_at", "next_payment_date").set("activated", r.Doc.text("status") == "active"))
	}
	return success(r.Doc)
}

func ecartpayResend(c *call) *answer {
	if c.find("subscriptions", c.path["id"]) == nil {
		return ecartpayNotFound("Subscription")
	}
	return success(obj())
}

func ecartpayCreatePlan(c *call) *answer {
	id := ecartpayID(c)
	doc := obj("account_id", ecartpayAccount).take(c.in, "amount", "currency", "interval", "frequency", "service", "trial_period_days", "benefits").
		set("id", id).set("payment_link", "https://sandbox.ecartpay.com/subscription_payment_link/"+id)
	return success(c.table("plans").add(id, doc).Doc)
}
