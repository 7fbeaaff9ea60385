package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// SignHMAC returns the lower-case hex of HMAC-SHA256 over the parts, one after
// another. It is for tests and for fakes that play a provider; an empty secret
// signs nothing and gives "".
func SignHMAC(secret string, parts ...[]byte) string {
	if secret == "" {
		return ""
	}
	return hex.EncodeToString(sum(secret, parts...))
}

func sum(secret string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// VerifyHMAC refuses a signature that is not the lower-case hex of HMAC-SHA256
// over the parts, made with one of the secrets. It compares in constant time.
func (v Verifier) VerifyHMAC(signature string, parts ...[]byte) error {
	if err := v.Check(); err != nil {
		return err
	}
	mac, err := hexMAC(signature)
	if err != nil {
		return err
	}
	if !v.matches(mac, parts...) {
		return Refuse(ErrSignature, "no secret of %d matches", len(v.Secrets))
	}
	return nil
}

// matches tries every secret, also after one that fits: how long it takes says
// nothing about which one it was.
func (v Verifier) matches(mac []byte, parts ...[]byte) bool {
	found := false
	for _, s := range v.Secrets {
		if hmac.Equal(mac, sum(s, parts...)) {
			found = true
		}
	}
	return found
}

func hexMAC(signature string) ([]byte, error) {
	if signature == "" {
		return nil, Refuse(ErrSignature, "it is missing")
	}
	if len(signature) != hex.EncodedLen(sha256.Size) || strings.ToLower(signature) != signature {
		return nil, Refuse(ErrSignature, "it is not %d lower-case hex digits", hex.EncodedLen(sha256.Size))
	}
	mac, err := hex.DecodeString(signature)
	if err != nil {
		return nil, Refuse(ErrSignature, "it is not hex")
	}
	return mac, nil
}

// SignJWT returns a compact JWT, HS256, of the claims. It is for tests and for
// fakes; an empty secret signs nothing and gives "".
func SignJWT(secret string, claims any) (string, error) {
	if secret == "" {
		return "", nil
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString(payload)
	return text + "." + enc.EncodeToString(sum(secret, []byte(text))), nil
}

// maxToken is far above any token a provider sends.
const maxToken = 8 << 10

// VerifyJWT returns the claims of a compact JWT that is signed with one of the
// secrets by HS256, whatever its header would prefer, and that has an `exp`
// which lies in the future. An `exp` is believed up to Tolerance too late.
func (v Verifier) VerifyJWT(token string) (map[string]json.RawMessage, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	if token == "" {
		return nil, Refuse(ErrSignature, "the token is missing")
	}
	if len(token) > maxToken {
		return nil, Refuse(ErrSignature, "the token is longer than %d bytes", maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, Refuse(ErrSignature, "the token does not have three parts")
	}
	enc := base64.RawURLEncoding.Strict()
	var raw [3][]byte
	for i, p := range parts {
		var err error
		// Decode passes over line breaks, which would make several tokens of one.
		if raw[i], err = enc.DecodeString(p); err != nil || p == "" || strings.ContainsAny(p, "\r\n") {
			return nil, Refuse(ErrSignature, "part %d of the token is not base64url", i+1)
		}
	}
	var header map[string]json.RawMessage
	if json.Unmarshal(raw[0], &header) != nil || string(header["alg"]) != `"HS256"` {
		return nil, Refuse(ErrSignature, "the token's algorithm is not HS256")
	}
	if _, ok := header["crit"]; ok {
		return nil, Refuse(ErrSignature, "the token demands an extension")
	}
	if !v.matches(raw[2], []byte(parts[0]), []byte("."), []byte(parts[1])) {
		return nil, Refuse(ErrSignature, "no secret of %d matches", len(v.Secrets))
	}
	// From here on the token is the provider's own.
	var claims map[string]json.RawMessage
	if json.Unmarshal(raw[1], &claims) != nil || claims == nil {
		return nil, Refuse(ErrMalformed, "the token's claims are not a JSON object")
	}
	exp, err := seconds(claims["exp"])
	if err != nil {
		return nil, Refuse(ErrMalformed, "the token's exp %v", err)
	}
	if late := v.Time().Add(-max(v.Tolerance, 0)); !late.Before(exp) {
		return nil, Refuse(ErrExpired, "the token is over since %v", late.Sub(exp).Round(time.Second))
	}
	return claims, nil
}

// seconds reads a JSON number of seconds since the epoch.
func seconds(raw json.RawMessage) (time.Time, error) {
	// Absent, null and a string are no numbers.
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f <= 0 || f > 1e11 {
		return time.Time{}, errors.New("is not a number of seconds since 1970")
	}
	whole, frac := math.Modf(f)
	return time.Unix(int64(whole), int64(frac*1e9)), nil
}
