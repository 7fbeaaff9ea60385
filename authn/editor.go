package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
)

// Editor puts credentials on a request. It is an alias, so it fits the
// RequestEditorFn of every generated client without conversion.
type Editor = func(ctx context.Context, req *http.Request) error

// Bearer sets "Authorization: Bearer <token>".
func Bearer(src Source) Editor { return credential("Authorization", "Bearer ", src) }

// Prefixed sets "Authorization: <word> <token>": CryptoCloud wants the word Token.
func Prefixed(word string, src Source) Editor {
	return credential("Authorization", word+" ", src)
}

// Raw sets "Authorization: <token>", without any word: Ecart Pay wants that.
func Raw(src Source) Editor { return credential("Authorization", "", src) }

// Header sets the named header to the bare token: Kuna's "Api-key".
func Header(name string, src Source) Editor {
	return credential(http.CanonicalHeaderKey(name), "", src)
}

// UserAgent sets the User-Agent header; Crypterium requires one on every call.
func UserAgent(agent string) Editor {
	return func(_ context.Context, req *http.Request) error {
		if agent == "" || !printable(agent, true) {
			return errors.New("authn: User-Agent is empty or has bytes that no header may carry")
		}
		header(req).Set("User-Agent", agent)
		return nil
	}
}

// Bind lets ed run only on requests for the scheme, host and port of origin; any
// other request gets [ErrOrigin] and no credential.
func Bind(origin *url.URL, ed Editor) Editor {
	return func(ctx context.Context, req *http.Request) error {
		if err := checkOrigin(origin, req.URL); err != nil {
			return err
		}
		return ed(ctx, req)
	}
}

// originer is a Source that knows where its tokens may go.
type originer interface{ Origin() *url.URL }

type headerValue struct {
	access Secret
	full   string
}

func credential(name, prefix string, src Source) Editor {
	var last atomic.Pointer[headerValue] // saves joining prefix and token on every request
	bound, _ := src.(originer)
	return func(ctx context.Context, req *http.Request) error {
		if src == nil {
			return fmt.Errorf("authn: no source for header %s: %w", name, ErrNoToken)
		}
		if bound != nil {
			if origin := bound.Origin(); origin != nil {
				if err := checkOrigin(origin, req.URL); err != nil {
					return err
				}
			}
		}
		tok, err := src.Token(ctx)
		if err != nil {
			return err
		}
		v := last.Load()
		if v == nil || v.access != tok.Access {
			if err := checkAccess(tok.Access); err != nil {
				return fmt.Errorf("authn: header %s: %w", name, err)
			}
			v = &headerValue{tok.Access, prefix + tok.Access.Reveal()}
			last.Store(v)
		}
		header(req).Set(name, v.full)
		return nil
	}
}

func header(req *http.Request) http.Header {
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	return req.Header
}

// checkAccess refuses what would break or smuggle a header. The text never holds the token.
func checkAccess(access Secret) error {
	if access == "" {
		return fmt.Errorf("token is empty: %w", ErrNoToken)
	}
	if !printable(access.Reveal(), false) {
		return fmt.Errorf("token has a space, a line break or a byte outside ASCII: %w", ErrNoToken)
	}
	return nil
}

func printable(s string, spaces bool) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || (c == ' ' && !spaces) {
			return false
		}
	}
	return true
}
