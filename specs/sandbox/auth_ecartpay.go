package sandbox

import (
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

const (
	ecartpayHour     = time.Hour
	ecartpayCustomer = 10 * time.Minute
	ecartpayCheckout = 15 * time.Minute
)

// admitEcartPay takes the keys for the token call, the bare token elsewhere,
// and what OAuth and the bank simulation have instead. "Bearer x" is refused.
func admitEcartPay(c *call) *answer {
	auth := c.req.Header.Get("Authorization")
	scheme := ""
	if len(c.op.Security) > 0 && len(c.op.Security[0]) > 0 {
		scheme = c.op.Security[0][0]
	}
	switch scheme {
	case "apiKeys":
		user, pass, ok := c.req.BasicAuth()
		s := c.sandbox
		if ok && s.accepts(specs.EcartPay, user, func(k Credentials) string { return k.PublicKey }) &&
			s.accepts(specs.EcartPay, pass, func(k Credentials) string { return k.PrivateKey }) {
			return nil
		}
		return ecartpayUnauthorized()
	case "authorizationToken":
		if auth == "" && !needs(c.op) {
			return nil
		}
		if c.token("access", auth).good(c.now) {
			return nil
		}
		return ecartpayUnauthorized()
	case "dashboardToken": // made in the dashboard, which is not here: any will do
		if v, ok := bearer(c.req); ok && v != "" {
			return nil
		}
		return ecartpayUnauthorized()
	case "oauthAccessToken":
		if c.token("oauth", auth).good(c.now) || c.token("access", auth).good(c.now) {
			return nil
		}
		return ecartpayUnauthorized()
	case "oauthCode":
		if auth == "" || c.req.Header.Get("X-Secret") == "" {
			return ecartpayUnauthorized().guessed("what a missing code or secret gets")
		}
	case "stpSandboxKey": // the guide prints the one key; any will do
		if auth == "" {
			return ecartpayUnauthorized().guessed("what a missing key gets")
		}
	}
	return nil
}

func ecartpayUnauthorized() *answer {
	return reply(http.StatusUnauthorized, obj("message", "Unauthorized", "statusCode", jsonInt(401)))
}

func ecartpayToken(c *call) *answer {
	v := c.jwt("HS512", "access", obj("id", ecartpayAccount, "user", "undefined"), ecartpayHour)
	c.remember("access", ecartpayAccount, v, ecartpayHour)
	return success(obj("token", v))
}
