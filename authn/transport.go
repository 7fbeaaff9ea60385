package authn

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Transport gets a new token when an answer says that the old one is over, and
// sends the request once more. It is an [http.RoundTripper].
//
// It sends again only what was refused and can be repeated byte for byte: with a
// body that has no GetBody the caller gets the 401. A second 401 is the caller's.
// With a [Source] that is no [Renewer] it does nothing.
//
// A request with a credential of its own (another merchant's token, the Basic
// header of a token call) is never sent again with ours: the Renewer must know the
// token, and Edit must put the new one behind the same word.
type Transport struct {
	Base   http.RoundTripper // nil: [http.DefaultTransport]
	Source Source
	Edit   Editor // puts a token of Source on a request: Bearer(source)

	// Header is the header that Edit sets; empty: Authorization.
	Header string

	// Expired reports whether a new token would help. It is asked about each
	// answer from 400 to 499 with the first 64 KiB of the body. Nil: 401.
	Expired func(resp *http.Response, body []byte) bool

	// ErrorPrefix is for a provider that may report errors under 2xx: Expired is
	// then asked about 2xx answers that begin with it too, white space aside. Of
	// other ones no more is read than it takes to see that. [KunaExpired] wants
	// {"errors" here. Empty: a success is not looked at.
	ErrorPrefix string

	// Origin, if set, is the only scheme, host and port that requests may go to;
	// redirects to other places end in [ErrOrigin].
	Origin *url.URL

	// Always runs Edit on requests that carry no token yet. Leave it off where
	// editors have done that, since a login call must go without.
	Always bool
}

const peekCap = 64 << 10

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Origin != nil {
		if err := checkOrigin(t.Origin, req.URL); err != nil {
			return nil, refuse(req, err)
		}
	}
	ctx := req.Context()
	if t.Always && req.Header.Get(t.header()) == "" {
		if t.Edit == nil {
			return nil, refuse(req, errors.New("authn: Transport.Always needs Edit"))
		}
		req = req.Clone(ctx)
		if err := t.Edit(ctx, req); err != nil {
			return nil, refuse(req, err)
		}
	}
	resp, err := t.base().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	renewer, ok := t.Source.(Renewer)
	word, used := t.used(req)
	if !ok || used == "" || t.Edit == nil || !t.expired(resp) {
		return resp, nil
	}
	if !renewer.Invalidate(ctx, Token{Access: used}) || !rewindable(req) {
		return resp, nil
	}
	again := req.Clone(ctx)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the 401 says more than a body that cannot be read again
		}
	}
	if err := t.Edit(ctx, again); err != nil {
		discard(resp)
		return nil, refuse(again, err)
	}
	if now, _ := t.used(again); !strings.EqualFold(now, word) {
		return resp, refuse(again, nil)
	}
	discard(resp)
	return t.base().RoundTrip(again)
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

func (t *Transport) header() string {
	if t.Header != "" {
		return t.Header
	}
	return "Authorization"
}

// used is the token on the request, which is whatever follows the last space, and
// the word before it. Two values are nobody's token.
func (t *Transport) used(req *http.Request) (word string, token Secret) {
	values := req.Header.Values(t.header())
	if len(values) != 1 {
		return "", ""
	}
	v := values[0]
	at := strings.LastIndexByte(v, ' ') + 1
	return v[:at], Secret(v[at:])
}

// expired looks at the body and puts it back.
func (t *Transport) expired(resp *http.Response) bool {
	switch s := resp.StatusCode; {
	case t.Expired == nil:
		return s == http.StatusUnauthorized
	case s >= 400 && s <= 499:
	case s >= 200 && s <= 299 && t.ErrorPrefix != "" && beginsWith(resp, t.ErrorPrefix):
	default:
		return false
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, peekCap))
	putBack(resp, head, err)
	return t.Expired(resp, head)
}

// beginsWith reads until it knows, 512 bytes at most, and puts them back.
func beginsWith(resp *http.Response, prefix string) bool {
	head := make([]byte, 0, 512)
	for {
		n, err := resp.Body.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		found, more := matches(head, prefix)
		if !more || err != nil || len(head) == cap(head) {
			if err == io.EOF {
				err = nil // which the body says again
			}
			putBack(resp, head, err)
			return found
		}
	}
}

// matches reports whether head begins with prefix, white space aside, or may do so
// once there is more of it.
func matches(head []byte, prefix string) (found, more bool) {
	for _, c := range head {
		switch {
		case prefix == "":
			return true, false
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c != prefix[0]:
			return false, false
		default:
			prefix = prefix[1:]
		}
	}
	return prefix == "", prefix != ""
}

// putBack gives resp a body that begins with head. The caller meets err where we
// met it.
func putBack(resp *http.Response, head []byte, err error) {
	rest := resp.Body
	var tail io.Reader = rest
	if err != nil {
		tail = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), tail), rest}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func rewindable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// refuse closes the body, as a RoundTripper must even when it fails.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}

// discard reads a little of an answer that nobody will see, so that its
// connection can be used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, peekCap)
	_ = resp.Body.Close()
}
