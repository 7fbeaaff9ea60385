package sandbox_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

func TestCryptoCloudTakesOneKeyForTheProjectAndAnotherForWithdrawals(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
	cred := srv.Credentials(specs.CryptoCloud)
	invoice := `{"shop_id":"` + cred.ShopID + `","amount":10}`
	for _, tc := range []struct {
		name, method, path, key, body string
		status                        int
		want                          string
	}{
		{"good key", "POST", "/v2/invoice/create", "Token " + cred.APIKey, invoice, 200, `"status":"success"`},
		{"wrong key, V2", "POST", "/v2/invoice/create", "Token wrong", invoice, 400, `{"status":"error","result":{"authorization":"Unauthorized request."}}`},
		{"Bearer", "POST", "/v2/invoice/create", "Bearer " + cred.APIKey, invoice, 400, `{"status":"error","result":{"authorization":"Unauthorized request."}}`},
		{"no key", "POST", "/v2/invoice/create", "", invoice, 400, `"authorization"`},
		{"wrong key, V1", "POST", "/v1/invoice/create", "Token wrong", invoice, 401, `{"message":"Unauthenticated."}`},
		{"wrong key, balances", "POST", "/v2/merchant/wallet/balance/all", "Token wrong", "", 403, `{"detail":"Invalid header padding"}`},
		{"forged key, balances", "POST", "/v2/merchant/wallet/balance/all", "Token a.b.c", "", 403, `{"detail":"Signature verification failed"}`},
		{"project key for a withdrawal", "POST", "/v2/invoice/api/out/create", "Token " + cred.APIKey, `{"currency_code":"BTC","to_address":"x","amount":0.1}`, 400, `"authorization"`},
		{"withdrawal key", "POST", "/v2/invoice/api/out/create", "Token " + cred.WithdrawalAPIKey, `{"currency_code":"BTC","to_address":"x","amount":0.1}`, 200, `"status":"created"`},
		{"withdrawal key for an invoice", "POST", "/v2/invoice/create", "Token " + cred.WithdrawalAPIKey, invoice, 400, `"authorization"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, body := send(t, srv, tc.method, "cryptocloud"+tc.path, tc.body, "Authorization", tc.key)
			require.Equal(t, tc.status, res.StatusCode, "%s", body)
			require.Contains(t, body, tc.want)
		})
	}
	require.Empty(t, srv.Violations())
}

func TestCryptoPayRotatesBothTokensAndRefusesSpentOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
		verify := func(token string) int {
			status, _ := do(t, srv, "GET", "cryptopay/api/auth/verify/", "", "Authorization", "Bearer "+token)
			return status
		}
		renew := func(token string) (int, any) {
			return do(t, srv, "POST", "cryptopay/api/auth/token/refresh/", `{"refresh":"`+token+`"}`)
		}
		access, refresh := cryptopayPair(t, srv)
		require.Equal(t, 200, verify(access))

		time.Sleep(24*time.Hour - time.Second)
		require.Equal(t, 200, verify(access), "a second before its end")
		time.Sleep(2 * time.Second)
		require.Equal(t, 401, verify(access), "after 24 hours")

		status, pair := renew(refresh)
		require.Equal(t, 200, status)
		require.NotEqual(t, refresh, text(pair, "refresh"))
		require.Equal(t, 200, verify(text(pair, "access")))
		status, refusal := renew(refresh)
		require.Equal(t, 401, status, "a spent refresh token")
		require.Equal(t, "INVALID_TOKEN", text(refusal, "error", "code"))

		time.Sleep(30*24*time.Hour + time.Second)
		status, _ = renew(text(pair, "refresh"))
		require.Equal(t, 401, status, "after 30 days")
		srv.AssertNoViolations(t)
	})
}

func TestCryptoPayKeysHavePermissions(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	order := `{"amount":"1.00","currency":"USDC","blockchain":"base","order_info":"{}","nonce":1}`
	key := "Bearer " + srv.Credentials(specs.CryptoPay).ReadOnlyAPIKey
	status, _ := do(t, srv, "GET", "cryptopay/api/payment-orders/", "", "Authorization", key)
	require.Equal(t, 200, status)
	res, body := send(t, srv, "POST", "cryptopay/api/payment-orders/", order, "Authorization", key)
	require.Equal(t, 403, res.StatusCode)
	require.JSONEq(t, `{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Your API key doesn't have permission for this operation"}}`, body)
	require.Equal(t, "1000", res.Header.Get("X-Ratelimit-Limit"))
	status, _ = do(t, srv, "POST", "cryptopay/api/payment-orders/", order, "Authorization", "Bearer "+srv.Credentials(specs.CryptoPay).APIKey)
	require.Equal(t, 200, status)
	srv.AssertNoViolations(t)
}

func TestCryptoPayRegistersMerchantsWhoThenLogIn(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	body := `{"username":"new","email":"new@fake.invalid","password":"secret","shop_name":"New"}`
	good(t, srv, "POST", "cryptopay/api/auth/register", body)
	login := good(t, srv, "POST", "cryptopay/api/auth/login", `{"username":"new","password":"secret"}`)
	require.Equal(t, "new@fake.invalid", text(login, "user", "email"))
	status, again := do(t, srv, "POST", "cryptopay/api/auth/register", body)
	require.Equal(t, 400, status)
	require.Equal(t, "VALIDATION_ERROR", text(again, "error", "code"))
	status, _ = do(t, srv, "POST", "cryptopay/api/auth/login", `{"username":"new","password":"wrong"}`)
	require.Equal(t, 401, status)
	srv.AssertNoViolations(t)
}

func TestCrypteriumAnswersTheSameTokenWithLessLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.Crypterium))
		password := srv.Credentials(specs.Crypterium).Password
		_, first := crypteriumToken(t, srv, password)
		require.InDelta(t, 31536000, at(first, "expires_in"), 1)
		time.Sleep(100 * 24 * time.Hour)
		_, second := crypteriumToken(t, srv, password)
		require.Equal(t, text(first, "access_token"), text(second, "access_token"))
		require.InDelta(t, 31536000-100*86400, at(second, "expires_in"), 1)

		bearer := []string{"Authorization", "Bearer " + text(first, "access_token")}
		good(t, srv, "GET", "crypterium/v1/merchant/wallet", "", bearer...)
		time.Sleep(266 * 24 * time.Hour)
		status, expired := do(t, srv, "GET", "crypterium/v1/merchant/wallet", "", bearer...)
		require.Equal(t, 401, status)
		require.Equal(t, "invalid_token", text(expired, "error"))
		_, third := crypteriumToken(t, srv, password)
		require.NotEqual(t, text(first, "access_token"), text(third, "access_token"))
		srv.AssertNoViolations(t)
	})
}

func TestCrypteriumPasswordChangeHolds(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Crypterium))
	old := srv.Credentials(specs.Crypterium).Password
	_, token := crypteriumToken(t, srv, old)
	bearer := []string{"Authorization", "Bearer " + text(token, "access_token")}
	change := `{"oldPassword":"` + old + `","newPassword":"fake-new"}`
	require.Equal(t, "ok", text(good(t, srv, "POST", "crypterium/v1/merchant/password", change, bearer...), "result"))
	status, refused := crypteriumToken(t, srv, old)
	require.Equal(t, 400, status)
	require.EqualValues(t, 11, at(refused, "errorId"))
	status, _ = crypteriumToken(t, srv, "fake-new")
	require.Equal(t, 200, status)
	status, _ = do(t, srv, "POST", "crypterium/v1/merchant/password", change, bearer...)
	require.Equal(t, 400, status, "the old password is old")
	srv.Reset()
	status, _ = crypteriumToken(t, srv, old)
	require.Equal(t, 200, status, "Reset brings the password back")
	srv.AssertNoViolations(t)
}

func TestCrypteriumNeedsAUserAgentAndAForm(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Crypterium))
	form := "grant_type=merchant&merchantId=" + srv.Credentials(specs.Crypterium).MerchantID + "&password=x"
	basic := "Basic bWVyY2hhbnQ6bWVyY2hhbnQ="
	res, body := send(t, srv, "POST", "crypterium/oauth/token", form, "Authorization", basic, "Content-Type", "application/x-www-form-urlencoded", "User-Agent", "")
	require.Equal(t, 400, res.StatusCode, "%s", body)
	require.Contains(t, res.Header.Get(sandbox.ViolationHeader), "User-Agent: is missing")
	res, body = send(t, srv, "POST", "crypterium/oauth/token", `{"grant_type":"merchant"}`, "Authorization", basic)
	require.Equal(t, 400, res.StatusCode, "%s", body)
	require.Contains(t, body, "NOT_VALID_REQUEST_DATA")
}

func TestEcartPayTakesTheBareTokenForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
		token := ecartpayToken(t, srv)
		require.Len(t, strings.Split(token, "."), 3)
		call := func(value string) int {
			status, _ := do(t, srv, "GET", "ecartpay/api/customers", "", "Authorization", value)
			return status
		}
		require.Equal(t, 200, call(token))
		require.Equal(t, 401, call("Bearer "+token))
		time.Sleep(59 * time.Minute)
		require.Equal(t, 200, call(token))
		time.Sleep(61 * time.Second)
		require.Equal(t, 401, call(token))
		res, body := send(t, srv, "POST", "ecartpay/api/authorizations/token", "", "Authorization", basic("pub", "prv"))
		require.Equal(t, 401, res.StatusCode)
		require.Contains(t, body, "Unauthorized")
		srv.AssertNoViolations(t)
	})
}

func TestKunaTokensExpireByAnAbsoluteTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
		pair := kunaPair(t, srv)
		require.EqualValues(t, srv.Now().Add(30*time.Minute).Unix(), at(pair, "expiresIn"))
		find := func(token string) (int, any) {
			return do(t, srv, "POST", "kuna/v2/customer/find", `{}`, "Authorization", "Bearer "+token)
		}
		status, _ := find(text(pair, "accessToken"))
		require.Equal(t, 200, status)
		time.Sleep(31 * time.Minute)
		status, expired := find(text(pair, "accessToken"))
		require.Equal(t, 401, status)
		require.Equal(t, "UNAUTHORIZED", text(expired, "errors", 0, "code"))
		require.Equal(t, "TokenExpiredError", text(expired, "errors", 0, "message", "name"))

		merchant := []string{"merchant_id", srv.Credentials(specs.Kuna).MerchantID}
		body := `{"refreshToken":"` + text(pair, "refreshToken") + `"}`
		renewed := good(t, srv, "POST", "kuna/v2/auth/refresh", body, merchant...)
		status, spent := do(t, srv, "POST", "kuna/v2/auth/refresh", body, merchant...)
		require.Equal(t, 401, status)
		require.Equal(t, "REFRESH_TOKEN_EXPIRED", text(spent, "errors", 0, "code"))
		require.Equal(t, "Invalid token", text(spent, "errors", 0, "message"))
		time.Sleep(48*time.Hour + time.Second)
		status, _ = do(t, srv, "POST", "kuna/v2/auth/refresh", `{"refreshToken":"`+text(renewed, "data", "refreshToken")+`"}`, merchant...)
		require.Equal(t, 401, status, "after two days")
		srv.AssertNoViolations(t)
	})
}

func TestKunaLoginNeedsTheMerchantHeader(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	c := srv.Credentials(specs.Kuna)
	res, body := send(t, srv, "POST", "kuna/v2/auth/login", `{"token":"`+c.Email+`","password":"`+c.Password+`"}`)
	require.Equal(t, 400, res.StatusCode, "%s", body)
	require.Contains(t, res.Header.Get(sandbox.ViolationHeader), "merchant_id")
	good(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
}

func TestAdvanceMovesTheProvidersClockOnly(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	token := "Bearer " + text(kunaPair(t, srv), "accessToken")
	srv.Advance(31 * time.Minute)
	status, _ := do(t, srv, "POST", "kuna/v2/customer/find", `{}`, "Authorization", token)
	require.Equal(t, 401, status)
	require.WithinDuration(t, time.Now().Add(31*time.Minute), srv.Now(), 10*time.Second)
}

func TestRevokedTokensAreRefused(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	token := ecartpayToken(t, srv)
	require.Equal(t, 1, srv.RevokeTokens(specs.EcartPay, "access"))
	status, _ := do(t, srv, "GET", "ecartpay/api/customers", "", "Authorization", token)
	require.Equal(t, 401, status)
}

// The bar: 48 simulated hours for all five within a second of real time.
func TestFortyEightHoursOfTokensPassInASecond(t *testing.T) {
	warm := sandbox.New() // documents are loaded once
	warm.Close()
	begin := time.Now()
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t)
		_, refresh := cryptopayPair(t, srv)
		pair := kunaPair(t, srv)
		for range 48 * 2 {
			good(t, srv, "POST", "cryptocloud/v2/merchant/wallet/balance/all", "", tokenHeader(srv)...)
			good(t, srv, "GET", "ecartpay/api/customers", "", "Authorization", ecartpayToken(t, srv))
			_, token := crypteriumToken(t, srv, srv.Credentials(specs.Crypterium).Password)
			good(t, srv, "GET", "crypterium/v1/merchant/wallet", "", "Authorization", "Bearer "+text(token, "access_token"))
			renewed := good(t, srv, "POST", "cryptopay/api/auth/token/refresh/", `{"refresh":"`+refresh+`"}`)
			refresh = text(renewed, "refresh")
			good(t, srv, "GET", "cryptopay/api/auth/verify/", "", "Authorization", "Bearer "+text(renewed, "access"))
			pair = at(good(t, srv, "POST", "kuna/v2/auth/refresh", `{"refreshToken":"`+text(pair, "refreshToken")+`"}`,
				"merchant_id", srv.Credentials(specs.Kuna).MerchantID), "data")
			good(t, srv, "POST", "kuna/v2/customer/find", `{}`, "Authorization", "Bearer "+text(pair, "accessToken"))
			time.Sleep(30*time.Minute + time.Second)
		}
		srv.AssertNoViolations(t)
	})
	took := time.Since(begin)
	t.Logf("48 hours took %v", took)
	require.Less(t, took, 5*time.Second) // the bar is 1 s on an idle machine without the race detector
}
