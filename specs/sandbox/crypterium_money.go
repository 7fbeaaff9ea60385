package sandbox

import (
	"math/big"
	"net/http"
)

func crypteriumBad(text string) *answer {
	return crypteriumError(http.StatusBadRequest, 422, "NOT_VALID_REQUEST_DATA", text).guessed("what a call gets that cannot be carried out")
}

func registerCustomer(c *call) *answer {
	if c.in.text("email") == "" && c.in.text("phone") == "" {
		return crypteriumBad("email or phone is required")
	}
	id := c.st().uuid("crypterium.customer")
	c.table("customers").add(id, obj("customerId", id, "status", "ACTIVE", "kycLevel", "NONE"))
	return success(obj("customerId", id))
}

// crypteriumCustomers is a Spring page whose size is not the size that was
// asked for, as in the sample.
func crypteriumCustomers(c *call) *answer {
	rows := c.table("customers").Rows
	number, size := max(queryInt(c, "pageNumber", 0), 0), max(queryInt(c, "pageSize", 20), 1)
	from := min(number*size+max(queryInt(c, "offset", 0), 0), len(rows))
	content := []any{}
	for _, r := range rows[from:min(from+size, len(rows))] {
		content = append(content, r.Doc)
	}
	pages := (len(rows) + size - 1) / size
	return success(obj("content", content, "totalElements", jsonInt(len(rows)), "last", from+size >= len(rows), "totalPages", jsonInt(pages),
		"sort", nil, "first", number == 0, "numberOfElements", jsonInt(len(content)), "size", jsonInt(20), "number", jsonInt(number)))
}

// crypteriumWallets lists an owner's wallets with their balances.
func crypteriumWallets(c *call, owner string) *answer {
	list := []any{}
	for i, name := range crypteriumCoins {
		list = append(list, obj("id", jsonInt(i+1), "address", "FAKE"+name+owner, "currency", name,
			"balance", number(c.st().balance("crypterium/"+owner+"/"+name), 18)))
	}
	return success(obj("wallets", list))
}

func getMerchantWallets(c *call) *answer { return crypteriumWallets(c, "merchant") }

func getCustomerWallets(c *call) *answer {
	id := c.path["customerId"]
	if c.find("customers", id) == nil {
		return crypteriumBad("Customer not found")
	}
	return crypteriumWallets(c, id)
}

// accepted is success without a body, which is all that is known.
func accepted() *answer { return &answer{status: http.StatusOK, header: http.Header{}} }

// crypteriumMove moves money between two owners; an empty one is outside.
func crypteriumMove(c *call, from, to string) *answer {
	currency, amount := c.in.text("currency"), rat(c.in.text("amount"))
	source := "crypterium/" + from + "/" + currency
	switch {
	case amount.Sign() <= 0:
		return crypteriumBad("amount must be positive")
	case c.st().balance(source).Cmp(amount) < 0:
		return crypteriumBad("Not enough money")
	}
	c.st().move(source, new(big.Rat).Neg(amount))
	if to != "" {
		c.st().move("crypterium/"+to+"/"+currency, amount)
	}
	return accepted()
}

func creditCustomer(c *call) *answer {
	id := c.in.text("customerId")
	if c.find("customers", id) == nil {
		return crypteriumBad("Customer not found")
	}
	return c.crypteriumDone("CREDIT", id, crypteriumMove(c, "merchant", id))
}

func sendToAddress(c *call) *answer {
	return c.crypteriumDone("APPROVED_TRANSACTION", crypteriumNobody, crypteriumMove(c, "merchant", ""))
}

// debitCustomer takes the body one expects by the look of credit; any other
// is accepted and moves nothing.
func debitCustomer(c *call) *answer {
	id := c.in.text("customerId")
	if id == "" {
		return accepted()
	}
	if c.find("customers", id) == nil {
		return crypteriumBad("Customer not found")
	}
	return c.crypteriumDone("DEBIT", id, crypteriumMove(c, id, "merchant"))
}

// crypteriumNobody is the required customer of an event that has none.
const crypteriumNobody = "00000000-0000-4000-8000-000000000000"

func (c *call) crypteriumDone(event, customer string, a *answer) *answer {
	if a.status == http.StatusOK {
		c.crypteriumEvent(event, customer)
	}
	return a
}
