package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

func newInvoice(t testing.TB, srv *sandbox.Server, amount string) string {
	t.Helper()
	v := good(t, srv, "POST", "cryptocloud/v2/invoice/create",
		`{"shop_id":"`+srv.Credentials(specs.CryptoCloud).ShopID+`","amount":`+amount+`,"currency":"USD","order_id":"o-1"}`, tokenHeader(srv)...)
	return text(v, "result", "uuid")
}

func invoiceInfo(t testing.TB, srv *sandbox.Server, id string) any {
	t.Helper()
	v := good(t, srv, "POST", "cryptocloud/v2/invoice/merchant/info", `{"uuids":["`+id+`"]}`, tokenHeader(srv)...)
	return at(v, "result", 0)
}

func TestAnInvoiceIsCreatedReadCancelledAndExpires(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
	cancel := func(id string) (int, any) {
		return do(t, srv, "POST", "cryptocloud/v2/invoice/merchant/canceled", `{"uuid":"`+id+`"}`, tokenHeader(srv)...)
	}
	id := newInvoice(t, srv, "10")
	require.Equal(t, "created", text(invoiceInfo(t, srv, id), "status"))
	require.Equal(t, "o-1", text(invoiceInfo(t, srv, id[4:]), "order_id"), "V2 takes the id without its prefix")
	status, v := cancel(id)
	require.Equal(t, 200, status)
	require.Equal(t, []any{"ok"}, at(v, "result"))
	require.Equal(t, "canceled", text(invoiceInfo(t, srv, id), "status"))
	status, v = cancel(id)
	require.Equal(t, 400, status)
	require.Equal(t, "Invoice is not created", text(v, "result", "validate_error"))

	old := newInvoice(t, srv, "10")
	srv.Advance(25 * time.Hour)
	require.Equal(t, "canceled", text(invoiceInfo(t, srv, old), "status"), "nobody paid in time")
	require.Nil(t, invoiceInfo(t, srv, "INV-NOTTHERE"))
	srv.AssertNoViolations(t)
}

func TestInvoicesAreListedByDayUpToTheLastRecord(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud), sandbox.WithClock(func() time.Time { return clock }))
	for range 25 {
		newInvoice(t, srv, "1")
	}
	srv.Advance(48 * time.Hour)
	last := newInvoice(t, srv, "1")
	list := func(fields string) any {
		return good(t, srv, "POST", "cryptocloud/v2/invoice/merchant/list", `{"start":"01.03.2026","end":"01.03.2026"`+fields+`}`, tokenHeader(srv)...)
	}
	require.Len(t, at(list(""), "result"), 10)
	require.EqualValues(t, 25, at(list(""), "all_count"), "the one of the 3rd is not among them")
	require.Len(t, at(list(`,"offset":10,"limit":25`), "result"), 15)
	require.Empty(t, at(list(`,"offset":10,"limit":10`), "result"), "limit is the number of the last record")
	all := good(t, srv, "POST", "cryptocloud/v2/invoice/merchant/list", `{"start":"03.03.2026","end":"04.03.2026"}`, tokenHeader(srv)...)
	require.Equal(t, last, text(all, "result", 0, "uuid"))
	status, v := do(t, srv, "POST", "cryptocloud/v2/invoice/merchant/list", `{"start":"02.03.2026","end":"01.03.2026"}`, tokenHeader(srv)...)
	require.Equal(t, 400, status)
	require.NotNil(t, at(v, "result", "end"))
	srv.AssertNoViolations(t)
}

func TestCryptoCloudBalancesAddUp(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
	balance := func() float64 {
		v := good(t, srv, "POST", "cryptocloud/v2/merchant/wallet/balance/all", "", tokenHeader(srv)...)
		for i := range 5 {
			if text(v, "result", i, "currency", "code") == "USDT_TRC20" {
				n, _ := at(v, "result", i, "available_balance").(float64)
				return n
			}
		}
		return -1
	}
	require.InDelta(t, 1000, balance(), 1e-9)
	id := newInvoice(t, srv, "100")
	require.NoError(t, srv.PayAmount(id, "50"))
	require.Equal(t, "partial", text(invoiceInfo(t, srv, id), "status"))
	require.NoError(t, srv.Pay(id)) // the rest of 101.4
	info := invoiceInfo(t, srv, id)
	require.Equal(t, "paid", text(info, "status"))
	require.InDelta(t, 98.1, at(info, "received"), 1e-9, "100 less 1.9 per cent")
	require.InDelta(t, 1098.1, balance(), 1e-9)
	require.Error(t, srv.Pay(id), "paid already")

	over := newInvoice(t, srv, "10")
	require.NoError(t, srv.PayAmount(over, "20"))
	require.Equal(t, "overpaid", text(invoiceInfo(t, srv, over), "status"))

	before := balance()
	withdraw := func(amount string) (int, any) {
		return do(t, srv, "POST", "cryptocloud/v2/invoice/api/out/create", `{"currency_code":"USDT_TRC20","to_address":"x","amount":`+amount+`}`,
			"Authorization", "Token "+srv.Credentials(specs.CryptoCloud).WithdrawalAPIKey)
	}
	status, _ := withdraw("100")
	require.Equal(t, 200, status)
	require.InDelta(t, before-100, balance(), 1e-9)
	status, v := withdraw("1")
	require.Equal(t, 400, status)
	require.NotNil(t, at(v, "result", "rate_limit"), "12 seconds between two")
	srv.Advance(11*time.Second + 900*time.Millisecond) // the refused call counts too
	status, v = withdraw("1")
	require.NotNil(t, at(v, "result", "rate_limit"))
	require.Equal(t, 400, status)
	srv.Advance(12 * time.Second)
	status, v = withdraw("1000000")
	require.Equal(t, 400, status)
	require.NotNil(t, at(v, "result", "uncorrected_amount"))

	day := srv.Now().Format("02.01.2006")
	stats := good(t, srv, "POST", "cryptocloud/v2/invoice/merchant/statistics", `{"start":"`+day+`","end":"`+day+`"}`, tokenHeader(srv)...)
	require.EqualValues(t, 2, at(stats, "result", "count", "all"))
	require.EqualValues(t, 110, at(stats, "result", "amount", "all"))
	srv.AssertNoViolations(t)
}

func TestStaticWalletsAreSwitchedAndPaid(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
	shop := srv.Credentials(specs.CryptoCloud).ShopID
	create := `{"shop_id":"` + shop + `","currency":"USDT_TRC20","identify":"user 7"}`
	one := good(t, srv, "POST", "cryptocloud/v2/invoice/static/create", create, tokenHeader(srv)...)
	two := good(t, srv, "POST", "cryptocloud/v2/invoice/static/create", create, tokenHeader(srv)...)
	require.Equal(t, one, two)
	id := text(one, "result", "uuid")
	off := good(t, srv, "POST", "cryptocloud/v2/invoice/static/unsubscribe", `{"uuid":"`+id+`"}`, tokenHeader(srv)...)
	require.Equal(t, false, at(off, "result", "active"))
	require.Error(t, srv.Pay(id))
	good(t, srv, "POST", "cryptocloud/v2/invoice/static/subscribe", `{"uuid":"`+id+`"}`, tokenHeader(srv)...)
	require.NoError(t, srv.Pay(id))
	list := good(t, srv, "POST", "cryptocloud/v2/invoice/static/list", `{"shop_id":"`+shop+`"}`, tokenHeader(srv)...)
	require.Equal(t, "user 7", text(list, "result", "staticWallets", 0, "identify"))
	srv.AssertNoViolations(t)
}

func TestV1KnowsItsInvoices(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
	v := good(t, srv, "POST", "cryptocloud/v1/invoice/create", `{"shop_id":"`+srv.Credentials(specs.CryptoCloud).ShopID+`","amount":5}`, tokenHeader(srv)...)
	id := text(v, "invoice_id")
	require.NotContains(t, id, "INV-")
	status := func() string {
		return text(good(t, srv, "GET", "cryptocloud/v1/invoice/info?uuid=INV-"+id, "", tokenHeader(srv)...), "status_invoice")
	}
	require.Equal(t, "created", status())
	require.NoError(t, srv.Pay(id))
	require.Equal(t, "paid", status())
	srv.AssertNoViolations(t)
}

func newOrder(t testing.TB, srv *sandbox.Server, nonce int, more string) string {
	t.Helper()
	v := good(t, srv, "POST", "cryptopay/api/payment-orders/",
		fmt.Sprintf(`{"amount":"12.345678901234567890","currency":"USDC","blockchain":"base","order_info":"{\"n\": %d}","nonce":%d%s}`, nonce, nonce, more),
		"Authorization", "Bearer "+srv.Credentials(specs.CryptoPay).APIKey)
	return text(v, "data", "order_id")
}

func TestPaymentOrdersArePagedWithLinksThatDropTheSize(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	key := []string{"Authorization", "Bearer " + srv.Credentials(specs.CryptoPay).APIKey}
	var first, last string
	for i := range 45 {
		last = newOrder(t, srv, 1640995200123456+i, "")
		if i == 0 {
			first = last
		}
	}
	page := func(query string) any {
		return good(t, srv, "GET", "cryptopay/api/payment-orders/"+query, "", key...)
	}
	one := page("?page_size=20")
	require.EqualValues(t, 45, at(one, "count"))
	require.Equal(t, "/api/payment-orders/?page=2", text(one, "next"))
	require.Nil(t, at(one, "previous"))
	require.Equal(t, last, text(one, "results", 0, "order_id"), "newest first")
	three := page("?page=3&page_size=20")
	require.Nil(t, at(three, "next"))
	require.Equal(t, "/api/payment-orders/?page=2", text(three, "previous"))
	require.Len(t, at(three, "results"), 5)
	require.Equal(t, first, text(three, "results", 4, "order_id"))
	require.Equal(t, "12.345678901234567890", text(three, "results", 4, "amount"), "amounts keep every digit")

	status, v := do(t, srv, "POST", "cryptopay/api/payment-orders/",
		`{"amount":"1","currency":"USDC","blockchain":"base","order_info":"{}","nonce":1640995200123456}`, key...)
	require.Equal(t, 400, status, "a nonce is used once")
	require.NotNil(t, at(v, "error", "details", "nonce"))
	srv.AssertNoViolations(t)
}

func TestAPaidOrderHasATransaction(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	key := []string{"Authorization", "Bearer " + srv.Credentials(specs.CryptoPay).APIKey}
	paid, failed, late := newOrder(t, srv, 1, ""), newOrder(t, srv, 2, ""), newOrder(t, srv, 3, `,"expires_at":"`+srv.Now().Add(time.Hour).Format(time.RFC3339)+`"`)
	require.NoError(t, srv.Pay(paid))
	require.NoError(t, srv.Fail(failed))
	srv.Advance(61 * time.Minute)
	require.Error(t, srv.Pay(late), "expired by itself")
	require.Error(t, srv.Pay(paid))
	list := good(t, srv, "GET", "cryptopay/api/transactions/?status=confirmed", "", key...)
	require.EqualValues(t, 1, at(list, "count"))
	one := good(t, srv, "GET", "cryptopay/api/transactions/"+text(list, "results", 0, "transaction_hash")+"/", "", key...)
	require.Equal(t, paid, text(one, "data", "payment_order", "order_id"))
	status, _ := do(t, srv, "GET", "cryptopay/api/transactions/0xnone/", "", key...)
	require.Equal(t, 404, status)
	srv.AssertNoViolations(t)
}

func TestCrypteriumMovesMoneyBetweenWallets(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Crypterium))
	_, token := crypteriumToken(t, srv, srv.Credentials(specs.Crypterium).Password)
	auth := []string{"Authorization", "Bearer " + text(token, "access_token")}
	customer := text(good(t, srv, "POST", "crypterium/v1/merchant/register", `{"email":"a@fake.invalid"}`, auth...), "customerId")
	wallet := func(path string) any {
		return at(good(t, srv, "GET", "crypterium"+path, "", auth...), "wallets", 0, "balance")
	}
	own, theirs := "/v1/merchant/wallet", "/v1/merchant/customer/"+customer+"/wallet"
	require.EqualValues(t, 10, wallet(own))
	res, body := send(t, srv, "POST", "crypterium/v1/merchant/credit", `{"amount":2.5,"currency":"BTC","customerId":"`+customer+`"}`, auth...)
	require.Equal(t, 200, res.StatusCode, "%s", body)
	require.Empty(t, body, "no answer is documented")
	require.EqualValues(t, 7.5, wallet(own))
	require.EqualValues(t, 2.5, wallet(theirs))
	send(t, srv, "POST", "crypterium/v1/merchant/send", `{"amount":1,"currency":"BTC","address":"FAKE"}`, auth...)
	require.EqualValues(t, 6.5, wallet(own))
	send(t, srv, "POST", "crypterium/v1/merchant/debit", `{"amount":0.5,"currency":"BTC","customerId":"`+customer+`"}`, auth...)
	require.EqualValues(t, 7, wallet(own))
	require.EqualValues(t, 2, wallet(theirs))
	status, _ := do(t, srv, "POST", "crypterium/v1/merchant/credit", `{"amount":100,"currency":"BTC","customerId":"`+customer+`"}`, auth...)
	require.Equal(t, 400, status, "more than there is")

	for range 4 {
		good(t, srv, "POST", "crypterium/v1/merchant/register", `{"phone":"1"}`, auth...)
	}
	page := good(t, srv, "GET", "crypterium/v1/merchant/customer?pageNumber=1&pageSize=2", "", auth...)
	require.EqualValues(t, 5, at(page, "totalElements"))
	require.EqualValues(t, 3, at(page, "totalPages"))
	require.EqualValues(t, 20, at(page, "size"), "not the size that was asked for, as documented")
	require.Len(t, at(page, "content"), 2)
	tokens := good(t, srv, "POST", "crypterium/v1/merchant/authorize", `{"customerId":"`+customer+`"}`, auth...)
	require.EqualValues(t, 899, at(tokens, "expires_in"))
	srv.AssertNoViolations(t)
}

func TestAnEcartPayOrderIsPaidAndRefunded(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := []string{"Authorization", ecartpayToken(t, srv)}
	order := good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","email":"a@fake.invalid","items":[{"name":"Ring","quantity":3,"price":0.1},{"name":"Box","quantity":1,"price":100,"discount":0.5}],
		"shipping_items":[{"name":"Express","amount":160,"carrier":"OWN"}]}`, auth...)
	require.EqualValues(t, 259.8, at(order, "totals", "total"), "exact decimals")
	id := text(order, "id")
	balance := func() any {
		return at(good(t, srv, "GET", "ecartpay/api/transactions/summary?currency=MXN", "", auth...), 0, "balance")
	}
	refund := func(amount string) (int, any) {
		return do(t, srv, "POST", "ecartpay/api/orders/"+id+"/refund", `{"amount":`+amount+`,"reason":"requested"}`, auth...)
	}
	status := func() string { return text(good(t, srv, "GET", "ecartpay/api/orders/"+id, "", auth...), "status") }
	code, _ := refund("1")
	require.Equal(t, 400, code, "not paid yet")
	require.NoError(t, srv.Fail(id))
	require.Equal(t, "declined", status())
	require.NoError(t, srv.Pay(id))
	require.Equal(t, "paid", status())
	require.EqualValues(t, 100259.8, balance())
	code, _ = refund("59.8")
	require.Equal(t, 200, code)
	require.Equal(t, "partially_refunded", status())
	code, _ = refund("200.01")
	require.Equal(t, 400, code, "more than is left")
	code, _ = refund("200")
	require.Equal(t, 200, code)
	require.Equal(t, "refunded", status())
	require.EqualValues(t, 100000, balance())
	page := good(t, srv, "GET", "ecartpay/api/transactions?status=reimbursed", "", auth...)
	require.Equal(t, id, text(page, "docs", 0, "order_id"))
	srv.AssertNoViolations(t)
}

func TestAnEcartPayTransferPaysTheOrderOfItsCLABE(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := []string{"Authorization", ecartpayToken(t, srv)}
	id := text(good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","items":[{"name":"a","quantity":1,"price":150}]}`, auth...), "id")
	good(t, srv, "POST", "ecartpay/api/orders/"+id+"/process", `{}`, auth...)
	clabe := text(good(t, srv, "GET", "ecartpay/api/orders/public/"+id, ""), "clabe")
	require.Len(t, clabe, 18)
	pay := func(amount, key string) int {
		code, _ := do(t, srv, "POST", "ecartpay/webhooks/stp", `{"cuentaBeneficiario":"`+clabe+`","monto":"`+amount+`","claveRastreo":"`+key+`"}`, "Authorization", "fake")
		return code
	}
	require.Equal(t, 400, pay("149", "k1"))
	require.Equal(t, 200, pay("150", "k2"))
	require.Equal(t, 400, pay("150", "k2"), "a key is used once")
	require.Equal(t, "paid", text(good(t, srv, "GET", "ecartpay/api/orders/"+id, "", auth...), "status"))
	srv.AssertNoViolations(t)
}

func TestEcartPayCustomersAreUniqueAndHaveCards(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := []string{"Authorization", ecartpayToken(t, srv)}
	customer := good(t, srv, "POST", "ecartpay/api/customers", `{"first_name":"A","email":"a@fake.invalid","phone":"1"}`, auth...)
	id := text(customer, "id")
	status, _ := do(t, srv, "POST", "ecartpay/api/customers", `{"email":"a@fake.invalid"}`, auth...)
	require.Equal(t, 409, status)
	found := good(t, srv, "GET", "ecartpay/api/customers?email=a@fake.invalid", "", auth...)
	require.EqualValues(t, 1, at(found, "count"))

	var cards []string
	for range 2 {
		cards = append(cards, text(good(t, srv, "POST", "ecartpay/api/customers/"+id+"/cards", `{"name":"A","number":"4242 4242 4242 4242","exp_month":"10","exp_year":"2028","cvc":"111"}`, auth...), "id"))
	}
	good(t, srv, "PUT", "ecartpay/api/customers/"+id+"/cards/"+cards[1]+"/default", "", auth...)
	list := good(t, srv, "GET", "ecartpay/api/customers/"+id+"/cards", "", auth...)
	require.Equal(t, false, at(list, 0, "default"))
	require.Equal(t, true, at(list, 1, "default"))
	token := text(good(t, srv, "POST", "ecartpay/api/tokens", `{"id":"`+cards[1]+`","cvc":"111"}`, auth...), "token")
	paid := good(t, srv, "POST", "ecartpay/api/orders", `{"customer_id":"`+id+`","currency":"MXN","token":"`+token+`","items":[{"name":"a","quantity":1,"price":5}]}`, auth...)
	require.Equal(t, "paid", text(paid, "status"), "a card token charges at once")
	good(t, srv, "DELETE", "ecartpay/api/customers/"+id+"/cards/"+cards[0], "", auth...)
	good(t, srv, "DELETE", "ecartpay/api/customers/"+id, "", auth...)
	status, _ = do(t, srv, "GET", "ecartpay/api/customers/"+id, "", auth...)
	require.Equal(t, 404, status)
	srv.AssertNoViolations(t)
}

func TestEcartPayPayoutsWaitForTheirConfirmationAndDate(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := func() []string { return []string{"Authorization", ecartpayToken(t, srv)} }
	body := `{"email":"u@fake.invalid","amount":40,"currency":"MXN","reference_id":"r1","require_confirmation":true}`
	id := text(good(t, srv, "POST", "ecartpay/api/payouts", body, auth()...), "id")
	status, _ := do(t, srv, "POST", "ecartpay/api/payouts", body, auth()...)
	require.Equal(t, 400, status, "a reference is used once")
	when := srv.Now().Add(48 * time.Hour).Format("2006-01-02T15:04:05.000Z")
	confirmed := good(t, srv, "PUT", "ecartpay/api/payouts/"+id+"/confirm", `{"available_at":"`+when+`"}`, auth()...)
	require.Equal(t, "pending", text(confirmed, "status"))
	srv.Advance(49 * time.Hour)
	require.Equal(t, "paid", text(good(t, srv, "GET", "ecartpay/api/payouts/"+id, "", auth()...), "status"))
	found := good(t, srv, "GET", "ecartpay/api/payouts?reference_id=r1&status=any", "", auth()...)
	require.EqualValues(t, 1, at(found, "count"))
	status, v := do(t, srv, "POST", "ecartpay/api/payouts", `{"amount":"ten","currency":"MXN"}`, auth()...)
	require.Equal(t, 500, status, "documented so")
	require.EqualValues(t, 400, at(v, "statusCode"))
	require.Empty(t, srv.Violations())
}

func TestEcartPaySubscriptionsPauseAfterFiveFailures(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := []string{"Authorization", ecartpayToken(t, srv)}
	for range 53 {
		good(t, srv, "POST", "ecartpay/api/subscriptions", `{"customer_id":"68223896dd296eef1c9a5171","amount":100,"currency":"MXN","interval":"monthly","service":"Gold"}`, auth...)
	}
	page := good(t, srv, "GET", "ecartpay/api/subscriptions", "", auth...)
	require.EqualValues(t, 53, at(page, "count"))
	require.EqualValues(t, 2, at(page, "pages"))
	require.Len(t, at(page, "docs"), 50)
	second := good(t, srv, "GET", "ecartpay/api/subscriptions?page=2", "", auth...)
	require.Len(t, at(second, "docs"), 3)
	id := text(page, "docs", 0, "id")
	require.NoError(t, srv.Pay(id))
	for range 5 {
		require.NoError(t, srv.Fail(id))
	}
	require.Equal(t, "pause", text(good(t, srv, "GET", "ecartpay/api/subscriptions/"+id, "", auth...), "status"))
	require.EqualValues(t, 1, at(good(t, srv, "GET", "ecartpay/api/subscriptions?status=pause", "", auth...), "count"))
	good(t, srv, "PUT", "ecartpay/api/subscriptions/"+id, `{"status":"cancelled"}`, auth...)
	srv.AssertNoViolations(t)
}

func TestEcartPayTransactionsPageByTokenBeyondTheTenth(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	auth := []string{"Authorization", ecartpayToken(t, srv)}
	for range 25 {
		id := text(good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","items":[{"name":"a","quantity":1,"price":1}]}`, auth...), "id")
		require.NoError(t, srv.Pay(id))
	}
	seen, query := map[string]bool{}, "?limit=2"
	for range 13 {
		page := good(t, srv, "GET", "ecartpay/api/transactions"+query, "", auth...)
		for i := range 2 {
			if id := text(page, "docs", i, "id"); id != "" {
				seen[id] = true
			}
		}
		query = "?limit=2&next=" + text(page, "next_token")
	}
	require.Len(t, seen, 25)
	status, _ := do(t, srv, "GET", "ecartpay/api/transactions?page=11", "", auth...)
	require.Equal(t, 400, status, "page stops at 10")
	require.Empty(t, srv.Violations())
}

func TestKunaCustomersAreCreatedFoundAndChanged(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	key := kunaKey(srv)
	customer := func(n int) string {
		return fmt.Sprintf(`{"email":"c%d@fake.invalid","firstName":"First","lastName":"Last%d","country":"UA","verificationDocumentId":"d","residenceAddress":"r"}`, n, n)
	}
	var ids []string
	for i := range 5 {
		v := good(t, srv, "POST", "kuna/v2/customer/create", customer(i), key...)
		require.NotEqual(t, text(v, "data", "id"), text(v, "data", "walletId"))
		ids = append(ids, text(v, "data", "id"))
	}
	status, v := do(t, srv, "POST", "kuna/v2/customer/create", customer(0), key...)
	require.Equal(t, 400, status, "%v", v)
	found := good(t, srv, "POST", "kuna/v2/customer/find", `{"fullName":"First Last3"}`, key...)
	require.Len(t, at(found, "data"), 1)
	page := good(t, srv, "POST", "kuna/v2/customer/find", `{"skip":3,"take":10}`, key...)
	require.Len(t, at(page, "data"), 2)
	status, _ = do(t, srv, "POST", "kuna/v2/customer/update", `{"id":"`+ids[0]+`","firstName":"New"}`, key...)
	require.Equal(t, 201, status, "the one documented success status")
	require.Equal(t, "New", text(good(t, srv, "POST", "kuna/v2/customer/details", `{"id":"`+ids[0]+`"}`, key...), "data", "firstName"))
	status, _ = do(t, srv, "POST", "kuna/v2/customer/details", `{"id":"nobody"}`, key...)
	require.Equal(t, 400, status)
	srv.AssertNoViolations(t)
}

func TestKunaMoneyAddsUpAndRatesExpire(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	key := kunaKey(srv)
	post := func(path, body string) any { return at(good(t, srv, "POST", "kuna/v2/"+path, body, key...), "data") }
	wallet := text(post("customer/create", `{"email":"a@fake.invalid","firstName":"A","lastName":"B","country":"UA","verificationDocumentId":"d","residenceAddress":"r"}`), "walletId")
	balance := func(asset string) string {
		return text(post("balance", `{"walletId":"`+wallet+`","assets":["`+asset+`"]}`), 0, "balance")
	}
	address := text(post("deposit/address", `{"asset":"USDT","source":"TRX","walletId":"`+wallet+`"}`), "address")
	require.Equal(t, address, text(post("deposit/address", `{"asset":"USDT","source":"TRX","walletId":"`+wallet+`"}`), "address"))
	require.NoError(t, srv.PayAmount(address, "100.000000000000000001"))
	require.Equal(t, "100.000000000000000001", balance("USDT"))

	freeze := `{"sourceAsset":"USDT","targetAsset":"BTC","sourceAmount":"60"}`
	exchange := func(rate string) (int, any) {
		return do(t, srv, "POST", "kuna/v2/exchange/internal/crypto", `{"walletId":"`+wallet+`","rateId":"`+rate+`","externalId":"e1"}`, key...)
	}
	old := text(post("rate/freeze", freeze), "id")
	srv.Advance(31 * time.Second)
	status, _ := exchange(old)
	require.Equal(t, 400, status, "a rate holds for 30 seconds")
	status, _ = exchange(text(post("rate/freeze", freeze), "id"))
	require.Equal(t, 200, status)
	require.Equal(t, "40.000000000000000001", balance("USDT"))
	require.Equal(t, "0.001", balance("BTC"))

	held := text(post("withdraw/crypto", `{"walletId":"`+wallet+`","paymentMethodCode":"USDT_TRX","amount":"40","fields":{"address":"FAKE"}}`), "id")
	require.Equal(t, "0.000000000000000001", balance("USDT"))
	require.NoError(t, srv.Hold(held))
	require.NoError(t, srv.Fail(held))
	require.Equal(t, "40.000000000000000001", balance("USDT"), "a declined withdrawal gives the money back")
	operation := post("operation/details", `{"id":"`+held+`"}`)
	require.Equal(t, "Declined", text(operation, 0, "status"), "an array, although one id is asked for")
	done := post("operation/find", `{"status":"Completed","walletId":"`+wallet+`"}`)
	require.Len(t, done, 2)
	status, _ = do(t, srv, "POST", "kuna/v2/transfer", `{"fromWalletId":"`+wallet+`","toWalletId":"w","amount":"1000","asset":"USDT","externalId":"x"}`, key...)
	require.Equal(t, 400, status, "more than there is")
	srv.AssertNoViolations(t)
}

func TestIdsFollowTheSeedAndAResetForgets(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud), sandbox.WithSeed(7))
	a, b := newInvoice(t, srv, "1"), newInvoice(t, srv, "1")
	require.NotEqual(t, a, b)
	srv.Reset()
	require.Empty(t, srv.Requests())
	require.Nil(t, invoiceInfo(t, srv, a))
	require.Equal(t, a, newInvoice(t, srv, "1"))
	srv.Seed(8)
	require.NotEqual(t, a, newInvoice(t, srv, "1"))
}

func TestASnapshotBringsEverythingBack(t *testing.T) {
	srv := sandbox.Start(t)
	token := ecartpayToken(t, srv)
	order := text(good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","items":[{"name":"a","quantity":1,"price":5}]}`, "Authorization", token), "id")
	id := newInvoice(t, srv, "1")
	snapshot := srv.Snapshot()
	require.NoError(t, srv.Pay(order))
	require.NoError(t, srv.Pay(id))
	next := newInvoice(t, srv, "2")
	srv.RevokeTokens(specs.EcartPay)
	require.NoError(t, srv.Restore(snapshot))
	require.Equal(t, "created", text(good(t, srv, "GET", "ecartpay/api/orders/"+order, "", "Authorization", token), "status"), "the token lives again")
	require.Equal(t, "created", text(invoiceInfo(t, srv, id), "status"))
	require.Equal(t, next, newInvoice(t, srv, "2"), "the ids go on from there")
	require.Error(t, srv.Restore([]byte("{")))
	srv.AssertNoViolations(t)
}

func TestABrokenRequestGetsTheDocumentedErrorAndAHeader(t *testing.T) {
	srv := sandbox.Start(t)
	for _, tc := range []struct{ name, path, body, want, violation string }{
		{"cryptocloud", "cryptocloud/v2/invoice/create", `{}`, `{"status":"error","result":{"shop_id":"shop_id not passed.","amount":"amount not passed."}}`, "/shop_id: is missing"},
		{"cryptocloud type", "cryptocloud/v2/invoice/create", `{"shop_id":"x","amount":"1"}`, `{"status":"error","result":{"amount":"Invalid value amount."}}`, "/amount: is a string"},
		{"cryptocloud cancel", "cryptocloud/v2/invoice/merchant/canceled", `{}`, `{"status":"error","result":{"validate_error":"uuid is required"}}`, "/uuid: is missing"},
		{"cryptopay", "cryptopay/api/payment-orders/", `{"amount":1}`, `"code":"VALIDATION_ERROR"`, "/amount: is a number"},
		{"kuna", "kuna/v2/customer/create", `{}`, `"errors":[`, "/email: is missing"},
		{"broken JSON", "kuna/v2/customer/create", `{`, `"errors":[`, "body"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			auth := map[string][]string{"cryptocloud": tokenHeader(srv), "cryptopay": {"Authorization", "Bearer " + srv.Credentials(specs.CryptoPay).APIKey}}
			headers, ok := auth[tc.path[:9]]
			if !ok {
				headers = auth[tc.path[:11]]
			}
			if tc.path[:4] == "kuna" {
				headers = kunaKey(srv)
			}
			res, body := send(t, srv, "POST", tc.path, tc.body, headers...)
			require.Equal(t, 400, res.StatusCode, "%s", body)
			require.Contains(t, body, tc.want)
			require.Contains(t, fmt.Sprint(res.Header[sandbox.ViolationHeader]), tc.violation)
		})
	}
	require.NotEmpty(t, srv.ClientViolations())
	require.Empty(t, srv.Violations())
	res, _ := send(t, srv, "GET", "kuna/v3/nothing", "")
	require.Equal(t, 404, res.StatusCode)
	require.NotEmpty(t, res.Header.Get(sandbox.ViolationHeader))
	require.NotEmpty(t, res.Header.Get(sandbox.GuessHeader))
	res, _ = send(t, srv, "GET", "cryptopay/api/payment-orders", "")
	require.Equal(t, 404, res.StatusCode, "the slash at the end is literal")
}
