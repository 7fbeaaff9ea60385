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
type Transport struct {
	Base   http.RoundTripper // nil: [http.DefaultTransport]
	Source Source
	Edit   Editor // puts a token of Source on a request: Bearer(source)

	// Header is the header that Edit sets; empty: Authorization.
	Header string

	// Expired reports whether a new token would help. It is asked about each
	// answer from 400 to 499 with the first 64 KiB of the body. Nil: 401.
	Expired func(resp *http.Response, body []byte) bool

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
	if t.Always && t.used(req) == "" {
		if t.Edit == nil {
			return nil, refuse(req, errors.New("authn: Transport.Always needs Edit"))
		}
		req = req.Clone(ctx)
		if err := t.Edit(ctx, req); err != nil {
			return nil, refuse(req, err)
		}
	}
	resp, err := t.base().RoundTrip(req)
	if err != nil || resp.StatusCode < 400 || resp.StatusCode > 499 {
		return resp, err
	}
	renewer, ok := t.Source.(Renewer)
	used := t.used(req)
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
	discard(resp)
	return t.base().RoundTrip(again)
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// used is the token on the request: whatever follows the last space.
func (t *Transport) used(req *http.Request) Secret {
	name := t.Header
	if name == "" {
		name = "Authorization"
	}
	v := req.Header.Get(name)
	return Secret(v[strings.LastIndexByte(v, ' ')+1:])
}

// expired looks at the body and puts it back.
func (t *Transport) expired(resp *http.Response) bool {
	if t.Expired == nil {
		return resp.StatusCode == http.StatusUnauthorized
	}
	rest := resp.Body
	head, err := io.ReadAll(io.LimitReader(rest, peekCap))
	var tail io.Reader = rest
	if err != nil {
		tail = failing{err} // the caller meets the error where we met it
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), tail), rest}
	return t.Expired(resp, head)
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
