package call

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
)

const (
	maxBody  = 4 << 10
	redacted = "[redacted]"
)

// secretMember matches JSON members and form fields whose value must never be
// shown. It is generous: a hidden harmless value costs little.
var secretMember = regexp.MustCompile(`(?i)("[^"]*(?:token|password|passwd|secret|authorization|api_?-?key|private|access|refresh|credential|jwt|cvc|cvv|clabe|card_?number|pan)[^"]*"\s*:\s*)("(?:[^"\\]|\\.)*"?|[-0-9.eE+]+)`)

// jwtLike matches anything in the form of a JSON Web Token.
var jwtLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}`)

// secretField matches the names of request members that hold a credential.
var secretField = regexp.MustCompile(`(?i)token|password|secret|key|refresh|access|private`)

// redact puts the start of the body into the error and replaces every
// credential in it and in the texts that the provider sent.
func (c Caller) redact(e *apierr.Error, req *http.Request, res *http.Response, body []byte) error {
	secrets := credentials(req, res)
	clean := func(s string) string {
		for _, x := range secrets {
			s = strings.ReplaceAll(s, x, redacted)
		}
		return jwtLike.ReplaceAllString(s, redacted)
	}
	e.Code, e.Message = clean(e.Code), clean(e.Message)
	for name, list := range e.Fields {
		for i := range list {
			list[i] = clean(list[i])
		}
		e.Fields[name] = list
	}
	for name, list := range e.Header {
		for i := range list {
			list[i] = clean(list[i])
		}
		e.Header[name] = list
	}
	// Replace before cutting: half a token is still half a token.
	text := secretMember.ReplaceAllString(clean(string(body[:min(len(body), 4*maxBody)])), `$1"`+redacted+`"`)
	if len(text) > maxBody {
		text = text[:maxBody]
	}
	e.Body = []byte(text)
	return e
}

// credentials lists every value of the request that is or may be a secret.
func credentials(req *http.Request, res *http.Response) []string {
	var out []string
	add := func(s string) {
		if len(s) >= 4 {
			out = append(out, s)
		}
	}
	headers := []http.Header{req.Header}
	if res != nil && res.Request != nil {
		headers = append(headers, res.Request.Header)
	}
	for _, h := range headers {
		for _, name := range []string{"Authorization", "Api-Key", "X-Secret", "Cookie"} {
			v := h.Get(name)
			add(v)
			if _, after, ok := strings.Cut(v, " "); ok {
				add(after)
			}
		}
		if user, pass, ok := (&http.Request{Header: h}).BasicAuth(); ok {
			add(pass)
			add(user)
		}
	}
	if req.GetBody == nil || req.ContentLength > 64<<10 {
		return out
	}
	rc, err := req.GetBody()
	if err != nil {
		return out
	}
	defer rc.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(rc); err != nil {
		return out
	}
	var members map[string]any
	if json.Unmarshal(buf.Bytes(), &members) == nil {
		for name, v := range members {
			if s, ok := v.(string); ok && secretField.MatchString(name) {
				add(s)
			}
		}
	}
	return out
}

// decodeOpen decodes an object of unknown shape; numbers keep their digits.
func decodeOpen(body []byte, v *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return d.Decode(v)
}
