package sandbox

import (
	"encoding/json"
	"math/big"
)

// ecartpayItems fills in what Ecart Pay adds to the lines of an order, and
// returns their sum and the sum of the discounts.
func ecartpayItems(in []any) (items []any, subtotal, discount *big.Rat) {
	subtotal, discount = new(big.Rat), new(big.Rat)
	items = []any{}
	for _, v := range in {
		o, ok := v.(*object)
		if !ok {
			continue
		}
		gross := mul(rat(o.text("price")), rat(o.text("quantity")))
		less := rat(o.text("discount"))
		subtotal, discount = add(subtotal, gross), add(discount, less)
		items = append(items, obj("discount", number(less, 6)).take(o, "is_service", "name", "price", "quantity").
			set("tax", json.Number("0")).set("total", number(sub(gross, less), 6)))
	}
	return items, subtotal, discount
}

func ecartpayTotals(subtotal, discount, shipping *big.Rat) *object {
	return obj("discount", number(discount, 6), "shipping", number(shipping, 6), "subtotal", number(subtotal, 6),
		"tax", json.Number("0"), "total", number(add(sub(subtotal, discount), shipping), 6))
}

func sumOf(list []any, name string) *big.Rat {
	sum := new(big.Rat)
	for _, v := range list {
		if o, ok := v.(*object); ok {
			sum = add(sum, rat(o.text(name)))
		}
	}
	return sum
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

func ecartpayCreateOrder(c *call) *answer {
	if id := c.in.text("customer_id"); id != "" && c.find("customers", id) == nil {
		return ecartpayNotFound("Customer")
	}
	token := c.in.text("token")
	if token != "" && c.find("card tokens", token) == nil {
		return ecartpayBad("Card token not found")
	}
	id, now := ecartpayID(c), isoMillis(c.now)
	items, subtotal, discount := ecartpayItems(c.in.list("items"))
	discount = add(discount, sumOf(c.in.list("discounts"), "amount"))
	shipping := orEmpty(c.in.list("shipping_items"))
	doc := obj("account_id", ecartpayAccount, "authorization_id", ecartpayKeys, "confirmed", false, "created_at", now).
		take(c.in, "currency", "customer_id").set("discounts", []any{}).take(c.in, "email").
		set("fee", json.Number("0")).take(c.in, "first_name").set("id", id).set("items", items).take(c.in, "last_name", "notify_url").
		set("number", "OR"+c.st().digits("ecartpay.number", 8)).set("pay_link", "https://sandbox.ecartpay.com/checkout?id="+id).
		take(c.in, "phone", "redirect_url").set("risk_notes", []any{}).set("risk_score", json.Number("0")).
		set("shipping_items", shipping).set("status", "created").
		set("totals", ecartpayTotals(subtotal, discount, sumOf(shipping, "amount"))).set("updated_at", now)
	r := c.table("orders").add(id, doc, "notify_url", c.in.text("notify_url"))
	c.ecartpayOrderEvent("orders.create", r)
	if token != "" { // a card token charges at once
		c.ecartpayPay(r)
	}
	return success(r.Doc)
}

func ecartpayGetOrder(c *call) *answer {
	r := c.find("orders", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Order")
	}
	if r.Doc.has("decline_reason") {
		return success(r.Doc).guessed("the status of an order whose charge was declined; client code only")
	}
	return success(r.Doc)
}

// ecartpayPay settles an order: its status, a transaction, the balance, the
// webhooks.
func (c *call) ecartpayPay(r *row) {
	r.Doc.set("status", "paid").set("confirmed", true).set("updated_at", isoMillis(c.now))
	total := rat(r.Doc.object("totals").text("total"))
	t := c.ecartpayTransaction("payment", total, r.Doc.text("currency"))
	t.Doc.set("order_id", r.ID).set("order", r.Doc.only("number", "status", "email", "first_name", "last_name", "phone"))
	r.put("transaction", t.ID)
	c.ecartpayOrderEvent("orders.update", r)
	c.ecartpayOrderEvent("orders.confirmation", r)
}

// ecartpayTransaction books money and says what the balance was and is.
func (c *call) ecartpayTransaction(kind string, amount *big.Rat, currency string) *row {
	account := "ecartpay/" + currency
	before := c.st().balance(account)
	signed := amount
	if kind != "payment" {
		signed = new(big.Rat).Neg(amount)
	}
	c.st().move(account, signed)
	id, number1, now := ecartpayID(c), "TR"+c.st().digits("ecartpay.number", 8), isoMillis(c.now)
	return c.table("transactions").add(id, obj("id", id, "transaction_id", number1, "account_id", ecartpayAccount, "type", kind, "status", "paid",
		"gateway", "ecartpay", "amount", number(amount, 6), "fee", json.Number("0"), "exchange", json.Number("1"),
		"previous", number(before, 6), "current", number(c.st().balance(account), 6), "currency", currency,
		"reference", ecartpayID(c), "reference_id", ecartpayID(c), "created_at", now, "updated_at", now))
}

func ecartpayUpdateOrder(c *call) *answer {
	r := c.find("orders", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Order")
	}
	r.Doc.set("updated_at", isoMillis(c.now))
	return success(r.Doc)
}

func ecartpayRefund(c *call) *answer {
	r := c.find("orders", c.path["order_id"])
	if r == nil {
		return ecartpayNotFound("Order")
	}
	if c.in.text("reason") == "" && c.in.text("name") == "" {
		return ecartpayBad("reason is required")
	}
	sample := c.table("orders").get(r.ID) == nil
	if s := r.Doc.text("status"); s != "paid" && s != "partially_refunded" && !sample {
		return ecartpayBad("Only a paid order can be refunded")
	}
	amount := rat(c.in.text("amount"))
	refunded, total := add(rat(r.meta("refunded")), amount), rat(r.Doc.object("totals").text("total"))
	if amount.Sign() <= 0 || refunded.Cmp(total) > 0 && !sample {
		return ecartpayBad("The amount is more than what is left to refund")
	}
	if sample {
		return success(r.Doc)
	}
	r.put("refunded", decimal(refunded, 6))
	r.Doc.set("status", "partially_refunded")
	if refunded.Cmp(total) == 0 {
		r.Doc.set("status", "refunded")
	}
	r.Doc.set("updated_at", isoMillis(c.now))
	c.st().move("ecartpay/"+r.Doc.text("currency"), new(big.Rat).Neg(amount))
	if t := c.table("transactions").get(r.meta("transaction")); t != nil {
		t.Doc.set("status", "reimbursed").set("updated_at", isoMillis(c.now))
	}
	c.ecartpayOrderEvent("orders.update", r)
	return success(r.Doc)
}

func ecartpayPublicOrder(c *call) *answer {
	r := c.find("orders", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Order")
	}
	public := r.Doc.only("id", "number", "status", "currency", "items", "totals", "pay_link", "created_at")
	if clabe := r.meta("clabe"); clabe != "" {
		public.set("clabe", clabe)
	}
	return success(public)
}

// ecartpayProcess turns on bank transfer and gives the order a CLABE that no
// bank would take: its check digit is left to chance.
func ecartpayProcess(c *call) *answer {
	r := c.find("orders", c.path["id"])
	if r == nil {
		return ecartpayNotFound("Order")
	}
	if r.meta("clabe") == "" {
		r.put("clabe", "646010"+c.st().digits("ecartpay.clabe", 12))
	}
	return success(obj("id", r.ID, "status", r.Doc.text("status"), "clabe", r.meta("clabe")))
}

func ecartpay3DS(c *call) *answer {
	return success(obj("url", "https://sandbox.ecartpay.com/3ds/"+ecartpayID(c)))
}

// ecartpaySTP is the provider's own simulation of a bank transfer.
func ecartpaySTP(c *call) *answer {
	key := c.in.text("claveRastreo")
	if key != "" && c.table("transfers").get(key) != nil {
		return ecartpayBad("claveRastreo has been used")
	}
	c.table("transfers").add(key, obj("claveRastreo", key))
	clabe, amount := c.in.text("cuentaBeneficiario"), rat(c.in.text("monto"))
	for _, r := range c.table("orders").Rows {
		if r.meta("clabe") != clabe || clabe == "" || r.Doc.text("status") != "created" {
			continue
		}
		if amount.Cmp(rat(r.Doc.object("totals").text("total"))) != 0 {
			return ecartpayBad("monto is not the amount of the order")
		}
		c.ecartpayPay(r)
		c.ecartpayEvent("transfer.created", r.ID, obj("id", r.ID, "status", "paid"), r.meta("notify_url"))
		return success(obj("id", r.ID, "status", "paid"))
	}
	id := ecartpayID(c)
	c.ecartpayEvent("transfer.created", id, obj("id", id, "status", "paid"), "")
	return success(obj("id", id, "status", "paid"))
}
