package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// CryptoPay's tokens, by the page on authentication.
const (
	cryptopayAccess  = 24 * time.Hour
	cryptopayRefresh = 30 * 24 * time.Hour
)

// cryptopayPermissions says what an operation needs of a key.
var cryptopayPermissions = map[string]string{
	"createPaymentOrder": "create_payments",
	"listPaymentOrders":  "read", "getTransaction": "read", "listTransactions": "read",
}

// admitCryptoPay takes the access token of a login, or a dashboard key.
func admitCryptoPay(c *call) *answer {
	if !needs(c.op) {
		return nil
	}
	value, _ := bearer(c.req)
	owner, permissions, _ := cryptopayHolder(c, value)
	if owner == "" {
		return cryptopayExpired()
	}
	if need := cryptopayPermissions[c.op.ID]; need != "" && !strings.Contains(permissions, need) {
		return cryptopayError(http.StatusForbidden, "INSUFFICIENT_PERMISSIONS", "Your API key doesn't have permission for this operation")
	}
	c.who = owner
	return nil
}

// cryptopayHolder says whom a token or key belongs to, what it may do and
// when it ends; an endless key ends never.
func cryptopayHolder(c *call, value string) (owner, permissions string, expires time.Time) {
	cred := c.sandbox.Credentials(specs.CryptoPay)
	switch {
	case value == "":
	case c.sandbox.accepts(specs.CryptoPay, value, func(k Credentials) string { return k.APIKey }):
		return cred.Username, "read create_payments", time.Time{}
	case value == cred.ReadOnlyAPIKey:
		return cred.Username, "read", time.Time{}
	default:
		if t := c.token("access", value); t.good(c.now) {
			return t.Owner, "read create_payments", t.Expires
		}
	}
	return "", "", time.Time{}
}

// bearer is the token of "Authorization: Bearer …".
func bearer(r *http.Request) (string, bool) {
	word, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(value), ok && strings.EqualFold(word, "bearer")
}

func cryptopayExpired() *answer {
	return cryptopayError(http.StatusUnauthorized, "INVALID_TOKEN", "The provided token is invalid or expired")
}

func cryptopayError(status int, code, message string) *answer {
	return reply(status, obj("error", obj("code", code, "message", message)))
}

// cryptopayUser is the row of a user; the configured merchant is user 123, as
// in the samples.
func cryptopayUser(c *call, name string) *row {
	if r := c.table("users").get(name); r != nil {
		return r
	}
	if name == samples[specs.CryptoPay].Username {
		return c.table("users").get(c.sandbox.Credentials(specs.CryptoPay).Username)
	}
	return nil
}

func openCryptoPay(s *Sandbox) {
	cred := s.credentials[specs.CryptoPay]
	s.st.table("cryptopay.users").add(cred.Username,
		obj("id", jsonInt(123), "username", cred.Username, "email", "merchant@fake.invalid"), "password", cred.Password)
	if doc := s.providers[specs.CryptoPay].sample("getTransaction").object("data"); doc != nil {
		s.st.table("cryptopay.transactions"+samplesOf).add(doc.text("transaction_hash"), doc)
	}
}

func cryptopayLogin(c *call) *answer {
	name, password := c.in.text("username"), c.in.text("password")
	sample := samples[specs.CryptoPay]
	u := cryptopayUser(c, name)
	if u == nil || password != u.meta("password") && !(name == sample.Username && password == sample.Password) {
		return cryptopayError(http.StatusUnauthorized, "INVALID_TOKEN", "Invalid username or password").
			guessed("the code and the message for a wrong password")
	}
	pair := cryptopayPair(c, u.ID)
	user := u.Doc.clone()
	if name == sample.Username {
		user.set("username", name)
	}
	return success(pair.set("user", user))
}

func cryptopayPair(c *call, owner string) *object {
	claims := func(kind string) *object {
		return obj("token_type", kind, "jti", c.st().hexID("cryptopay.jti", 32), "user_id", jsonInt(123))
	}
	access := c.jwt("HS256", "access", claims("access"), cryptopayAccess)
	refresh := c.jwt("HS256", "refresh", claims("refresh"), cryptopayRefresh)
	c.remember("access", owner, access, cryptopayAccess)
	c.remember("refresh", owner, refresh, cryptopayRefresh)
	return obj("access", access, "refresh", refresh)
}

// cryptopayRefreshToken rotates both tokens. That a spent one is refused at
// once is not documented; it is the reading that hurts careless clients.
func cryptopayRefreshToken(c *call) *answer {
	t := c.token("refresh", c.in.text("refresh"))
	if !t.good(c.now) {
		return cryptopayExpired()
	}
	t.Dead = "spent"
	return success(cryptopayPair(c, t.Owner))
}

func cryptopayVerify(c *call) *answer {
	value, _ := bearer(c.req)
	owner, permissions, expires := cryptopayHolder(c, value)
	list := []any{}
	for _, p := range strings.Fields(permissions) {
		list = append(list, p)
	}
	id := jsonInt(123)
	if u := cryptopayUser(c, owner); u != nil {
		id = json.Number(u.Doc.text("id"))
	}
	status := obj("valid", true, "user", obj("id", id, "username", owner, "permissions", list))
	if expires.IsZero() {
		return success(status).guessed("that a key without an end has no expires_at")
	}
	return success(status.set("expires_at", isoSeconds(expires)))
}

func cryptopayRegister(c *call) *answer {
	name := c.in.text("username")
	if name == "" || c.in.text("password") == "" {
		return cryptopayInvalid(c, "username", "This field is required.")
	}
	if c.table("users").get(name) != nil {
		return cryptopayInvalid(c, "username", "A user with that username already exists.")
	}
	id := jsonInt(c.st().serial("cryptopay.user", 124))
	c.table("users").add(name, obj("id", id, "username", name, "email", c.in.text("email")), "password", c.in.text("password"))
	return success(obj()).guessed("the answer, which is not documented")
}
