package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// faultKind is how one fault does its work. One of the three functions is set:
// instead answers in place of the provider, change spoils the provider's
// answer, wire sends it badly.
type faultKind struct {
	about     string
	operation string // the only operation it makes sense for
	tokens    string // "only" where it makes sense for calls that issue tokens, "never" where it does not
	early     bool   // the provider never sees the call
	instead   func(*Fault, *call) *answer
	change    func(*Fault, *answer)
	wire      func(*Fault, *wire)
}

var faultKinds map[string]faultKind

func init() { // a map literal would refer to itself through Inject
	faultKinds = map[string]faultKind{
		// Documented refusals
		"unauthorized":  {about: "the provider's answer to an expired token, though it is not", tokens: "never", instead: func(_ *Fault, c *call) *answer { return c.provider.expired(c) }},
		"documented":    {about: "a documented answer, by the name of its fixture", instead: documentedAnswer},
		"answer":        {about: "a status and a body of your choice", instead: ownAnswer},
		"refresh-spent": {about: "the refresh token was used by somebody else", operation: "refreshToken", instead: spentRefresh},

		// Limits and outages
		"429-seconds": {about: "429, Retry-After in seconds", instead: limited(func(f *Fault, h http.Header, _ time.Time) { h.Set("Retry-After", seconds(f.delay(2*time.Second))) })},
		"429-date": {about: "429, Retry-After as an HTTP date", instead: limited(func(f *Fault, h http.Header, now time.Time) {
			h.Set("Retry-After", now.Add(f.delay(2*time.Second)).Format(http.TimeFormat))
		})},
		"429-body":            {about: "429, retry_after in the body only", instead: limitedBody},
		"429-bare":            {about: "429 without any hint", instead: limited(nil)},
		"500":                 {about: "500 in the provider's error shape", instead: outage(500)},
		"502":                 {about: "502 in the provider's error shape", instead: outage(502)},
		"503":                 {about: "503 with Retry-After in seconds", instead: unavailable},
		"504":                 {about: "504 in the provider's error shape", instead: outage(504)},
		"undocumented-status": {about: "418, which no document has", instead: outage(http.StatusTeapot)},

		// Answers that are not what they say
		"html-as-json":      {about: "a proxy's 502, HTML with a JSON label", change: page(http.StatusBadGateway, "application/json")},
		"html":              {about: "a captive portal's 200, HTML", change: page(http.StatusOK, "text/html; charset=utf-8")},
		"json-without-type": {about: "the right JSON without a content type", change: func(_ *Fault, a *answer) { a.header["Content-Type"] = nil }},
		"json-as-text":      {about: "the right JSON labelled text/plain", change: func(_ *Fault, a *answer) { a.header.Set("Content-Type", "text/plain") }},
		"empty-body":        {about: "the right status and label, no body", change: func(_ *Fault, a *answer) { a.body = nil }},
		"null-body":         {about: "the body is null", change: func(_ *Fault, a *answer) { a.body = []byte("null") }},
		"no-content":        {about: "204 where a body is documented", change: func(_ *Fault, a *answer) { a.status, a.body = http.StatusNoContent, nil; a.header.Del("Content-Type") }},
		"error-in-200":      {about: "200 with the provider's error inside", instead: errorIn200},
		"truncated-json":    {about: "half of the JSON, length and all in order", change: func(_ *Fault, a *answer) { a.body = a.body[:len(a.body)/2] }},
		"trailing-bytes":    {about: "something after the JSON", change: func(_ *Fault, a *answer) { a.body = append(bytes.Clone(a.body), " trailing"...) }},
		"duplicate-keys":    {about: "a member twice, the second null", change: duplicateKeys},
		"redirect":          {about: "307 to another host", change: redirect(http.StatusTemporaryRedirect)},
		"redirect-get":      {about: "302 to another host, which turns a POST into a GET", change: redirect(http.StatusFound)},

		// Values that are not what they were
		"extra-fields":     {about: "members nobody documented, in every object", change: rewrite(extraFields)},
		"number-as-string": {about: "numbers in quotes", change: rewrite(numberAsString)},
		"string-as-number": {about: "amounts that are documented as strings, without quotes", change: rewrite(stringAsNumber)},
		"many-digits":      {about: "amounts with more digits than a float64 holds", change: rewrite(manyDigits)},
		"odd-dates":        {about: "times that are not RFC 3339", change: rewrite(oddDates)},
		"null-fields":      {about: "null in place of every string and number", change: rewrite(nullFields)},

		// Tokens
		"token-missing":       {about: "a token answer without the token", tokens: "only", change: rewrite(without("access", "access_token", "accessToken", "token"))},
		"expiry-missing":      {about: "a token answer without its expiry", tokens: "only", change: rewrite(without("expires_in", "expiresIn", "expires_at"))},
		"expiry-milliseconds": {about: "an expiry in milliseconds", tokens: "only", change: rewrite(milliseconds)},
		"clock-skew":          {about: "token claims by a clock that is wrong by Delay (10 minutes)", tokens: "only"},

		// The wire
		"reset-before":   {about: "connection reset, the provider never saw the call", early: true, wire: func(_ *Fault, w *wire) { w.reset(nil) }},
		"reset-after":    {about: "the call took effect, then connection reset without an answer", wire: func(_ *Fault, w *wire) { w.reset(nil) }},
		"reset-during":   {about: "connection reset in the middle of the answer", wire: func(_ *Fault, w *wire) { w.reset(w.half()) }},
		"truncated-body": {about: "fewer bytes than Content-Length says", wire: func(_ *Fault, w *wire) { w.cut() }},
		"no-answer":      {about: "the call took effect, no answer comes; after Delay (1 hour) the connection ends", wire: func(f *Fault, w *wire) { w.wait(f.delay(time.Hour)); w.reset(nil) }},
		"slow-answer":    {about: "the answer comes after Delay (30 seconds)", wire: func(f *Fault, w *wire) { w.wait(f.delay(30 * time.Second)); w.a.write(w.w) }},
		"slow-drip":      {about: "the body comes in 16 pieces over Delay (30 seconds)", wire: func(f *Fault, w *wire) { w.drip(f.delay(30 * time.Second)) }},
		"endless-body":   {about: "a body that does not end before 64 MiB", wire: func(_ *Fault, w *wire) { w.endless() }},

		// Webhooks
		"webhook-duplicate":     {about: "the webhook is sent twice"},
		"webhook-reorder":       {about: "the webhook is sent after the next one"},
		"webhook-delay":         {about: "the webhook comes after Delay (1 minute)"},
		"webhook-drop":          {about: "the webhook never comes"},
		"webhook-bad-signature": {about: "signed with a wrong key"},
		"webhook-unsigned":      {about: "without its signature header"},
		"webhook-stale":         {about: "signed an hour ago"},
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

func documentedAnswer(f *Fault, c *call) *answer {
	status, _, _ := strings.Cut(strings.SplitN(f.Fixture, ".response.", 2)[1], ".")
	n, err := strconv.Atoi(status)
	if err != nil { // "4xx": the body is documented and the status is not
		n = map[byte]int{'2': 200, '4': 401, '5': 500}[status[0]]
	}
	a := reply(n, nil)
	a.body = fixture(c.provider.name, f.Fixture)
	return a
}

func ownAnswer(f *Fault, _ *call) *answer {
	a := reply(f.Status, nil)
	a.body = []byte(f.Body)
	return a
}

// spentRefresh refuses and really ends the token, as if somebody else had been
// faster.
func spentRefresh(_ *Fault, c *call) *answer {
	for _, name := range []string{"refresh", "refreshToken"} {
		if t := c.token("refresh", c.in.text(name)); t != nil {
			t.Dead = "spent"
		}
	}
	return c.provider.handlers[c.op.ID](c)
}

func limited(hint func(*Fault, http.Header, time.Time)) func(*Fault, *call) *answer {
	return func(f *Fault, c *call) *answer {
		a := c.provider.problem(http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests. Try again later.")
		if hint != nil {
			hint(f, a.header, c.now)
		}
		return a
	}
}

func limitedBody(f *Fault, c *call) *answer {
	a := limited(nil)(f, c)
	n, _ := strconv.Atoi(seconds(f.delay(2 * time.Second)))
	a.body = encode(decodeObject(a.body).set("retry_after", jsonInt(n)))
	return a
}

func outage(status int) func(*Fault, *call) *answer {
	return func(_ *Fault, c *call) *answer {
		return c.provider.problem(status, "INTERNAL_ERROR", http.StatusText(status))
	}
}

func unavailable(f *Fault, c *call) *answer {
	a := outage(http.StatusServiceUnavailable)(f, c)
	a.header.Set("Retry-After", seconds(f.delay(2*time.Second)))
	return a
}

func errorIn200(_ *Fault, c *call) *answer {
	a := c.provider.problem(http.StatusOK, "INTERNAL_ERROR", "Something went wrong")
	a.status = http.StatusOK
	return a
}

func page(status int, label string) func(*Fault, *answer) {
	return func(_ *Fault, a *answer) {
		a.status, a.body = status, []byte("<html><head><title>"+http.StatusText(status)+"</title></head><body><center><h1>nginx</h1></center></body></html>\n")
		a.header.Set("Content-Type", label)
	}
}

func redirect(status int) func(*Fault, *answer) {
	return func(_ *Fault, a *answer) {
		a.status, a.body = status, nil
		a.header.Set("Location", "http://elsewhere.invalid/collect")
	}
}

func duplicateKeys(_ *Fault, a *answer) {
	v, err := decode(a.body)
	o, ok := v.(*object)
	if err != nil || !ok || len(o.members) == 0 {
		return
	}
	a.body = fmt.Appendf(a.body[:0:0], "{%q:null,%s", o.members[0].name, encode(o)[1:])
}

// rewrite changes every value of a JSON body from the inside out.
func rewrite(f func(name string, v any) any) func(*Fault, *answer) {
	return func(_ *Fault, a *answer) {
		v, err := decode(a.body)
		if err != nil {
			return
		}
		a.body = encode(walk("", v, f))
	}
}

func walk(name string, v any, f func(string, any) any) any {
	switch v := v.(type) {
	case *object:
		for i := range v.members {
			v.members[i].value = walk(v.members[i].name, v.members[i].value, f)
		}
	case []any:
		for i := range v {
			v[i] = walk(name, v[i], f)
		}
	}
	return f(name, v)
}

func extraFields(_ string, v any) any {
	if o, ok := v.(*object); ok {
		return o.set("new_in_2027", "surprise").set("newObject", obj("a", []any{json.Number("1"), nil, "x"}))
	}
	return v
}

func numberAsString(_ string, v any) any {
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return v
}

func stringAsNumber(_ string, v any) any {
	if s, ok := v.(string); ok && isAmount(s) && (s == "0" || s[0] != '0' || strings.HasPrefix(s, "0.")) {
		return json.Number(s)
	}
	return v
}

func manyDigits(_ string, v any) any {
	n, ok := v.(json.Number)
	if !ok || !strings.Contains(n.String(), ".") || strings.ContainsAny(n.String(), "eE") {
		return v
	}
	return json.Number(n.String() + "0000000000000000001")
}

var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)

func oddDates(_ string, v any) any {
	if s, ok := v.(string); ok && rfc3339.MatchString(s) {
		return strings.Replace(s[:19], "T", " ", 1) + ".2"
	}
	return v
}

func nullFields(_ string, v any) any {
	switch v.(type) {
	case string, json.Number:
		return nil
	}
	return v
}

func without(names ...string) func(string, any) any {
	return func(_ string, v any) any {
		if o, ok := v.(*object); ok {
			return o.drop(names...)
		}
		return v
	}
}

func milliseconds(name string, v any) any {
	n, ok := v.(json.Number)
	if !ok || name != "expires_in" && name != "expiresIn" {
		return v
	}
	return json.Number(n.String() + "000")
}
