package sandbox

import (
	"net/http"
	"slices"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// ecartpayAccount is the merchant's account in every answer, ecartpayKeys the
// pair of keys it uses.
const (
	ecartpayAccount = "fa4e0000000000000000ac01"
	ecartpayKeys    = "fa4e0000000000000000a001"
)

func ecartpay() *provider {
	return &provider{
		open:     openEcartPay,
		admit:    admitEcartPay,
		refuse:   refuseEcartPay,
		problem:  func(status int, _, message string) *answer { return ecartpayProblem(status, message) },
		expired:  func(*call) *answer { return ecartpayUnauthorized() },
		handlers: ecartpayHandlers(),
	}
}

func ecartpayHandlers() map[string]handler {
	return map[string]handler{
		"createAuthorizationToken": ecartpayToken,

		"createOrder": ecartpayCreateOrder, "getOrder": ecartpayGetOrder, "updateOrder": ecartpayUpdateOrder,
		"refundOrder": ecartpayRefund, "getPublicOrder": ecartpayPublicOrder, "processOrder": ecartpayProcess,
		"createThreeDSecure": ecartpay3DS, "simulateStpTransfer": ecartpaySTP,

		"createCheckout": ecartpayCreateCheckout, "getCheckout": ecartpayRead("checkouts", "id", "Checkout"),
		"getPublicCheckout": ecartpayPublicCheckout, "updateCheckout": ecartpayUpdateCheckout, "updateCheckoutItem": ecartpayUpdateCheckoutItem,

		"getTransactionsSummary": ecartpaySummary, "listTransactions": ecartpayTransactions,
		"getTransaction": ecartpayRead("transactions", "transaction_id", "Transaction"),

		"createPayout": ecartpayCreatePayout, "getPayout": ecartpayGetPayout, "listPayouts": ecartpayListPayouts,
		"updatePayoutItems": ecartpayUpdatePayout, "confirmPayout": ecartpayConfirmPayout,

		"listWithdrawals":        ecartpayList("withdrawals", nil),
		"createWithdrawalMethod": ecartpayCreateMethod, "updateWithdrawalMethod": ecartpayUpdateMethod,
		"listWithdrawalMethods": ecartpayArray("methods", nil), "deleteWithdrawalMethod": ecartpayDelete("methods", "id", "Method"),

		"getMyInformation": ecartpayMe, "getAccountBillingInformation": ecartpayEmpty,
		"createAccountGatewayKeys": ecartpayGatewayKeys, "updateAccountGateway": ecartpaySwitchGateway, "updateGateway": ecartpaySwitchGateway,
		"listGateways": ecartpayArray("gateways", func(o *object) *object { return o.clone().drop("keys") }),
		"getGateway":   ecartpayRead("gateways", "id", "Gateway"), "updateGatewayMethod": ecartpayGatewayMethod,

		"listBanks": ecartpayListBanks, "getBank": ecartpayGetBank,

		"createCard": ecartpayCreateCard, "getCard": ecartpayGetCard, "deleteCard": ecartpayDelete("cards", "id", "Card"),
		"listCards":           ecartpayArray("cards", func(o *object) *object { return o.clone().drop("account_id", "number") }),
		"getMsiConfiguration": ecartpayMSI, "upsertMsiConfiguration": ecartpaySetMSI, "setMsiActive": ecartpayMSIActive,

		"createCustomer": ecartpayCreateCustomer, "getCustomer": ecartpayRead("customers", "id", "Customer"),
		"listCustomers": ecartpayListCustomers, "updateCustomer": ecartpayUpdateCustomer, "deleteCustomer": ecartpayDeleteCustomer,
		"createCustomerCard": ecartpayCreateCustomerCard, "listCustomerCards": ecartpayListCustomerCards,
		"setDefaultCustomerCard": ecartpayDefaultCard, "deleteCustomerCard": ecartpayDeleteCustomerCard,
		"createCustomerToken": ecartpayCustomerToken, "createCustomerSession": ecartpayCustomerSession,
		"createCustomerPaymentMethod": ecartpayCustomerMethod, "createCardToken": ecartpayCardToken,

		"createTemplate": ecartpayCreateTemplate, "getTemplate": ecartpayRead("templates", "id", "Template"),
		"listTemplates": ecartpayList("templates", nil), "updateTemplate": ecartpayUpdateTemplate,
		"deleteTemplate": ecartpayDelete("templates", "id", "Template"),

		"createSubscription": ecartpayCreateSubscription, "getSubscription": ecartpayRead("subscriptions", "id", "Subscription"),
		"listSubscriptions": ecartpayList("subscriptions", ecartpaySubscriptionFilter), "listMySubscriptions": ecartpayList("subscriptions", nil),
		"updateSubscription": ecartpayUpdateSubscription, "updateSubscriptionFromCustomer": ecartpayUpdateSubscription,
		"resendSubscriptionInvitation": ecartpayResend,
		"createSubscriptionTemplate":   ecartpayCreatePlan, "listSubscriptionTemplates": ecartpayList("plans", nil),

		"createChargeback": ecartpayCreateChargeback, "getChargeback": ecartpayRead("chargebacks", "id", "Chargeback"),
		"listChargebacks": ecartpayList("chargebacks", nil), "updateChargeback": ecartpayUpdateChargeback,

		"createBillingClient": ecartpayCreateBillingClient, "listBillingClients": ecartpayList("billing clients", nil),
		"createOrderInvoice": ecartpayCreateInvoice, "listInvoices": ecartpayList("invoices", nil), "downloadCfdi": ecartpayCFDI,

		"createWebhook": ecartpayCreateWebhook,

		"createOAuthApplication": ecartpayOAuthApplication, "startOAuthConnect": ecartpayOAuthPage,
		"exchangeOAuthCode": ecartpayOAuthExchange, "getOAuthCredentials": ecartpayOAuthCredentials,
		"createScopesToken": ecartpayScopesToken,

		"createDirectDebit": ecartpayDirectDebit,

		"listScopes": ecartpayNothing, "listExchanges": ecartpayNothing, "listAvailableExchanges": ecartpayNothing,
		"listEconomicActivities": ecartpayNothing, "listNumberTypes": ecartpayNothing, "listLocalities": ecartpayNothing,
		"listBillingProviders": ecartpayNothing, "listBillingFilters": ecartpayNothing, "listActivity": ecartpayNothing,
	}
}

func refuseEcartPay(c *call, vs []contract.Violation) *answer {
	v := vs[0]
	text := field(v) + " " + v.What
	if v.Expected != "" {
		text += ", expected " + v.Expected
	}
	if c.op.ID == "createPayout" && field(v) == "amount" {
		return reply(http.StatusInternalServerError, obj("message", "Cast to Number failed for value at path \"amount\"", "statusCode", jsonInt(400)))
	}
	return ecartpayBad(text)
}

func ecartpayProblem(status int, message string) *answer {
	return reply(status, obj("message", message, "statusCode", jsonInt(status)))
}

func ecartpayBad(text string) *answer {
	return ecartpayProblem(http.StatusBadRequest, text).guessed("the status and the text; no refusal of this kind is documented")
}

func ecartpayNotFound(what string) *answer {
	return ecartpayProblem(http.StatusNotFound, what+" not found").guessed("what an unknown id gets")
}

// ecartpaySamples are the documented answers whose ids can be read again.
var ecartpaySamples = map[string][]string{
	"orders": {"createOrder"}, "checkouts": {"getCheckout", "createCheckout"}, "payouts": {"getPayout", "createPayout", "confirmPayout"},
	"customers": {"createCustomer"}, "cards": {"getCard"}, "templates": {"createTemplate"},
	"subscriptions": {"getSubscription", "createSubscription"}, "chargebacks": {"getChargeback", "createChargeback"},
	"methods": {"createWithdrawalMethod"},
}

func openEcartPay(s *Sandbox) {
	p := s.providers[specs.EcartPay]
	for table, operations := range ecartpaySamples {
		t := s.st.table("ecartpay." + table + samplesOf)
		for _, operation := range operations {
			if doc := p.sample(operation); doc.text("id") != "" {
				t.add(doc.text("id"), doc)
			}
		}
	}
	confirmable := s.st.table("ecartpay.payouts" + samplesOf).get("625cb4778541531b52506d3b")
	if confirmable != nil {
		confirmable.Doc.set("status", "pending")
	}
	for _, id := range []string{"65b9520fe35ed4b1662014d1", "68223896dd296eef1c9a5171", "6944a4946afaf625504595e3"} { // named by other samples
		s.st.table("ecartpay.customers"+samplesOf).add(id, p.sample("createCustomer").set("id", id))
	}
	cards, _ := decode(p.payloads["listCustomerCards"])
	if list, ok := cards.([]any); ok {
		for _, v := range list {
			if o, ok := v.(*object); ok {
				s.st.table("ecartpay.customer cards"+samplesOf).add(o.text("id"), o, "customer", "65b9520fe35ed4b1662014d1")
			}
		}
	}
	gateways, _ := decode(p.payloads["listGateways"])
	if list, ok := gateways.([]any); ok { // the provider's own catalogue, listed from the start
		for _, v := range list {
			if o, ok := v.(*object); ok {
				s.st.table("ecartpay.gateways").add(o.text("id"), o.clone().set("keys", []any{}))
			}
		}
	}
	s.st.Balances["ecartpay/MXN"] = "100000"
	s.st.Balances["ecartpay/USD"] = "5000"
}

// Parts that many resources share.

// ecartpayID is an id as Ecart Pay makes them, 24 hex digits.
func ecartpayID(c *call) string { return c.st().hexID("ecartpay.id", 24) }

func ecartpayRead(table, param, what string) handler {
	return func(c *call) *answer {
		r := c.find(table, c.path[param])
		if r == nil {
			return ecartpayNotFound(what)
		}
		return success(r.Doc)
	}
}

// ecartpayDelete removes a row; that of a sample stays.
func ecartpayDelete(table, param, what string) handler {
	return func(c *call) *answer {
		if c.find(table, c.path[param]) == nil {
			return ecartpayNotFound(what)
		}
		c.table(table).remove(c.path[param])
		return success(obj("success", true))
	}
}

// ecartpayList is the envelope {count, docs, pages}, newest first.
func ecartpayList(table string, keep func(*call) func(*row) bool) handler {
	return func(c *call) *answer {
		var filter func(*row) bool
		if keep != nil {
			filter = keep(c)
		}
		return success(ecartpayPage(c, c.table(table).where(filter)))
	}
}

func ecartpayPage(c *call, rows []*row) *object {
	limit := min(max(queryInt(c, "limit", 50), 1), 200)
	page := max(queryInt(c, "page", 1), 1)
	docs := []any{}
	for i := (page - 1) * limit; i < min(page*limit, len(rows)); i++ {
		docs = append(docs, rows[len(rows)-1-i].Doc)
	}
	return obj("count", jsonInt(len(rows)), "docs", docs, "pages", jsonInt((len(rows)+limit-1)/limit))
}

// ecartpayArray is the bare array that other lists are.
func ecartpayArray(table string, view func(*object) *object) handler {
	return func(c *call) *answer {
		list := []any{}
		for _, r := range c.table(table).Rows {
			if view != nil {
				list = append(list, view(r.Doc))
			} else {
				list = append(list, r.Doc)
			}
		}
		return success(list)
	}
}

func ecartpayEmpty(*call) *answer   { return success(obj()) }
func ecartpayNothing(*call) *answer { return success([]any{}) }

// brand guesses a card's brand from its first digit.
func brand(number string) string {
	switch {
	case number == "":
		return "unknown"
	case number[0] == '5':
		return "mastercard"
	case number[0] == '3':
		return "amex"
	}
	return "visa"
}

func onlyDigits(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(b byte) bool { return b < '0' || b > '9' }))
}

func lastFour(number string) string { return number[max(0, len(number)-4):] }
