package sandbox

import (
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

const (
	crypteriumYear     = 365 * 24 * time.Hour
	crypteriumCustomer = 15 * time.Minute
)

// admitCrypterium takes the constant Basic pair for the token call and the
// partner's token for everything else.
func admitCrypterium(c *call) *answer {
	if c.op.ID == "createMerchantToken" {
		if user, pass, ok := c.req.BasicAuth(); !ok || user != "merchant" || pass != "merchant" {
			return crypteriumError(http.StatusBadRequest, 11, "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", "Wrong client credentials").
				guessed("what a wrong Basic pair gets")
		}
		return nil
	}
	value, isBearer := bearer(c.req)
	if t := c.token("access", value); isBearer && t.good(c.now) {
		c.who = t.Owner
		return nil
	}
	return crypteriumExpired()
}

func crypteriumExpired() *answer {
	return crypteriumError(http.StatusUnauthorized, 0, "invalid_token", "Access token expired")
}

// crypteriumError is the error of a sibling API; the partner API documents none.
func crypteriumError(status, id int, code, message string) *answer {
	return reply(status, obj("error", code, "errorId", jsonInt(id), "message", message, "systemId", "core"))
}

// crypteriumToken answers the same token while it lives, with less and less
// of its year, as the documented expires_in suggests.
func crypteriumToken(c *call) *answer {
	in, err := formOf(c)
	if err != nil {
		return crypteriumError(http.StatusBadRequest, 422, "NOT_VALID_REQUEST_DATA", "The form cannot be read")
	}
	id, password := in.Get("merchantId"), in.Get("password")
	sample := samples[specs.Crypterium]
	good := id == c.sandbox.Credentials(specs.Crypterium).MerchantID && same(password, crypteriumPassword(c)) ||
		id == sample.MerchantID && password == sample.Password
	if !good {
		return crypteriumError(http.StatusBadRequest, 11, "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", "Wrong login or password")
	}
	value := c.st().Settings["crypterium.token"]
	t := c.token("access", value)
	if !t.good(c.now) {
		value = c.st().uuid("crypterium.token")
		t = c.remember("access", "merchant", value, crypteriumYear)
		c.st().Settings["crypterium.token"] = value
	}
	left := int64(t.Expires.Sub(c.now) / time.Second)
	return success(obj("access_token", value, "token_type", "bearer", "expires_in", jsonInt(left), "scope", "read write"))
}

func crypteriumPassword(c *call) string {
	if p, ok := c.st().Settings["crypterium.password"]; ok {
		return p
	}
	return c.sandbox.Credentials(specs.Crypterium).Password
}

// crypteriumChangePassword leaves issued tokens alone; whether the provider
// does is not documented.
func crypteriumChangePassword(c *call) *answer {
	if !same(c.in.text("oldPassword"), crypteriumPassword(c)) {
		return crypteriumError(http.StatusBadRequest, 11, "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", "Wrong old password")
	}
	c.st().Settings["crypterium.password"] = c.in.text("newPassword")
	return success(obj("result", "ok"))
}

// crypteriumAuthorize makes a pair for one customer's SDK. No documented call
// takes either token.
func crypteriumAuthorize(c *call) *answer {
	id := c.in.text("customerId")
	if c.find("customers", id) == nil {
		return crypteriumError(http.StatusBadRequest, 422, "NOT_VALID_REQUEST_DATA", "Customer not found").guessed("what an unknown customer gets")
	}
	access, refresh := c.st().uuid("crypterium.customerToken"), c.st().uuid("crypterium.customerRefresh")
	c.remember("customer", id, access, crypteriumCustomer)
	return success(obj("access_token", access, "expires_in", jsonInt(899), "refresh_token", refresh, "scope", "read write", "token_type", "bearer"))
}

func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
