package authn

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tokenBodyCap = 64 << 10 // of a token answer; more is an error
	errorBodyCap = 2 << 10  // of what an Error keeps
)

// wire sends the token calls of one provider.
type wire struct {
	provider string
	base     *url.URL
	do       Doer
	agent    string
	explain  func(body []byte) explanation
}

// explanation is what a provider's error body says.
type explanation struct {
	code, message string
	retryAfter    time.Duration
	unavailable   bool // though the status looks definite
	rejected      bool // whatever the status: the code is a documented no to the credentials
}

func newWire(provider string, cfg Config, explain func([]byte) explanation) (*wire, error) {
	base, err := ParseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%s: Config.BaseURL: %w", provider, err)
	}
	agent := cfg.UserAgent
	if agent == "" {
		agent = defaultUserAgent
	}
	if !printable(agent, true) {
		return nil, errors.New(provider + ": Config.UserAgent has bytes that no header may carry")
	}
	return &wire{provider, base, noRedirects(cfg.HTTP), agent, explain}, nil
}

// noRedirects returns a client that hands out the 3xx instead of following it: a
// 307 would carry the password elsewhere. The caller's client is not touched.
func noRedirects(do Doer) Doer {
	own := &http.Client{}
	switch c := do.(type) {
	case nil:
	case *http.Client:
		if c != nil {
			*own = *c
		}
	default:
		return do
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil // a cookie is not part of any of these flows
	return own
}

// call describes one token request.
type call struct {
	op, path    string
	contentType string
	body        []byte
	header      http.Header // added as it is, not canonicalised
	secrets     []Secret    // what must not come back in an error
}

func (w *wire) jsonCall(op, path string, body any, header http.Header, secrets ...Secret) call {
	b, _ := json.Marshal(body) // structs of strings
	return call{op, path, "application/json", b, header, secrets}
}

// answer is a 2xx with a JSON object in it.
type answer struct {
	w      *wire
	call   call
	status int
	body   []byte
	date   time.Time
}

// post sends c and decodes a 2xx into out. Every failure is an [*Error].
func (w *wire) post(ctx context.Context, c call, out any) (*answer, error) {
	var body io.Reader = http.NoBody
	if c.body != nil {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base.String()+c.path, body)
	if err != nil {
		return nil, w.fail(c, ErrUnavailable, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", w.agent)
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	resp, err := w.do.Do(req)
	if err != nil {
		return nil, w.fail(c, ErrUnavailable, sendError(err))
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, tokenBodyCap+1))
	a := &answer{w: w, call: c, status: resp.StatusCode, body: raw}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = date
	}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, a.refusal(resp.Header)
	case err != nil:
		return nil, a.fail(ErrUnavailable, fmt.Errorf("read answer: %w", err))
	case len(raw) > tokenBodyCap:
		return nil, a.fail(ErrNoToken, errors.New("answer is too long"))
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, a.noGrant(errors.New("answer is not the documented JSON"))
	}
	return a, nil
}

// noToken is the error for a 2xx without the fields that make a token.
func (a *answer) noToken(missing string) error {
	return a.noGrant(errors.New("answer has no " + missing))
}

func (a *answer) noGrant(cause error) error {
	ex := a.w.explain(a.body)
	err := a.fail(ErrNoToken, cause)
	if ex.rejected {
		err.Kind = ErrRejected
	}
	a.quote(err, ex)
	return err
}

// quote copies what the provider said, and none of what we did.
func (a *answer) quote(err *Error, ex explanation) {
	err.Code = start(scrub(ex.code, a.call.secrets...), 100)
	err.Message = start(scrub(ex.message, a.call.secrets...), 500)
}

func (a *answer) fail(kind, cause error) *Error {
	err := a.w.fail(a.call, kind, cause)
	err.Status = a.status
	err.Body = shape(a.body)
	return err
}

func (w *wire) fail(c call, kind, cause error) *Error {
	return &Error{Provider: w.provider, Op: c.op, Kind: kind, Err: cause}
}

// refusal reads an answer outside 2xx.
func (a *answer) refusal(h http.Header) *Error {
	ex := a.w.explain(a.body)
	err := a.w.fail(a.call, ErrUnavailable, nil)
	err.Status = a.status
	a.quote(err, ex)
	err.Body = start(scrubBody(a.body, a.call.secrets...), errorBodyCap) // cut last: half a secret is not found
	err.RetryAfter = max(ex.retryAfter, retryAfter(h.Get("Retry-After"), a.date))
	switch s := a.status; {
	case s < 400:
		err.Kind, err.Err = ErrNoToken, errors.New("redirects are not followed with credentials")
	case ex.unavailable:
	case ex.rejected, s == http.StatusBadRequest, s == http.StatusUnauthorized, s == http.StatusForbidden:
		err.Kind = ErrRejected // any other 4xx is what a gateway says that comes back
	}
	return err
}

func retryAfter(v string, date time.Time) time.Duration {
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date.IsZero() {
		date = time.Now()
	}
	return max(at.Sub(date), 0)
}

// sendError marks what certainly did not leave: name not found, connection refused.
func sendError(err error) error {
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return err
}

var jwtLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}[A-Za-z0-9_.-]*`)

// scrub cuts out what we sent, in every spelling it may come back in, and
// whatever looks like a JWT.
func scrub(s string, secrets ...Secret) string {
	for _, secret := range secrets {
		v := secret.Reveal()
		if v == "" {
			continue
		}
		quoted, _ := json.Marshal(v)
		for _, spelling := range []string{
			v, string(quoted[1 : len(quoted)-1]), url.QueryEscape(v), url.PathEscape(v),
			base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
		} {
			s = strings.ReplaceAll(s, spelling, redacted)
		}
	}
	return jwtLike.ReplaceAllString(s, redacted)
}

// scrubBody reads JSON before it looks for secrets, so that no escaping hides one.
func scrubBody(body []byte, secrets ...Secret) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return scrub(string(body), secrets...)
	}
	b, _ := json.Marshal(eachString(v, func(s string) string { return scrub(s, secrets...) }))
	return scrub(string(b), secrets...)
}

// shape shows what an answer looked like without any value in it, since one of
// them may be a token under another name.
func shape(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return fmt.Sprintf("%d bytes that are not JSON", len(body))
	}
	b, _ := json.Marshal(eachString(v, func(string) string { return redacted }))
	return start(string(b), errorBodyCap)
}

func start(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// eachString changes every string in v, and every name of a member that is too
// long or too odd to be one.
func eachString(v any, change func(string) string) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if len(k) > 40 || !printable(k, true) {
				k = redacted
			}
			out[k] = eachString(e, change)
		}
		return out
	case []any:
		for i := range v {
			v[i] = eachString(v[i], change)
		}
		return v
	}
	return v
}

// number takes a JSON number, also one in quotes.
type number struct{ json.Number }

func (n *number) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		return errors.New("not a number")
	}
	n.Number = json.Number(s)
	return nil
}

// text takes a JSON string or number as text, and nothing of anything else.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var v any
	_ = json.Unmarshal(b, &v)
	switch v := v.(type) {
	case string:
		*t = text(v)
	case float64:
		*t = text(strconv.FormatFloat(v, 'f', -1, 64))
	}
	return nil
}
