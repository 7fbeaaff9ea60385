package apierr

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
)

// RetryAfter returns how long an answer asks to wait: the Retry-After header,
// as seconds or as a date (measured against the answer's own Date header where
// there is one, so that a wrong local clock does not matter), or the top-level
// retry_after member of the body, which CryptoPay documents, in seconds.
func RetryAfter(h http.Header, body []byte) (time.Duration, bool) {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d, true
		}
		if at, err := http.ParseTime(v); err == nil {
			now := time.Now()
			if d, err := http.ParseTime(h.Get("Date")); err == nil {
				now = d
			}
			return max(0, at.Sub(now)), true
		}
	}
	if v, ok, err := jsonx.Member(body, "retry_after"); err == nil && ok {
		var n json.Number
		if json.Unmarshal(v, &n) == nil {
			return seconds(n.String())
		}
	}
	return 0, false
}

// seconds reads a count of seconds, fractions allowed, capped at a year.
func seconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n != n {
		return 0, false
	}
	const year = 365 * 24 * time.Hour
	if n > year.Seconds() {
		return year, true
	}
	return time.Duration(n * float64(time.Second)), true
}
