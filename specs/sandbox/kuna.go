package sandbox

import (
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func kuna() *provider {
	return &provider{
		open:    openKuna,
		admit:   admitKuna,
		refuse:  refuseKuna,
		problem: func(status int, code, message string) *answer { return kunaError(status, code, message) },
		expired: func(c *call) *answer { return kunaExpired(c.now) },
		handlers: map[string]handler{
			"login":              kunaLogin,
			"refreshToken":       kunaRefreshToken,
			"createCustomer":     kunaCreateCustomer,
			"updateCustomer":     kunaUpdateCustomer,
			"findCustomers":      kunaFindCustomers,
			"getCustomerDetails": kunaCustomerDetails,

			"getBalance": kunaBalance, "depositPreRequest": kunaDepositMethods, "getDepositAddress": kunaAddress,
			"withdrawPreRequest": kunaWithdrawMethods, "withdrawCrypto": kunaWithdraw,
			"exchangePreRequest": kunaExchangeMethods, "exchangeCrypto": kunaExchange,
			"depositWithExchange": kunaFiat("DepositWithExchange"), "withdrawWithExchange": kunaFiat("WithdrawWithExchange"),
			"buyToSendCrypto": kunaFiat("BuyToSendCrypto"), "retryBuyToSendCrypto": kunaRetry,
			"createTransfer": kunaTransfer,
			"freezeRate":     kunaFreeze,
			"findOperations": kunaFindOperations, "getOperationDetails": kunaOperation,
		},
	}
}

func openKuna(s *Sandbox) {
	doc := decodeObject(fixture(specs.Kuna, "createCustomer.response.2xx.partial.json")).object("data")
	if doc == nil {
		return
	}
	kunaOpenMoney(s)
	t := s.st.table("kuna.customers" + samplesOf)
	for _, id := range []string{doc.text("id"), "6d962783-f0cf-420d-a511-3a48c71c5595", "d0eab186-19f1-446f-8b9e-739945941b89"} {
		t.add(id, doc.clone().set("id", id).set("createdAt", "2024-02-26T16:36:14.499Z"))
	}
}

func refuseKuna(_ *call, vs []contract.Violation) *answer {
	list := []any{}
	for _, v := range vs {
		list = append(list, obj("code", "BAD_REQUEST", "message", field(v)+" "+v.What))
	}
	return reply(http.StatusBadRequest, obj("errors", list)).guessed("the code and the text; no validation error is documented")
}

func kunaBad(message string) *answer {
	return kunaError(http.StatusBadRequest, "BAD_REQUEST", message).guessed("the code and the text of this refusal")
}

var kunaCustomerFields = []string{"email", "phoneNumber", "firstName", "lastName", "comment", "externalId", "referralId", "country",
	"verificationDocumentId", "residenceAddress", "itn"}

func kunaCreateCustomer(c *call) *answer {
	if kunaByEmail(c, c.in.text("email")) != nil {
		return kunaBad("email is taken")
	}
	id := c.st().uuid("kuna.customer")
	doc := obj("id", id, "email", c.in.text("email"), "walletId", c.st().uuid("kuna.wallet")).
		take(c.in, kunaCustomerFields[1:5]...)
	if !doc.has("comment") {
		doc.set("comment", nil)
	}
	doc.take(c.in, kunaCustomerFields[5:]...).set("createdAt", isoMillis(c.now))
	c.table("customers").add(id, doc)
	return success(obj("data", doc)).guessed("the fields of a customer after externalId")
}

func kunaByEmail(c *call, email string) *row {
	rows := c.table("customers").where(func(r *row) bool { return r.Doc.text("email") == email })
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

func kunaUpdateCustomer(c *call) *answer {
	r := c.find("customers", c.in.text("id"))
	if r == nil {
		return kunaBad("customer not found")
	}
	if other := kunaByEmail(c, c.in.text("email")); other != nil && other.ID != r.ID {
		return kunaBad("email is taken")
	}
	for _, f := range kunaCustomerFields {
		if f != "referralId" { // not in the table of this operation
			r.Doc.take(c.in, f)
		}
	}
	a := success(obj("data", r.Doc)).guessed("the body, which is not documented")
	a.status = http.StatusCreated // the one documented success status
	return a
}

func kunaCustomerDetails(c *call) *answer {
	r := c.find("customers", c.in.text("id"))
	if r == nil {
		return kunaBad("customer not found")
	}
	return success(obj("data", r.Doc)).guessed("the fields of a customer after externalId")
}

func kunaFindCustomers(c *call) *answer {
	from, to := readISO(c.in.text("createdFrom")), readISO(c.in.text("createdTo"))
	rows := c.table("customers").where(func(r *row) bool {
		for _, f := range []string{"email", "walletId", "phoneNumber", "comment", "externalId", "referralId"} {
			if v := c.in.text(f); v != "" && r.Doc.text(f) != v {
				return false
			}
		}
		if name := c.in.text("fullName"); name != "" && name != r.Doc.text("firstName")+" "+r.Doc.text("lastName") {
			return false
		}
		return within(readISO(r.Doc.text("createdAt")), from, to)
	})
	return success(obj("data", window(rows, c.in.get("skip"), c.in.get("take")))).guessed("the shape of the list, which is not documented")
}

// within reports whether a time lies between two others; zero means no limit.
func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (to.IsZero() || !t.After(to))
}

// window is what skip and take leave of a list; without take it is a hundred,
// a number of ours.
func window(rows []*row, skip, take any) []any {
	from, n := min(max(toInt(skip, 0), 0), len(rows)), toInt(take, 100)
	out := []any{}
	for _, r := range rows[from:min(from+max(n, 0), len(rows))] {
		out = append(out, r.Doc)
	}
	return out
}
