package authn_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

func FuzzJWTLife(f *testing.F) {
	for _, s := range []string{
		ecartPaySample, kunaSampleAccess, "", "..", "a.b.c", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...",
		jwtWith(f, `{"iat":1,"exp":1e308}`), jwtWith(f, `{"iat":-1e308,"exp":9999999999999}`), jwtWith(f, `{"exp":null,"iat":[]}`),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		life, ok := authn.JWTLife(token)
		if ok != (life > 0) {
			t.Errorf("JWTLife(%q) = %v, %t", token, life, ok)
		}
		if life > 1_000_000_000*time.Second {
			t.Errorf("JWTLife(%q) = %v, longer than any token lives", token, life)
		}
	})
}

// A token answer of any bytes gives a token that a header can carry, with a life,
// or a typed error; never both, never neither.
func fuzzAnswer(f *testing.F, provider string) {
	files, _ := filepath.Glob(filepath.Join("..", "specs", provider, "fixtures", "*oken*.json"))
	more, _ := filepath.Glob(filepath.Join("..", "specs", provider, "fixtures", "*login*.json"))
	for _, file := range append(files, more...) {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b, 200)
		}
	}
	f.Add([]byte(`{"access":"a","refresh":"r","access_token":"a","expires_in":"12","token":"t","data":{"accessToken":"a","expiresIn":1e400}}`), 201)
	f.Add([]byte(`{"errors":[{"code":1,"message":{"message":2}}],"error":{"code":[]},"retry_after":1e300,"errorId":273}`), 429)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 100 || status > 999 {
			status = 200
		}
		h := func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: req}, nil
		}
		for _, p := range flows {
			if p.name != provider {
				continue
			}
			s, err := p.session(authn.Config{BaseURL: "https://api.example.com", HTTP: &http.Client{Transport: roundTrip(h)}})
			if err != nil {
				t.Fatal(err)
			}
			tok, err := s.Token(t.Context())
			var e *authn.Error
			switch {
			case err == nil && (tok.Access == "" || tok.Expiry.IsZero() || status < 200 || status > 299):
				t.Errorf("status %d, body %q: a token with %d bytes, expiry %v", status, body, len(tok.Access), tok.Expiry)
			case err != nil && tok != authn.Token{}:
				t.Errorf("body %q: a token and an error", body)
			case err != nil && (!errors.As(err, &e) || e.Kind == nil || len(e.Body) > 2<<10 || e.RetryAfter < 0):
				t.Errorf("body %q: error %v", body, err)
			case err == nil:
				if err := p.editor(s)(t.Context(), httptest.NewRequest(http.MethodGet, "https://api.example.com/", nil)); err != nil {
					t.Errorf("body %q: a token that no header can carry: %v", body, err)
				}
			}
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func FuzzCryptoPayAnswer(f *testing.F)  { fuzzAnswer(f, "cryptopay") }
func FuzzCrypteriumAnswer(f *testing.F) { fuzzAnswer(f, "crypterium") }
func FuzzEcartPayAnswer(f *testing.F)   { fuzzAnswer(f, "ecartpay") }
func FuzzKunaAnswer(f *testing.F)       { fuzzAnswer(f, "kuna") }

func FuzzHeaderValue(f *testing.F) {
	for _, s := range []string{"", "a", "a\r\nX-Admin: 1", "a b", "\x00", "é", strings.Repeat("a", 9000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, ed := range []authn.Editor{
			authn.Bearer(authn.Static(authn.Secret(token))), authn.Raw(authn.Static(authn.Secret(token))),
			authn.Header("Api-key", authn.Static(authn.Secret(token))),
		} {
			req := httptest.NewRequest(http.MethodGet, "https://api.example.com/", nil)
			err := ed(t.Context(), req)
			if (err == nil) != (len(req.Header) == 1) {
				t.Fatalf("token %q: err %v, headers %v", token, err, req.Header)
			}
			var wire strings.Builder
			if werr := req.Header.Write(&wire); werr != nil || strings.Count(wire.String(), "\n") != len(req.Header) {
				t.Errorf("token %q went out as %q", token, wire.String())
			}
			if err == nil && !strings.Contains(wire.String(), token+"\r\n") {
				t.Errorf("token %q was changed on the way: %q", token, wire.String())
			}
			if err != nil && len(token) > 12 && strings.Contains(err.Error(), token) {
				t.Errorf("the error quotes the token %q", token)
			}
		}
	})
}

func FuzzStoredRecord(f *testing.F) {
	f.Add(authn.Record{Version: 1, Access: "a", Refresh: "r", Life: time.Hour, Taken: true}.Encode())
	f.Add([]byte(`{"version":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := authn.DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := authn.DecodeRecord(rec.Encode())
		if err != nil || again != rec {
			t.Errorf("record %q does not survive: %v", b, err)
		}
	})
}
