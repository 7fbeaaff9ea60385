package sandbox

import (
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

const (
	kunaAccess  = 30 * time.Minute
	kunaRefresh = 48 * time.Hour
)

// admitKuna takes an access token or an API key, never both.
func admitKuna(c *call) *answer {
	if !needs(c.op) {
		return nil
	}
	value, isBearer := bearer(c.req)
	if key := c.req.Header.Get("Api-Key"); key != "" && !isBearer {
		if c.sandbox.accepts(specs.Kuna, key, func(k Credentials) string { return k.APIKey }) {
			return nil
		}
		return kunaError(http.StatusUnauthorized, "UNAUTHORIZED", "Invalid api key").guessed("what a wrong API key gets")
	}
	t := c.token("access", value)
	switch {
	case t.good(c.now):
		c.who = t.Owner
		return nil
	case t != nil && t.Dead == "":
		return kunaExpired(t.Expires)
	}
	return kunaError(http.StatusUnauthorized, "UNAUTHORIZED", obj("name", "JsonWebTokenError", "message", "invalid token")).
		guessed("the message for a token that is not merely expired")
}

func kunaExpired(at time.Time) *answer {
	return kunaError(http.StatusUnauthorized, "UNAUTHORIZED",
		obj("name", "TokenExpiredError", "message", "jwt expired", "expiredAt", isoMillis(at.Truncate(time.Second))))
}

// kunaError has a message that is a string in one documented case and an
// object in the other.
func kunaError(status int, code string, message any) *answer {
	return reply(status, obj("errors", []any{obj("code", code, "message", message)}))
}

func kunaLogin(c *call) *answer {
	s := c.sandbox
	if !s.accepts(specs.Kuna, c.in.text("token"), func(k Credentials) string { return k.Email }) ||
		!s.accepts(specs.Kuna, c.in.text("password"), func(k Credentials) string { return k.Password }) ||
		!kunaMerchant(c) {
		return kunaError(http.StatusUnauthorized, "UNAUTHORIZED", "Invalid credentials").guessed("what a wrong password gets")
	}
	return success(kunaPair(c))
}

func kunaMerchant(c *call) bool {
	return c.sandbox.accepts(specs.Kuna, c.req.Header.Get("merchant_id"), func(k Credentials) string { return k.MerchantID })
}

func kunaPair(c *call) *object {
	fingerprint := c.st().hexID("kuna.fingerprint", 32)
	owner := "78a12644-a123-4c2b-8e2f-225f54e20b84"
	merchant := c.sandbox.Credentials(specs.Kuna).MerchantID
	access := c.jwt("HS256", "access", obj("id", owner, "role", "Owner", "t", "u", "merchantId", merchant,
		"fingerprint", fingerprint, "jwtId", c.st().uuid("kuna.jwt")), kunaAccess)
	refresh := c.jwt("HS256", "refresh", obj("id", owner, "fingerprint", fingerprint,
		"sessionCreatedAt", jsonInt(c.now.UnixMilli())), kunaRefresh)
	c.remember("access", owner, access, kunaAccess)
	c.remember("refresh", owner, refresh, kunaRefresh)
	return obj("data", obj("accessToken", access, "expiresIn", jsonInt(c.now.Add(c.skew+kunaAccess).Unix()), "refreshToken", refresh))
}

// kunaRefreshToken returns a new pair and ends the old refresh token. Whether
// the provider rotates is not documented; a client that keeps what came last
// is right either way.
func kunaRefreshToken(c *call) *answer {
	if !kunaMerchant(c) {
		return kunaError(http.StatusUnauthorized, "UNAUTHORIZED", "Invalid credentials").guessed("what a wrong merchant_id gets")
	}
	t := c.token("refresh", c.in.text("refreshToken"))
	if !t.good(c.now) {
		return kunaError(http.StatusUnauthorized, "REFRESH_TOKEN_EXPIRED", "Invalid token")
	}
	t.Dead = "spent"
	return success(kunaPair(c))
}
