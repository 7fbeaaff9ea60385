package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"slices"
	"strconv"
	"time"
)

// token is what the sandbox remembers about one it issued.
type token struct {
	Provider string    `json:"provider"`
	Kind     string    `json:"kind"` // access, refresh, customer
	Owner    string    `json:"owner"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
	Dead     string    `json:"dead,omitempty"` // why it is no longer good before its time: spent, revoked
}

// fakeKey signs every token. Nobody should ever trust it.
const fakeKey = "sandbox-tokens-are-fake"

// maxTokens bounds the memory of a load test; expired tokens go first.
const maxTokens = 20_000

// remember keeps a token; value is what the client will send.
func (c *call) remember(kind, owner, value string, life time.Duration) *token {
	if len(c.st().Tokens) >= maxTokens {
		for v, t := range c.st().Tokens {
			if !c.now.Before(t.Expires) {
				delete(c.st().Tokens, v)
			}
		}
	}
	t := &token{Provider: c.provider.name, Kind: kind, Owner: owner, Issued: c.now, Expires: c.now.Truncate(time.Second).Add(life)}
	c.st().Tokens[value] = t
	return t
}

// token finds a token of this provider, dead or alive.
func (c *call) token(kind, value string) *token {
	t := c.st().Tokens[value]
	if t == nil || t.Provider != c.provider.name || t.Kind != kind {
		return nil
	}
	return t
}

func (t *token) good(now time.Time) bool { return t != nil && t.Dead == "" && now.Before(t.Expires) }

// jwt makes a token with the given claims, and iat and exp at their end.
func (c *call) jwt(alg, kind string, claims *object, life time.Duration) string {
	iat := c.now.Add(c.skew).Unix()
	claims.set("iat", jsonInt(iat)).set("exp", jsonInt(iat+int64(life/time.Second)))
	return sign(alg, fakeKey, claims)
}

func jsonInt[T int | int64](n T) json.Number { return json.Number(strconv.FormatInt(int64(n), 10)) }

func sign(alg, key string, claims *object) string {
	enc := base64.RawURLEncoding
	head := enc.EncodeToString(encode(obj("alg", alg, "typ", "JWT")))
	if alg == "HS256" {
		head = enc.EncodeToString(encode(obj("typ", "JWT", "alg", alg))) // the order CryptoPay prints
	}
	text := head + "." + enc.EncodeToString(encode(claims))
	var h func() hash.Hash = sha256.New
	if alg == "HS512" {
		h = sha512.New
	}
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(text))
	return text + "." + enc.EncodeToString(mac.Sum(nil))
}

// RevokeTokens ends every token of a provider that is alive, access and
// refresh tokens alike, as an administrator would. Without kinds it is all of
// them; kinds are "access", "refresh" and "customer".
func (s *Sandbox) RevokeTokens(provider string, kinds ...string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.st.Tokens {
		if t.Provider == provider && t.Dead == "" && (len(kinds) == 0 || slices.Contains(kinds, t.Kind)) {
			t.Dead = "revoked"
			n++
		}
	}
	return n
}
