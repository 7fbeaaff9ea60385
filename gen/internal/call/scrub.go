package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
)

// How much of what a provider wrote an error keeps.
const (
	maxBody   = 4 << 10
	maxText   = 1 << 10
	maxCode   = 128
	maxFields = 32
)

const redacted = "[redacted]"

// shortest is the length from which a value is taken for a secret: replacing
// shorter ones would make any text unreadable.
const shortest = 4

// secretName matches the names of headers, parameters and members that hold a
// credential. It is generous: a hidden harmless value costs little.
var secretName = regexp.MustCompile(`(?i)token|passw|secret|auth|api.?key|key$|private|access|refresh|credential|cookie|jwt|signature|cvc|cvv|clabe|iban|card.?number|^number$|^pan$`)

// secretMember finds a JSON member or form field of such a name with its value,
// also one that is cut off.
var secretMember = regexp.MustCompile(`(?i)("[^"]*(?:token|passw|secret|auth|api_?-?key|private|access|refresh|credential|jwt|cvc|cvv|clabe|iban|card_?number|"pan|"number)[^"]*"\s*:\s*)("(?:[^"\\]|\\.)*"?|\[[^\]{}]*\]?|[-0-9.eE+]+)`)
var secretField = regexp.MustCompile(`(?i)(^|[&?\s])([a-z0-9_.-]*(?:token|passw|secret|api_?-?key|private|access|refresh|jwt|cvc|cvv)[a-z0-9_.-]*=)[^&\s"<]+`)

// jwtLike matches anything in the form of a JSON Web Token, or the start of one.
var jwtLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}`)

// scrubber takes the credentials of one request out of texts.
type scrubber struct {
	secrets  []string // in every spelling, the longest first
	replacer *strings.Replacer
}

func newScrubber(req *http.Request, res *http.Response) *scrubber {
	s := &scrubber{}
	s.request(req)
	if res != nil && res.Request != nil && res.Request != req {
		s.request(res.Request)
	}
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(s.secrets))
	for _, x := range s.secrets {
		pairs = append(pairs, x, redacted)
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// add notes a secret in every spelling in which it may come back.
func (s *scrubber) add(v string) {
	if len(v) < shortest {
		return
	}
	html, _ := json.Marshal(v)
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	for _, spelling := range []string{
		v, strings.Trim(string(html), `"`), strings.Trim(strings.TrimSpace(plain.String()), `"`),
		url.QueryEscape(v), url.PathEscape(v),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
	} {
		if len(spelling) >= shortest && !slices.Contains(s.secrets, spelling) {
			s.secrets = append(s.secrets, spelling)
		}
	}
}

func (s *scrubber) request(req *http.Request) {
	for name, values := range req.Header {
		if !secretName.MatchString(name) {
			continue
		}
		for _, v := range values {
			s.add(v)
			if _, after, ok := strings.Cut(v, " "); ok {
				s.add(after)
			}
		}
	}
	for _, c := range req.Cookies() {
		s.add(c.Value)
	}
	// Crypterium's merchant:merchant is printed in its documentation.
	if user, pass, ok := req.BasicAuth(); ok && user != pass {
		s.add(pass)
	}
	if req.URL != nil {
		s.values(req.URL.Query())
	}
	s.body(req)
}

func (s *scrubber) values(q url.Values) {
	for name, list := range q {
		if secretName.MatchString(name) {
			for _, v := range list {
				s.add(v)
			}
		}
	}
}

func (s *scrubber) body(req *http.Request) {
	if req.GetBody == nil || req.ContentLength > 64<<10 {
		return
	}
	rc, err := req.GetBody()
	if err != nil {
		return
	}
	defer rc.Close()
	raw, err := io.ReadAll(io.LimitReader(rc, 64<<10))
	if err != nil {
		return
	}
	kind, params, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		q, _ := url.ParseQuery(string(raw))
		s.values(q)
	case "multipart/form-data":
		form := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
		for {
			p, err := form.NextRawPart()
			if err != nil {
				return
			}
			v, _ := io.ReadAll(p)
			s.values(url.Values{p.FormName(): {string(v)}})
		}
	default:
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil {
			s.members("", v)
		}
	}
}

func (s *scrubber) members(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for n, e := range v {
			s.members(n, e)
		}
	case []any:
		for _, e := range v {
			s.members(name, e)
		}
	case string:
		if secretName.MatchString(name) {
			s.add(v)
		}
	case json.Number:
		if secretName.MatchString(name) {
			s.add(v.String())
		}
	}
}

// clean replaces every secret, and half a secret at the end: an answer may
// break off, or be cut, in the middle of one.
func (s *scrubber) clean(text string) string {
	if text == "" {
		return ""
	}
	text = s.replacer.Replace(text)
	for _, x := range s.secrets {
		for n := len(x) - 1; n >= shortest; n-- {
			if strings.HasSuffix(text, x[:n]) {
				text = text[:len(text)-n] + redacted
				break
			}
		}
	}
	return jwtLike.ReplaceAllString(text, redacted)
}

// line is clean for what goes into a log line: no control characters, no novel.
func (s *scrubber) line(text string, limit int) string {
	text = s.clean(text[:min(len(text), 4*maxBody)])
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return cut(text, limit)
}

// cut shortens to at most limit bytes of whole characters.
func cut(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "")
}

// error cleans everything that the provider, or a layer below, wrote into e.
func (s *scrubber) error(e *apierr.Error, body []byte) error {
	e.Code, e.Message = s.line(e.Code, maxCode), s.line(e.Message, maxText)
	e.RequestID = s.line(e.RequestID, maxCode)
	if e.Fields != nil {
		fields := make(map[string][]string, len(e.Fields))
		for name, list := range e.Fields {
			if len(fields) == maxFields {
				break
			}
			clean := make([]string, min(len(list), maxFields))
			for i := range clean {
				clean[i] = s.line(list[i], maxText)
			}
			fields[s.line(name, maxCode)] = clean
		}
		e.Fields = fields
	}
	for name, list := range e.Header {
		for i := range list {
			list[i] = s.line(list[i], maxText)
		}
		e.Header[name] = list
	}
	if len(body) > 0 {
		// Replace before cutting to size: half a token is still half a token.
		text := s.clean(string(body[:min(len(body), 4*maxBody)]))
		text = secretMember.ReplaceAllString(text, `$1"`+redacted+`"`)
		text = secretField.ReplaceAllString(text, `$1$2`+redacted)
		e.Body = []byte(cut(text, maxBody))
	}
	e.Err = s.cause(e.Err)
	return e
}

// Plain returns err without what may hold credentials: the URL that net/http
// puts around it, and whatever of the request a provider sent back.
func Plain(req *http.Request, err error) error {
	if err == nil {
		return nil
	}
	return newScrubber(req, nil).cause(err)
}

func (s *scrubber) cause(err error) error {
	if err = plain(err); err == nil {
		return nil
	}
	text := err.Error()
	if line := s.line(text, maxText); line != text {
		return &cause{line, err}
	}
	return err
}

// plain takes off what net/http wraps around an error: its text repeats the
// URL, which may hold secrets in its query.
func plain(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) || u.Err == nil {
			return err
		}
		err = u.Err
	}
}

// cause has a clean text. The error itself answers questions and is not shown.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string        { return c.text }
func (c *cause) Is(target error) bool { return errors.Is(c.err, target) }
func (c *cause) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(c.err, &t) && t.Timeout()
}
