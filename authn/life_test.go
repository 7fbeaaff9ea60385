package authn_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

func jwtWith(t testing.TB, claims string) string {
	t.Helper()
	require.True(t, json.Valid([]byte(claims)), claims)
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature"))
}

func TestJWTLife(t *testing.T) {
	for _, c := range []struct {
		name, token string
		want        time.Duration // 0: none
	}{
		{"seconds", jwtWith(t, `{"iat":1684255300,"exp":1684258900}`), time.Hour},
		{"milliseconds", jwtWith(t, `{"iat":1684255300000,"exp":1684258900000}`), time.Hour},
		{"exp in seconds, iat in milliseconds, as Crypterium's", jwtWith(t, `{"iat":1684255300000,"exp":1684258900}`), time.Hour},
		{"fractions", jwtWith(t, `{"iat":1684255300.25,"exp":1684255300.75}`), 500 * time.Millisecond},
		{"no iat", jwtWith(t, `{"exp":1684258900}`), 0},
		{"no exp", jwtWith(t, `{"iat":1684258900}`), 0},
		{"backwards", jwtWith(t, `{"iat":1684258900,"exp":1684255300}`), 0},
		{"strings", jwtWith(t, `{"iat":"1684255300","exp":"1684258900"}`), 0},
		{"two thousand years, as CryptoCloud's keys", jwtWith(t, `{"iat":1684255300,"exp":86900000000}`), 1_000_000_000 * time.Second},
		{"opaque", "fb3cee22-08a5-4f77-95e7-ba7c23aaf8af", 0},
		{"two dots and no JWT", "a.b.c", 0},
		{"the documentation's ellipsis", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...", 0},
		{"empty", "", 0},
		{"Ecart Pay's sample", ecartPaySample, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := authn.JWTLife(c.token)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != 0, ok)
		})
	}
}

const ecartPaySample = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpZCI6IjYxODA0ODNiZWFiOWQ5NDVhODZkYTNjMSIsInVzZXIiOiJ1bmRlZmluZWQiLCJpYXQiOjE2ODQyNTUzMDAsImV4cCI6MTY4NDI1ODkwMH0.l8aMEUA8E-BZy3o6aiu3mZ5n5g2lH4YOaLN43lfg7dbxf0_dP_CZWvwIYtbhGAhJw7qZYlOfpT6_DoFaWNB9sQ"

func TestExpiresIn(t *testing.T) {
	answered := time.Unix(1_707_239_715, 0)
	for _, c := range []struct {
		n    json.Number
		want time.Duration
	}{
		{"3600", time.Hour},
		{"24340862", 24340862 * time.Second},
		{"0.5", 500 * time.Millisecond},
		{"999999999", 999_999_999 * time.Second},
		{"1707241515", 30 * time.Minute},    // Unix seconds
		{"1707241515000", 30 * time.Minute}, // Unix milliseconds
		{"1000000000", time.Unix(1_000_000_000, 0).Sub(answered)},
		{"0", 0},
		{"-5", -5 * time.Second},
		{"1e300", 1_000_000_000 * time.Second},
		{"", 0},
		{"soon", 0},
		{"NaN", 0},
	} {
		require.Equal(t, c.want, authn.ExpiresIn(c.n, answered), "%q", c.n)
	}
}

func TestLifePrefersTheProvidersOwnClock(t *testing.T) {
	made := time.Unix(1_707_239_715, 0)
	half := jwtWith(t, `{"iat":1707239715,"exp":1707241515}`)
	for _, c := range []struct {
		name     string
		token    string
		n        json.Number
		answered time.Time
		want     time.Duration
	}{
		{"fresh JWT", half, "", made, 30 * time.Minute},
		{"JWT handed out again ten minutes later", half, "", made.Add(10 * time.Minute), 20 * time.Minute},
		{"Date a day ahead: the JWT alone", half, "", made.Add(24 * time.Hour), 30 * time.Minute},
		{"Date a day behind: the JWT alone", half, "", made.Add(-24 * time.Hour), 30 * time.Minute},
		{"no Date", half, "", time.Time{}, 30 * time.Minute},
		{"JWT without iat", jwtWith(t, `{"exp":1707241515}`), "", made, 30 * time.Minute},
		{"JWT beats expiresIn", half, "1707241999", made, 30 * time.Minute},
		{"opaque with expiresIn", "opaque", "1707241515", made, 30 * time.Minute},
		{"opaque without anything: documented", "opaque", "", made, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, authn.LifeOf(authn.Secret(c.token), c.n, c.answered, time.Minute))
		})
	}
}
