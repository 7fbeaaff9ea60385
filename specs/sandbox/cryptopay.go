package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func cryptopay() *provider {
	return &provider{
		open:    openCryptoPay,
		admit:   admitCryptoPay,
		refuse:  refuseCryptoPay,
		problem: cryptopayError,
		expired: func(*call) *answer { return cryptopayExpired() },
		finish:  countCryptoPay,
		handlers: map[string]handler{
			"registerMerchant":   cryptopayRegister,
			"login":              cryptopayLogin,
			"refreshToken":       cryptopayRefreshToken,
			"verifyToken":        cryptopayVerify,
			"createPaymentOrder": createPaymentOrder,
			"listPaymentOrders":  listPaymentOrders,
			"listTransactions":   listTransactions,
			"getTransaction":     getTransaction,
		},
	}
}

// countCryptoPay adds the documented rate limit headers. The count goes down
// and is never enforced.
func countCryptoPay(c *call, a *answer) {
	hour := c.now.Truncate(time.Hour)
	key := "cryptopay.calls." + hour.Format("2006010215")
	if c.st().Settings["cryptopay.hour"] != key {
		delete(c.st().Settings, c.st().Settings["cryptopay.hour"])
		c.st().Settings["cryptopay.hour"] = key
	}
	n := c.st().integer(key) + 1
	c.st().Settings[key] = strconv.FormatInt(n, 10)
	a.header.Set("X-RateLimit-Limit", "1000")
	a.header.Set("X-RateLimit-Remaining", strconv.FormatInt(max(1000-n, 0), 10))
	a.header.Set("X-RateLimit-Reset", strconv.FormatInt(hour.Add(time.Hour).Unix(), 10))
}

func refuseCryptoPay(c *call, vs []contract.Violation) *answer {
	details := obj()
	for _, v := range vs {
		name := field(v)
		if name == "" {
			name = "non_field_errors"
		}
		text := "This field is not valid: it " + v.What + "."
		if v.Rule == "required" {
			text = "This field is required."
		}
		details.set(name, append(details.list(name), text))
	}
	return cryptopayValidation(c, details)
}

func cryptopayInvalid(c *call, name, text string) *answer {
	return cryptopayValidation(c, obj(name, []any{text}))
}

func cryptopayValidation(c *call, details *object) *answer {
	return reply(http.StatusBadRequest, obj("success", false,
		"error", obj("code", "VALIDATION_ERROR", "message", "Invalid request data", "details", details), "timestamp", isoSeconds(c.now)))
}

// cryptopayAddress is where the fake merchant is paid, on every chain.
const cryptopayAddress = "0xfa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e"

func createPaymentOrder(c *call) *answer {
	if amount := c.in.text("amount"); !isAmount(amount) || rat(amount).Sign() <= 0 {
		return cryptopayInvalid(c, "amount", "A valid number is required.")
	}
	nonce := c.in.text("nonce")
	if c.table("nonces").get(nonce) != nil {
		return cryptopayInvalid(c, "nonce", "This nonce has been used.").guessed("what a repeated nonce gets")
	}
	c.table("nonces").add(nonce, nil)
	id := "ORD-" + c.st().hexID("cryptopay.order", 12)
	doc := obj(
		"id", jsonInt(c.st().serial("cryptopay.orders", 124)), "order_id", id, "amount", c.in.text("amount"), "currency", c.in.text("currency"),
		"blockchain", c.in.text("blockchain"), "status", "pending", "receiving_address", cryptopayAddress,
		"payment_url", "https://pay.cryptopay.com/order/"+id, "qr_code_url", "/qr/"+id, "order_info", c.in.text("order_info"), "nonce", c.in.get("nonce"),
		"created_at", isoSeconds(c.now))
	doc.take(c.in, "expires_at").set("transaction", nil) // without an end of its own an order does not expire; the default is not documented
	c.table("orders").add(id, doc, "webhook_url", c.in.text("webhook_url"))
	return success(obj("success", true, "data", doc))
}

// expireOrders ends the orders whose time has come, and says so.
func (c *call) expireOrders() {
	for _, r := range c.table("orders").Rows {
		if at := readISO(r.Doc.text("expires_at")); r.Doc.text("status") == "pending" && !at.IsZero() && !c.now.Before(at) {
			c.expireOrder(r)
		}
	}
}

func (c *call) expireOrder(r *row) {
	r.Doc.set("status", "expired")
	c.cryptopayEvent("order.expired", r, nil)
}

func listPaymentOrders(c *call) *answer {
	c.expireOrders()
	a := c.page("/api/payment-orders/", c.table("orders").where(nil), func(r *row) *object { return r.Doc })
	for _, r := range c.table("orders").Rows {
		if r.Doc.text("status") != "pending" {
			return a.guessed("the status and the transaction of an order that is no longer pending")
		}
	}
	return a
}

func listTransactions(c *call) *answer {
	chain, status := c.query.Get("blockchain"), c.query.Get("status")
	rows := c.table("transactions").where(func(r *row) bool {
		return (chain == "" || r.Doc.text("blockchain") == chain) && (status == "" || r.Doc.text("status") == status)
	})
	return c.page("/api/transactions/", rows, func(r *row) *object {
		order := r.Doc.object("payment_order")
		return r.Doc.only("transaction_hash", "blockchain", "status").take(order, "amount", "currency").set("created_at", r.meta("created_at"))
	})
}

func getTransaction(c *call) *answer {
	r := c.find("transactions", c.path["transaction_hash"])
	if r == nil {
		return reply(http.StatusNotFound, obj("success", false, "error", obj("code", "NOT_FOUND", "message", "Transaction not found"))).
			guessed("what an unknown hash gets")
	}
	return success(obj("success", true, "data", r.Doc))
}

// page is one page of a list, newest first. Its links are relative and drop
// page_size, as the documented ones do.
func (c *call) page(path string, rows []*row, view func(*row) *object) *answer {
	number, size := queryInt(c, "page", 1), queryInt(c, "page_size", 20)
	if number < 1 || size < 1 {
		return cryptopayInvalid(c, "page", "Invalid page.")
	}
	size = min(size, 100)
	results := []any{}
	for i := (number - 1) * size; i < min(number*size, len(rows)); i++ {
		results = append(results, view(rows[len(rows)-1-i]))
	}
	link := func(n int, there bool) any {
		if !there {
			return nil
		}
		return fmt.Sprintf("%s?page=%d", path, n)
	}
	return success(obj("count", jsonInt(len(rows)), "next", link(number+1, number*size < len(rows)), "previous", link(number-1, number > 1), "results", results))
}

func queryInt(c *call, name string, otherwise int) int {
	return toInt(c.query.Get(name), otherwise)
}
