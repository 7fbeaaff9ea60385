package sandbox

import "net/http"

func createInvoiceV1(c *call) *answer {
	refuse := func(text string) *answer {
		return reply(http.StatusBadRequest, obj("status", "error", "error", text)).guessed("the message of a V1 refusal")
	}
	if c.shop() != nil {
		return refuse("Invalid value shop_id.")
	}
	currency := c.in.text("currency")
	if currency == "" {
		currency = "USD"
	}
	switch currency {
	case "USD", "RUB", "EUR", "GBP", "UAH":
	default:
		return refuse("Invalid value currency.")
	}
	amount := rat(c.in.text("amount"))
	if amount.Sign() <= 0 {
		return refuse("Invalid value amount.")
	}
	r := newInvoice(c, mul(amount, rat(fiat[currency])), "BTC", "", lifetime(nil))
	r.put("v1", "yes")
	r.Doc.set("amount_in_fiat", float(amount, 8)).set("fiat_currency", currency)
	if id := c.in.text("order_id"); id != "" {
		r.Doc.set("order_id", id)
	}
	id := r.ID[len("INV-"):]
	return success(obj("status", "success", "pay_url", r.Doc.text("link"), "currency", "BTC", "invoice_id", id,
		"amount", r.Doc.get("amount"), "amount_usd", r.Doc.get("amount_usd")))
}

func getInvoiceStatusV1(c *call) *answer {
	id := c.query.Get("uuid")
	r := c.invoice(id)
	if r == nil && (id == "INV-DZLF4212" || id == "DZLF4212") {
		return c.payload() // the documented invoice
	}
	if r == nil {
		return reply(http.StatusBadRequest, obj("status", "error", "error", "Status check error")).guessed("the message for an unknown invoice")
	}
	status := r.Doc.text("status")
	if status == "overpaid" {
		status = "paid" // V1 does not know the word
	}
	return success(obj("status", "success", "status_invoice", status))
}
