package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// redactor takes the credentials out of exchanges and leaves what a document
// can judge: shapes, scheme words, formats. It remembers the secrets it has
// seen, so that an echo of one in a later message goes too. Personal data
// stays. It is not safe for concurrent use.
type redactor struct {
	c      *contract.Checker
	keys   map[string]bool // header and query names of the documented schemes
	learnt []string
}

const placeholder = "[redacted]"

func newRedactor(c *contract.Checker) *redactor {
	r := &redactor{c: c, keys: map[string]bool{}}
	for _, s := range c.Schemes() {
		if s.Key != "" {
			r.keys[strings.ToLower(s.Key)] = true
		}
	}
	return r
}

// exchange returns a copy without credentials.
func (r *redactor) exchange(x contract.Exchange) contract.Exchange {
	op := r.operation(x)
	if op.Effect == "auth" {
		r.authCode(x)
	}
	// Whatever is secret anywhere in the exchange is secret everywhere in it:
	// the first pass learns, the second also removes the echoes.
	r.pass(x, op)
	return r.pass(x, op)
}

func (r *redactor) operation(x contract.Exchange) contract.OperationInfo {
	u, err := url.Parse(x.URL)
	if err != nil {
		return contract.OperationInfo{}
	}
	id, _ := r.c.Operation(&http.Request{Method: x.Method, URL: u})
	info, _ := r.c.Lookup(id)
	return info
}

func (r *redactor) pass(x contract.Exchange, op contract.OperationInfo) contract.Exchange {
	x.URL = r.url(x.URL, op.Path)
	x.RequestBody, x.RequestHeader = r.body(x.RequestBody, x.RequestHeader, x.NoRequestBody)
	x.ResponseBody, x.ResponseHeader = r.body(x.ResponseBody, x.ResponseHeader, x.NoResponseBody)
	x.RequestHeader, x.ResponseHeader = r.header(x.RequestHeader, x.RequestBody), r.header(x.ResponseHeader, x.ResponseBody)
	x.NoRequestBody, x.NoResponseBody = false, false
	return x
}

// authCode learns the codes of an authorization: "code" is a secret in the
// request of a login only, and an error code anywhere else.
func (r *redactor) authCode(x contract.Exchange) {
	var m map[string]any
	if json.Unmarshal(x.RequestBody, &m) != nil {
		values, _ := url.ParseQuery(string(x.RequestBody))
		m = map[string]any{"code": values.Get("code")}
	}
	if s, ok := m["code"].(string); ok {
		r.learn(s)
	}
}

// learn remembers a secret. Short ones and plain words are not searched for:
// "merchant" is Crypterium's public password and the name of a grant.
func (r *redactor) learn(s string) {
	const shortest, longWord, most = 8, 16, 1000
	if len(s) < shortest || onlyDigits(s) || len(s) < longWord && onlyLetters(s) || strings.Contains(s, "redacted") || slices.Contains(r.learnt, s) {
		return
	}
	if len(r.learnt) == most {
		r.learnt = slices.Delete(r.learnt, 0, 1)
	}
	r.learnt = append(r.learnt, s)
}

// value redacts a text that belongs to a name, which may be empty.
func (r *redactor) value(name, s string) string {
	if s != "" && secretName(name) {
		r.learn(s)
		return stand(s)
	}
	return r.text(s)
}

var (
	jwt    = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*`)
	prefix = regexp.MustCompile(`\b(sk|pk|rk|prv|pub|key|cp)_[A-Za-z0-9_]{8,}`)
	scheme = regexp.MustCompile(`(?i)\b(bearer|basic|token|digest)\s+[A-Za-z0-9._~+/=-]{8,}`)
	digits = regexp.MustCompile(`\b[2-6](?:[ -]?\d){12,18}\b`)
)

// text removes from free text what looks like a secret and what is known to
// be one.
func (r *redactor) text(s string) string {
	if len(s) < 8 {
		return s
	}
	for _, secret := range r.learnt {
		if strings.Contains(s, secret) {
			s = strings.ReplaceAll(s, secret, stand(secret))
		}
	}
	if strings.Contains(s, "eyJ") {
		s = jwt.ReplaceAllString(s, placeholder)
	}
	if strings.Contains(s, "_") {
		s = prefix.ReplaceAllString(s, placeholder)
	}
	s = scheme.ReplaceAllStringFunc(s, func(m string) string {
		word, rest, _ := strings.Cut(m, " ")
		if !strings.ContainsAny(rest, "0123456789") {
			return m // "token expired"
		}
		return word + " " + placeholder
	})
	return cards(s)
}

// cards removes the numbers of cards, and leaves fractions of amounts alone.
func cards(s string) string {
	found := digits.FindAllStringIndex(s, -1)
	if found == nil {
		return s
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		m := s[f[0]:f[1]]
		b.WriteString(s[at:f[0]])
		at = f[1]
		fraction := f[0] > 0 && s[f[0]-1] == '.' || f[1] < len(s)-1 && s[f[1]] == '.' && s[f[1]+1] >= '0' && s[f[1]+1] <= '9'
		if !fraction && luhn(m) {
			m = zeros(m)
		}
		b.WriteString(m)
	}
	return b.String() + s[at:]
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	hexForm  = regexp.MustCompile(`^[0-9a-fA-F]{16,}$`)
	mailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
)

// stand is what stands in place of a secret: something of the same format,
// so that a document judges it as it judged the secret.
func stand(s string) string {
	switch {
	case uuidForm.MatchString(s):
		return "00000000-0000-4000-8000-000000000000"
	case onlyDigits(s), hexForm.MatchString(s):
		return strings.Repeat("0", len(s))
	case mailForm.MatchString(s):
		return "redacted@example.invalid"
	case strings.HasPrefix(s, "https://"), strings.HasPrefix(s, "http://"):
		return "https://redacted.invalid/"
	}
	return placeholder
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func onlyLetters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

func zeros(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '0'
		}
		return r
	}, s)
}

func luhn(s string) bool {
	sum, n := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		d := int(s[i] - '0')
		if n++; n%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum > 0 && sum%10 == 0
}

var (
	secretWords = map[string]bool{
		"token": true, "tokens": true, "secret": true, "secrets": true, "password": true, "passwd": true, "passphrase": true, "pwd": true,
		"key": true, "keys": true, "apikey": true, "cvc": true, "cvv": true, "pin": true, "otp": true, "signature": true, "sign": true,
		"authorization": true, "auth": true, "cookie": true, "session": true, "credential": true, "credentials": true, "jwt": true,
		"bearer": true, "csrf": true, "xsrf": true, "hmac": true,
	}
	// A name that ends so is about a secret, and holds none: token_type.
	aboutWords = map[string]bool{
		"type": true, "expires": true, "expiry": true, "expiration": true, "in": true, "at": true, "ttl": true, "lifetime": true, "status": true, "count": true,
	}
	wholeNames = map[string]bool{"merchantid": true, "pan": true, "cardnumber": true}
)

// secretName reports whether a member, parameter or header of this name holds
// a credential: access_token, apiKey, X-Secret, merchant_id.
func secretName(name string) bool {
	if name == "" {
		return false
	}
	words := nameWords(name)
	if wholeNames[strings.Join(words, "")] {
		return true
	}
	if len(words) == 0 || aboutWords[words[len(words)-1]] {
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool { return secretWords[w] })
}

// nameWords splits snake_case, kebab-case and camelCase.
func nameWords(name string) []string {
	var words []string
	begin := 0
	end := func(i int) {
		if i > begin {
			words = append(words, strings.ToLower(name[begin:i]))
		}
		begin = i
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == '.' || c == '[' || c == ']' || c == ' ':
			end(i)
			begin = i + 1
		case c >= 'A' && c <= 'Z' && i > begin && (name[i-1] < 'A' || name[i-1] > 'Z' || i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'):
			end(i)
		}
	}
	end(len(name))
	return words
}

// Headers that hold no credentials, and are looked at or of use.
var openHeaders = map[string]bool{
	"accept": true, "accept-encoding": true, "accept-language": true, "allow": true, "cache-control": true, "connection": true,
	"content-disposition": true, "content-encoding": true, "content-language": true,
	"date": true, "expires": true, "last-modified": true, "location": true, "retry-after": true, "server": true, "user-agent": true,
	"vary": true, "x-sdk-version": true, "x-sandbox-violation": true, "x-sandbox-guess": true, "x-sandbox-fault": true,
}

func (r *redactor) header(h http.Header, body []byte) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		low := strings.ToLower(name)
		for _, v := range values {
			switch {
			case low == "content-length":
				v = strconv.Itoa(len(body)) // the old one tells how long a password is
			case low == "content-type": // with the boundary of its parts
			case low == "authorization" || low == "proxy-authorization":
				v = r.credentials(v)
			case low == "cookie" || low == "set-cookie":
				v = r.cookies(low, v)
			case r.keys[low] || secretName(name):
				v = r.value("secret", v)
			case low == "location" || low == "referer":
				v = r.url(v, "")
			case openHeaders[low]:
				v = r.text(v)
			case number.MatchString(v): // a rate limit
			default:
				v = placeholder
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}

var number = regexp.MustCompile(`^-?\d{1,12}(\.\d+)?$`)

// credentials keeps the scheme word, and what makes Basic well-formed.
func (r *redactor) credentials(v string) string {
	word, rest, ok := strings.Cut(v, " ")
	if !ok {
		return r.value("secret", v)
	}
	switch strings.ToLower(word) {
	case "basic":
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		if user, pass, ok := strings.Cut(string(b), ":"); err == nil && ok {
			r.learn(rest)
			r.learn(user)
			r.learn(pass)
			return word + " " + base64.StdEncoding.EncodeToString([]byte("redacted:redacted"))
		}
	case "bearer", "token", "apikey", "digest", "hmac":
	default:
		return r.value("secret", v)
	}
	if strings.TrimSpace(rest) == "" {
		return v
	}
	r.learn(strings.TrimSpace(rest))
	return word + " " + placeholder
}

// cookies keeps names; a Set-Cookie's attributes go.
func (r *redactor) cookies(header, v string) string {
	parts := strings.Split(v, ";")
	if header == "set-cookie" {
		parts = parts[:1]
	}
	for i, p := range parts {
		name, secret, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok {
			parts[i] = placeholder
			continue
		}
		r.learn(secret)
		parts[i] = name + "=" + placeholder
	}
	return strings.Join(parts, "; ")
}

// url redacts user information, queries, and segments of the path that the
// template names as secrets.
func (r *redactor) url(s, template string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "/" + placeholder
	}
	u.User = nil
	u.Fragment, u.RawFragment = "", ""
	segs, names := strings.Split(u.EscapedPath(), "/"), strings.Split(template, "/")
	for i, seg := range segs {
		name := ""
		if j := i - len(segs) + len(names); j >= 0 { // the base path comes before the template
			name = strings.Trim(names[j], "{}")
			if name == names[j] {
				name = ""
			}
		}
		if plain, err := url.PathUnescape(seg); err == nil {
			if got := r.value(name, plain); got != plain {
				segs[i] = url.PathEscape(got)
			}
		}
	}
	path := strings.Join(segs, "/")
	query := r.pairs(u.RawQuery)
	u.RawQuery, u.Path, u.RawPath = "", "", ""
	u.ForceQuery = false
	out := u.String() + path
	if query != "" {
		out += "?" + query
	}
	return out
}

// pairs redacts key=value pairs and leaves the rest of the text alone.
func (r *redactor) pairs(s string) string {
	if s == "" {
		return s
	}
	parts := strings.Split(s, "&")
	for i, p := range parts {
		rawName, rawValue, ok := strings.Cut(p, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if err != nil || err2 != nil {
			parts[i] = "%redacted" // as unreadable as before
			continue
		}
		if !ok {
			if got := r.text(name); got != name {
				parts[i] = url.QueryEscape(got)
			}
			continue
		}
		if got := r.text(name); got != name {
			rawName = url.QueryEscape(got)
		}
		if r.keys[strings.ToLower(name)] {
			name = "secret"
		}
		if got := r.value(name, value); got != value {
			rawValue = url.QueryEscape(got)
		}
		parts[i] = rawName + "=" + rawValue
	}
	return strings.Join(parts, "&")
}

// notRecorded is a content encoding nobody knows: whoever judges the
// recording says that this body was not judged.
const notRecorded = "x-not-recorded"

// body redacts a body by its content type. It returns the headers that fit
// what is left.
func (r *redactor) body(b []byte, h http.Header, missing bool) ([]byte, http.Header) {
	if len(b) == 0 && !missing {
		return b, h
	}
	drop := func() ([]byte, http.Header) {
		h := h.Clone()
		if h == nil {
			h = http.Header{}
		}
		h.Set("Content-Encoding", notRecorded)
		return []byte("(not recorded)"), h
	}
	if missing {
		return drop()
	}
	if enc := strings.ToLower(h.Get("Content-Encoding")); enc != "" && enc != "identity" {
		plain, ok := gunzip(enc, b)
		if !ok {
			return drop()
		}
		b, h = plain, h.Clone()
		h.Del("Content-Encoding")
	}
	mt, params, _ := mime.ParseMediaType(h.Get("Content-Type"))
	first := bytes.TrimLeft(b, " \t\r\n\ufeff")
	switch {
	case mt == "multipart/form-data":
		out, ok := r.multipart(b, params["boundary"])
		if !ok {
			return drop()
		}
		return out, h
	case mt == "application/x-www-form-urlencoded":
		return []byte(r.pairs(string(b))), h
	case len(first) > 0 && (first[0] == '{' || first[0] == '[' || first[0] == '"') || mt == "application/json" || strings.HasSuffix(mt, "+json"):
		return r.json(b), h
	case strings.HasPrefix(mt, "text/") && utf8.Valid(b):
		return []byte(r.text(string(b))), h
	}
	return drop()
}

func gunzip(encoding string, b []byte) ([]byte, bool) {
	if encoding != "gzip" {
		return nil, false
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	return plain, err == nil && len(plain) <= maxBody
}

func (r *redactor) multipart(b []byte, boundary string) ([]byte, bool) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if w.SetBoundary(boundary) != nil {
		return nil, false
	}
	read := multipart.NewReader(bytes.NewReader(b), boundary)
	for {
		p, err := read.NextRawPart()
		if err == io.EOF {
			err := w.Close() // writes the end
			return out.Bytes(), err == nil
		}
		if err != nil {
			return nil, false
		}
		v, err := io.ReadAll(p)
		if err != nil {
			return nil, false
		}
		text := placeholder // a file, an identity document perhaps
		if p.FileName() == "" {
			text = r.value(p.FormName(), string(v))
		}
		part, err := w.CreatePart(p.Header)
		if err != nil {
			return nil, false
		}
		if _, err := io.WriteString(part, text); err != nil {
			return nil, false
		}
	}
}

// json redacts the texts of a JSON document where they stand. Everything
// else stays byte for byte, damage included, because it is what the document
// judges: duplicate names, spelling of numbers, what comes after the end.
func (r *redactor) json(b []byte) []byte {
	var out bytes.Buffer
	type level struct {
		object bool
		name   string // of the member, or inherited from the one around
	}
	var stack []level
	name := ""
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c == '"':
			end := stringEnd(b, i)
			lit := b[i:end]
			i = end
			var s string
			if json.Unmarshal(lit, &s) != nil { // cut off, or damaged
				if s = strings.TrimPrefix(string(lit), `"`); r.value(name, s) != s {
					out.WriteString(`"` + placeholder) // as damaged as before
				} else {
					out.Write(lit)
				}
				continue
			}
			if next := skipSpace(b, i); len(stack) > 0 && stack[len(stack)-1].object && next < len(b) && b[next] == ':' {
				name = s
				if outer := stack[len(stack)-1].name; secretName(outer) && !secretName(s) {
					name = outer // everything inside "keys" is a key
				}
				if got := r.text(s); got != s {
					lit, _ = json.Marshal(got)
				}
				out.Write(lit)
				continue
			}
			if got := r.value(name, s); got != s {
				lit, _ = json.Marshal(got)
			}
			out.Write(lit)
			continue
		case c == '{' || c == '[':
			stack = append(stack, level{c == '{', name})
		case c == '}' || c == ']':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			if name = ""; len(stack) > 0 {
				name = stack[len(stack)-1].name
			}
		case c == ',':
			if name = ""; len(stack) > 0 {
				name = stack[len(stack)-1].name
			}
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(b) && strings.IndexByte("0123456789.eE+-", b[end]) >= 0 {
				end++
			}
			out.WriteString(r.number(name, string(b[i:end])))
			i = end
			continue
		}
		out.WriteByte(c)
		i++
	}
	return out.Bytes()
}

// number redacts a number that is a secret, such as a PIN, or a card's.
func (r *redactor) number(name, s string) string {
	if secretName(name) || digits.MatchString(s) && onlyDigits(s) && luhn(s) {
		return strings.Map(func(c rune) rune {
			if unicode.IsDigit(c) {
				return '1' // a number does not begin with zeros
			}
			return c
		}, s)
	}
	return s
}

func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}
