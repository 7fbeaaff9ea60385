package authn

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLife is 31 years. No token lives longer, and no [time.Duration] overflows.
const maxLife = 1_000_000_000 * time.Second

// JWTLife returns exp − iat: how long the token was made to live, on the clock of
// whoever made it, so it holds even if ours is wrong by a day. Seconds and
// milliseconds are both understood, and may be mixed: Crypterium does.
func JWTLife(token string) (time.Duration, bool) {
	c, ok := readJWT(token)
	if !ok || c.iat == 0 || c.exp <= c.iat {
		return 0, false
	}
	return seconds(c.exp - c.iat), true
}

// ExpiresIn reads the three things that providers call "expires in": seconds from
// now, a Unix time in seconds (above 10⁹) or in milliseconds (above 10¹²). A Unix
// time is measured from the answer's Date, which is on the provider's clock, or
// from local time if there is none. Zero or less means: already over.
func ExpiresIn(n json.Number, answered time.Time) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimSpace(n.String()), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	if f < 1e9 {
		return seconds(f)
	}
	return untilEpoch(epoch(f), answered)
}

// lifeOf picks a life for token: exp − iat, shortened to exp − Date if the
// provider handed out a token that is not new; exp alone; else n; else fallback.
func lifeOf(token Secret, n json.Number, answered time.Time, fallback time.Duration) time.Duration {
	if c, ok := readJWT(token.Reveal()); ok {
		life, fresh := JWTLife(token.Reveal())
		if !answered.IsZero() || !fresh {
			if left := untilEpoch(c.exp, answered); left > 0 && (!fresh || left < life) {
				return left
			}
		}
		if fresh {
			return life
		}
	}
	if n != "" {
		return ExpiresIn(n, answered)
	}
	return fallback
}

type jwtClaims struct{ iat, exp float64 } // seconds

// readJWT reads the two times out of a JWT. It checks no signature: the token is
// the provider's business, we only want to know when to ask for the next one.
func readJWT(token string) (jwtClaims, bool) {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 || len(token) > tokenBodyCap {
		return jwtClaims{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return jwtClaims{}, false
	}
	var c struct {
		IAT any `json:"iat"`
		Exp any `json:"exp"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return jwtClaims{}, false
	}
	exp, ok := c.Exp.(float64)
	if !ok || exp <= 0 {
		return jwtClaims{}, false
	}
	iat, _ := c.IAT.(float64)
	return jwtClaims{iat: epoch(max(iat, 0)), exp: epoch(exp)}, true
}

// epoch brings a Unix time in seconds or milliseconds to seconds.
func epoch(n float64) float64 {
	if n >= 1e12 {
		return n / 1000
	}
	return n
}

func untilEpoch(at float64, answered time.Time) time.Duration {
	if answered.IsZero() {
		answered = time.Now()
	}
	return seconds(at - float64(answered.UnixMilli())/1000)
}

func seconds(s float64) time.Duration {
	if s >= maxLife.Seconds() {
		return maxLife
	}
	return time.Duration(max(s, -maxLife.Seconds()) * float64(time.Second))
}

// windows says how long before its end a token is renewed early, and how long
// before its end it is not handed out any more unless renewal failed. The first
// is a twenty-fourth of the life, at least five minutes, at most a day, and never
// more than a quarter of the life. jitter in [0, 1) spreads the processes of a
// fleet over the last quarter of that window's front.
func windows(life time.Duration, jitter float64) (advisory, mandatory time.Duration) {
	advisory = min(max(life/24, 5*time.Minute), 24*time.Hour, life/4)
	advisory -= time.Duration(float64(advisory) * jitter / 4)
	return advisory, min(time.Minute, life/10)
}
