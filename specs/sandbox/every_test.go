package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// requests fills in what the documentation has no usable sample for.
var requests = map[string]string{
	"cryptocloud/createInvoice":            `{"shop_id":"<SHOP ID>","amount":100,"currency":"USD"}`,
	"cryptocloud/cancelInvoice":            `{"uuid":"$invoice"}`,
	"cryptocloud/createInvoiceV1":          `{"shop_id":"<SHOP ID>","amount":100}`,
	"cryptocloud/listStaticWallets":        `{"shop_id":"<SHOP ID>"}`,
	"cryptocloud/subscribeStaticWallet":    `{"uuid":"$static"}`,
	"cryptocloud/unsubscribeStaticWallet":  `{"uuid":"$static"}`,
	"cryptopay/refreshToken":               `{"refresh":"$refresh"}`,
	"crypterium/createMerchantToken":       `grant_type=merchant&merchantId=780628fc-3926-470e-a22a-ac60bb42b040&password=123456`,
	"crypterium/changeMerchantPassword":    `{"oldPassword":"fake-crypterium-password","newPassword":"fake-new-password"}`,
	"crypterium/creditCustomer":            `{"amount":0.1,"currency":"BTC","customerId":"c8772b0b-7bfd-49b2-8753-101013dd4a88"}`,
	"crypterium/sendToAddress":             `{"amount":0.1,"currency":"BTC","address":"FAKE"}`,
	"crypterium/debitCustomer":             `{"amount":0.05,"currency":"BTC","customerId":"c8772b0b-7bfd-49b2-8753-101013dd4a88"}`,
	"ecartpay/updateOrder":                 `{"shipping_address":{"city":"Monterrey"}}`,
	"ecartpay/refundOrder":                 `{"amount":243.33,"reason":"requested"}`,
	"ecartpay/processOrder":                `{}`,
	"ecartpay/createThreeDSecure":          `{}`,
	"ecartpay/updateCheckout":              `{"notify_url":"https://shop.invalid/hook"}`,
	"ecartpay/updateCheckoutItem":          `{"quantity":2}`,
	"ecartpay/createPayout":                `{"amount":10,"currency":"MXN","email":"user@fake.invalid","reference_id":"7","require_confirmation":true}`,
	"ecartpay/updateCustomer":              `{"first_name":"Roberto"}`,
	"ecartpay/updateTemplate":              `{"cureency":"MXN"}`,
	"ecartpay/updateSubscription":          `{"status":"paused"}`,
	"ecartpay/createProductPrice":          `{"pricing_model":"standard","unit_amount":1}`,
	"ecartpay/createOrderInvoice":          `{"order_id":"6255c337c589a8c8e20f865e","currency":"MXN"}`,
	"ecartpay/createBillingClient":         `{"user_id":"1","billing_information":{"country_code":"MX","rfc":"XAXX010101000"}}`,
	"ecartpay/createDirectDebit":           `{"customer_id":"6944a4946afaf625504595e3","currency":"MXN","is_fixed_amount":true,"amount":100}`,
	"ecartpay/createChargeback":            `{"payout_id":"{{payout_id}}","reason":"I did not get the product."}`,
	"ecartpay/createSubscription":          `{"customer_id":"68223896dd296eef1c9a5171","amount":100,"currency":"MXN","interval":"monthly","service":"Gold"}`,
	"ecartpay/createCustomerPaymentMethod": `{"number":"012555555555555555","name":"Juan","method":"clabe"}`,
	"ecartpay/createCardToken":             `{"id":"65bac7e21bb14b22bfb78533"}`,
	"kuna/login":                           `{"token":"YOUR_EMAIL","password":"YOUR_PASSWORD"}`,
	"kuna/refreshToken":                    `{"refreshToken":"$refresh"}`,
	"kuna/getDepositAddress":               `{"asset":"USDT","source":"TRX"}`,
	"kuna/withdrawCrypto":                  `{"walletId":"1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5","paymentMethodCode":"USDT_TRX","amount":"1","fields":{"address":"FAKE"}}`,
	"kuna/exchangePreRequest":              `{"operationType":"DepositWithExchange","sourceAsset":"EUR","targetAsset":"USDT"}`,
	"kuna/depositWithExchange":             `{"rateId":"cbd59181-46e6-4287-95f5-81b8da4c1c97","depositPaymentCode":"EUR_CARD"}`,
	"kuna/withdrawWithExchange":            `{"rateId":"cbd59181-46e6-4287-95f5-81b8da4c1c97","withdrawPaymentCode":"EUR_CARD"}`,
	"kuna/buyToSendCrypto":                 `{"rateId":"cbd59181-46e6-4287-95f5-81b8da4c1c97"}`,
	"kuna/createTransfer":                  `{"fromWalletId":"1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5","toWalletId":"w2","amount":"1","asset":"USDT","externalId":"1"}`,
	"kuna/freezeRate":                      `{"sourceAsset":"EUR","targetAsset":"USDT","sourceAmount":"100"}`,
}

// parameters of paths, as the documents' examples have them, and required
// queries.
var parameters = map[string]string{
	"ecartpay/getOrder": "6255c337c589a8c8e20f865e", "ecartpay/updateOrder": "6255c337c589a8c8e20f865e", "ecartpay/refundOrder": "6255c337c589a8c8e20f865e",
	"ecartpay/getPublicOrder": "6255c337c589a8c8e20f865e", "ecartpay/processOrder": "6255c337c589a8c8e20f865e",
	"ecartpay/getCheckout": "65b011ba7f9f32242108721f", "ecartpay/updateCheckout": "65b011ba7f9f32242108721f", "ecartpay/getPublicCheckout": "65b011ba7f9f32242108721f",
	"ecartpay/updateCheckoutItem": "65b011ba7f9f32242108721f 65b011ba7f9f322421087221", "ecartpay/getTransaction": "$transaction",
	"ecartpay/getPayout": "625cadbb8541531b52506bcd", "ecartpay/updatePayoutItems": "625cadbb8541531b52506bcd", "ecartpay/confirmPayout": "625cb4778541531b52506d3b",
	"ecartpay/updateWithdrawalMethod": "6255a30bd4b006320baff520", "ecartpay/deleteWithdrawalMethod": "6255a30bd4b006320baff520",
	"ecartpay/getAccountBillingInformation": "62559ba8085afe001606a916", "ecartpay/createAccountGatewayKeys": "5fab1d5d685fe16ca6ef0a00",
	"ecartpay/updateAccountGateway": "62d5d5dd726026e0794902d7", "ecartpay/getBank": "5f331fb9f7480d71f16b91e9",
	"ecartpay/getCard": "6255aa54c2c8a9f87135daad", "ecartpay/deleteCard": "6255aa54c2c8a9f87135daad",
	"ecartpay/getCustomer": "657b928db4c08f6f66847b09", "ecartpay/updateCustomer": "657b928db4c08f6f66847b09", "ecartpay/deleteCustomer": "657b928db4c08f6f66847b09",
	"ecartpay/listCustomerCards": "65b9520fe35ed4b1662014d1", "ecartpay/createCustomerCard": "65b9520fe35ed4b1662014d1",
	"ecartpay/setDefaultCustomerCard": "65b9520fe35ed4b1662014d1 65b954d5e35ed4b1662014ef", "ecartpay/deleteCustomerCard": "65b9520fe35ed4b1662014d1 65b954d5e35ed4b1662014ef",
	"ecartpay/createCustomerToken": "65b9520fe35ed4b1662014d1", "ecartpay/createCustomerSession": "65b9520fe35ed4b1662014d1",
	"ecartpay/createCustomerPaymentMethod": "65b9520fe35ed4b1662014d1",
	"ecartpay/getTemplate":                 "61a5427df6ea776ee3b38344", "ecartpay/updateTemplate": "61a5427df6ea776ee3b38344", "ecartpay/deleteTemplate": "61a5427df6ea776ee3b38344",
	"ecartpay/getSubscription": "68236a007e0fb52bebafdf8c", "ecartpay/updateSubscription": "68236a007e0fb52bebafdf8c",
	"ecartpay/updateSubscriptionFromCustomer": "68236a007e0fb52bebafdf8c", "ecartpay/resendSubscriptionInvitation": "68236a007e0fb52bebafdf8c",
	"ecartpay/getChargeback": "646275d23963944d8d8f01b0", "ecartpay/updateChargeback": "646275d23963944d8d8f01b0",
	"ecartpay/getGateway": "62d5d5dd726026e0794902d7", "ecartpay/updateGateway": "62d5d5dd726026e0794902d7",
	"ecartpay/updateGatewayMethod": "62d5d5dd726026e0794902d7 62d5d5caac51e72396d2b471",
	"cryptopay/getTransaction":     "$transaction", "crypterium/getCustomerWallets": "c8772b0b-7bfd-49b2-8753-101013dd4a88",
}

var queries = map[string]string{
	"cryptocloud/getInvoiceStatusV1": "?uuid=INV-DZLF4212",
	"ecartpay/startOAuthConnect":     "?client_id=a&redirect_uri=https://x.invalid/&state=s",
	"ecartpay/exchangeOAuthCode":     "?client_id=a",
}

// setUp makes what the requests above refer to and the credentials they need.
func setUp(t testing.TB, srv *sandbox.Server) (vars map[string]string, auth map[string][]string) {
	vars, auth = map[string]string{}, map[string][]string{}
	at := func(p, method, path, body string, headers ...string) map[string]any {
		m, _ := good(t, srv, method, p+path, body, headers...).(map[string]any)
		return m
	}
	auth["cryptocloud"] = []string{"Authorization", "Token <API KEY>"}
	inv := at("cryptocloud", "POST", "/v2/invoice/create", `{"shop_id":"<SHOP ID>","amount":5}`, auth["cryptocloud"]...)
	vars["cryptocloud$invoice"] = inv["result"].(map[string]any)["uuid"].(string)
	static := at("cryptocloud", "POST", "/v2/invoice/static/create", `{"shop_id":"<SHOP ID>","currency":"BTC","identify":"x"}`, auth["cryptocloud"]...)
	vars["cryptocloud$static"] = static["result"].(map[string]any)["uuid"].(string)

	pair := at("cryptopay", "POST", "/api/auth/login", `{"username":"your-username","password":"your-password"}`)
	auth["cryptopay"] = []string{"Authorization", "Bearer " + pair["access"].(string)}
	vars["cryptopay$refresh"] = pair["refresh"].(string)
	order := at("cryptopay", "POST", "/api/payment-orders/", `{"amount":"1","currency":"USDC","blockchain":"base","order_info":"{}","nonce":7}`, auth["cryptopay"]...)
	require.NoError(t, srv.Pay(order["data"].(map[string]any)["order_id"].(string)))
	list := at("cryptopay", "GET", "/api/transactions/", "", auth["cryptopay"]...)
	vars["cryptopay$transaction"] = list["results"].([]any)[0].(map[string]any)["transaction_hash"].(string)

	token := at("crypterium", "POST", "/oauth/token", requests["crypterium/createMerchantToken"],
		"Authorization", "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=", "Content-Type", "application/x-www-form-urlencoded")
	auth["crypterium"] = []string{"Authorization", "Bearer " + token["access_token"].(string)}

	jwt := at("ecartpay", "POST", "/api/authorizations/token", "", "Authorization", "Basic cHViX2Zha2VfcHVibGljX2tleTpwcnZfZmFrZV9wcml2YXRlX2tleQ==")
	auth["ecartpay"] = []string{"Authorization", jwt["token"].(string)}
	eo := at("ecartpay", "POST", "/api/orders", `{"currency":"MXN","items":[{"name":"a","quantity":1,"price":5}]}`, auth["ecartpay"]...)
	require.NoError(t, srv.Pay(eo["id"].(string)))
	txs := at("ecartpay", "GET", "/api/transactions", "", auth["ecartpay"]...)
	vars["ecartpay$transaction"] = txs["docs"].([]any)[0].(map[string]any)["id"].(string)

	kuna := at("kuna", "POST", "/v2/auth/login", requests["kuna/login"], "merchant_id", "b34555b7-dca4-5ec1-ade3-64a3ad545310")
	data := kuna["data"].(map[string]any)
	auth["kuna"] = []string{"Authorization", "Bearer " + data["accessToken"].(string)}
	vars["kuna$refresh"] = data["refreshToken"].(string)
	return vars, auth
}

func TestEveryDocumentedOperationAnswersWithSuccess(t *testing.T) {
	srv := sandbox.Start(t)
	vars, auth := setUp(t, srv)
	for _, p := range specs.Providers() {
		check, err := contract.For(p)
		require.NoError(t, err)
		samples := map[string]string{}
		fixtures, err := specs.Fixtures(p)
		require.NoError(t, err)
		for _, f := range fixtures {
			if f.Kind == specs.Request && samples[f.Operation] == "" {
				samples[f.Operation] = string(f.Body)
			}
		}
		for _, op := range check.Operations() {
			t.Run(p+"/"+op.ID, func(t *testing.T) {
				key := p + "/" + op.ID
				body, ok := requests[key]
				if !ok && len(op.ContentTypes) > 0 {
					body = samples[op.ID]
				}
				fill := func(s string) string {
					for _, name := range []string{"$invoice", "$static", "$refresh", "$transaction"} {
						s = strings.ReplaceAll(s, name, vars[p+name])
					}
					return s
				}
				path := op.Path
				for _, v := range strings.Fields(fill(parameters[key])) {
					i, j := strings.Index(path, "{"), strings.Index(path, "}")
					path = path[:i] + v + path[j+1:]
				}
				path = strings.NewReplacer("{", "", "}", "").Replace(path) + queries[key]
				headers := auth[p]
				switch op.ID {
				case "createMerchantToken":
					headers = []string{"Authorization", "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=", "Content-Type", "application/x-www-form-urlencoded"}
				case "createAuthorizationToken":
					headers = []string{"Authorization", "Basic cHViX2Zha2VfcHVibGljX2tleTpwcnZfZmFrZV9wcml2YXRlX2tleQ=="}
				case "createOAuthApplication":
					headers = []string{"Authorization", "Bearer dashboard"}
				case "exchangeOAuthCode":
					headers = []string{"Authorization", "code", "x-secret", "secret"}
				case "createWithdrawal":
					headers = []string{"Authorization", "Token <WITHDRAWAL API KEY>"}
				}
				if p == specs.Kuna && op.Tag == "Authentication" {
					headers = []string{"merchant_id", "b34555b7-dca4-5ec1-ade3-64a3ad545310"}
				}
				res, got := send(t, srv, op.Method, p+path, fill(body), headers...)
				require.Contains(t, []int{http.StatusOK, http.StatusCreated}, res.StatusCode, "%s %s\n%s\n%s\n%v", op.Method, path, fill(body), got, res.Header)
				require.Empty(t, res.Header[sandbox.ViolationHeader], "%s", got)
			})
		}
	}
	srv.AssertNoViolations(t)
}
