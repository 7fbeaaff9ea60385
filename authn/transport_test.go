package authn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// refusing answers 401 with body until a token other than those it refuses comes,
// and echoes what it accepted.
type refusing struct {
	mu      sync.Mutex
	refuse  func(token string) bool
	status  int
	body    string
	bodies  []string
	closed  int
	seen    []string
	answers []*closeCounter
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		r.bodies = append(r.bodies, string(b))
	}
	tok := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	r.seen = append(r.seen, tok)
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: req}
	body := &closeCounter{Reader: strings.NewReader("fine")}
	if r.refuse(tok) {
		resp.StatusCode = r.status
		body = &closeCounter{Reader: strings.NewReader(r.body)}
	}
	r.answers = append(r.answers, body)
	resp.Body = body
	return resp, nil
}

func TestTransportRenewsOnceAndSendsOnceMore(t *testing.T) {
	kunaExpired := documented(t, "kuna", "anyPrivate.response.4xx.jwt-expired.json")
	payExpired := documented(t, "cryptopay", "anyOperation.response.401.INVALID_TOKEN.json")
	first := func(tok string) bool { return tok == "access-1" }
	every := func(string) bool { return true }
	for _, c := range []struct {
		name       string
		refuse     func(string) bool
		status     int
		body       string
		expired    func(*http.Response, []byte) bool
		static     bool
		unplayable bool
		want       int
		sends      int
		exchanges  int
	}{
		{name: "401 once", refuse: first, status: 401, want: 200, sends: 2, exchanges: 2},
		{name: "401 twice goes to the caller", refuse: every, status: 401, want: 401, sends: 2, exchanges: 2},
		{name: "403 is not about the token", refuse: every, status: 403, want: 403, sends: 1, exchanges: 1},
		{name: "500 is not about the token", refuse: every, status: 500, want: 500, sends: 1, exchanges: 1},
		{name: "static key", refuse: every, status: 401, static: true, want: 401, sends: 1},
		{name: "body that cannot be read again", refuse: every, status: 401, unplayable: true, want: 401, sends: 1, exchanges: 1},
		{name: "kuna UNAUTHORIZED under 401", refuse: first, status: 401, body: kunaExpired, expired: authn.KunaExpired, want: 200, sends: 2, exchanges: 2},
		{name: "kuna UNAUTHORIZED under 400", refuse: first, status: 400, body: kunaExpired, expired: authn.KunaExpired, want: 200, sends: 2, exchanges: 2},
		{name: "kuna another code", refuse: first, status: 401, body: `{"errors":[{"code":"NO_RIGHTS","message":"x"}]}`, expired: authn.KunaExpired, want: 401, sends: 1, exchanges: 1},
		{name: "kuna 401 that says nothing", refuse: first, status: 401, expired: authn.KunaExpired, want: 200, sends: 2, exchanges: 2},
		{name: "kuna 404 that says nothing", refuse: first, status: 404, expired: authn.KunaExpired, want: 404, sends: 1, exchanges: 1},
		{name: "cryptopay INVALID_TOKEN", refuse: first, status: 401, body: payExpired, expired: authn.CryptoPayExpired, want: 200, sends: 2, exchanges: 2},
		{name: "cryptopay INSUFFICIENT_PERMISSIONS", refuse: first, status: 403, body: `{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"m"}}`, expired: authn.CryptoPayExpired, want: 403, sends: 1, exchanges: 1},
		{name: "cryptopay INSUFFICIENT_PERMISSIONS under 401", refuse: first, status: 401, body: `{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"m"}}`, expired: authn.CryptoPayExpired, want: 401, sends: 1, exchanges: 1},
		{name: "crypterium invalid_token", refuse: first, status: 401, body: `{"error":"invalid_token","errorId":0}`, expired: authn.CrypteriumExpired, want: 200, sends: 2, exchanges: 2},
		{name: "ecartpay", refuse: first, status: 401, body: `{"message":"Unauthorized"}`, expired: authn.EcartPayExpired, want: 200, sends: 2, exchanges: 2},
		{name: "a long 401 body", refuse: every, status: 401, body: strings.Repeat("long ", 40_000), expired: authn.KunaExpired, want: 401, sends: 2, exchanges: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := &issuer{life: time.Hour}
			var src authn.Source = newSession(t, i.flow())
			if c.static {
				src = authn.Static("access-1")
			}
			base := &refusing{refuse: c.refuse, status: c.status, body: c.body}
			ed := authn.Bearer(src)
			rt := &authn.Transport{Base: base, Source: src, Edit: ed, Expired: c.expired}
			var body io.Reader = bytes.NewReader([]byte(`{"amount":"1"}`))
			if c.unplayable {
				body = io.MultiReader(body)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/x", body)
			require.NoError(t, err)
			require.NoError(t, ed(t.Context(), req))
			before := req.Header.Clone()
			resp, err := rt.RoundTrip(req)
			require.NoError(t, err)
			require.Equal(t, c.want, resp.StatusCode)
			got, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			if c.want == 200 {
				require.Equal(t, "fine", string(got))
			} else {
				require.Equal(t, c.body, string(got), "the caller must get the whole body")
			}
			require.NoError(t, resp.Body.Close())
			require.Len(t, base.seen, c.sends)
			for _, b := range base.bodies {
				require.Equal(t, `{"amount":"1"}`, b)
			}
			for n, a := range base.answers {
				require.Equal(t, 1, a.closed, "answer %d was closed", n)
			}
			require.Equal(t, before, req.Header, "the caller's request was changed")
			logins, refreshes, _ := i.counts()
			require.Equal(t, c.exchanges, logins+refreshes)
		})
	}
}

func TestUnreplayableRequestStillDropsTheToken(t *testing.T) {
	i := &issuer{life: time.Hour}
	s := newSession(t, i.flow())
	base := &refusing{refuse: func(tok string) bool { return tok == "access-1" }, status: 401}
	c := &http.Client{Transport: &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Always: true}}
	for _, want := range []int{401, 200} {
		resp, err := c.Post("https://api.example.com/x", "text/plain", io.MultiReader(strings.NewReader("x")))
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, want, resp.StatusCode)
	}
}

func TestTransportWithoutTokenOnTheRequest(t *testing.T) {
	i := &issuer{life: time.Hour}
	s := newSession(t, i.flow())
	base := &refusing{refuse: func(tok string) bool { return tok == "" }, status: 401}
	get := func(always bool) *http.Response {
		rt := &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Always: always}
		resp, err := rt.RoundTrip(httptest.NewRequest(http.MethodGet, "https://api.example.com/x", nil))
		require.NoError(t, err)
		return resp
	}
	require.Equal(t, 401, get(false).StatusCode, "a login call goes without")
	logins, _, _ := i.counts()
	require.Zero(t, logins)
	require.Equal(t, 200, get(true).StatusCode)

	rt := &authn.Transport{Base: base, Always: true}
	_, err := rt.RoundTrip(httptest.NewRequest(http.MethodGet, "https://api.example.com/x", nil))
	require.ErrorContains(t, err, "Always needs Edit")
}

func TestTransportWhenRenewalFails(t *testing.T) {
	i := &issuer{life: time.Hour, noRefresh: true}
	s := newSession(t, i.flow())
	mustToken(t, s)
	i.set(func() {
		i.onLogin = func() error { return &authn.Error{Provider: "acme", Op: "login", Kind: authn.ErrRejected} }
	})
	base := &refusing{refuse: func(string) bool { return true }, status: 401, body: "no"}
	rt := &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Always: true}
	body := &closeCounter{Reader: strings.NewReader("x")}
	req := httptest.NewRequest(http.MethodPost, "https://api.example.com/x", nil)
	req.Body, req.GetBody = body, func() (io.ReadCloser, error) { return body, nil }
	_, err := rt.RoundTrip(req)
	require.ErrorIs(t, err, authn.ErrRejected)
	require.Equal(t, 1, base.answers[0].closed)
	require.Equal(t, 2, body.closed, "both the body and its copy")

	req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	req.Header.Set("Authorization", "Bearer late")
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, 401, resp.StatusCode)
}

func TestHundredCallersMeetOneExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 100 * time.Millisecond}
		s := newSession(t, i.flow())
		mustToken(t, s)
		base := &refusing{refuse: func(tok string) bool { return tok == "access-1" }, status: 401}
		c := &http.Client{Transport: &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Always: true}}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				resp, err := c.Post("https://api.example.com/x", "text/plain", strings.NewReader("x"))
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("err %v", err)
					return
				}
				_ = resp.Body.Close()
			})
		}
		wg.Wait()
		logins, refreshes, _ := i.counts()
		require.Equal(t, 2, logins+refreshes)
	})
}

// leaks records every byte that goes to another place than origin.
type leaks struct {
	origin   string
	redirect int
	to       string
	mu       sync.Mutex
	away     []string
	calls    int
}

func (l *leaks) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		body = string(b)
	}
	if req.URL.Scheme+"://"+req.URL.Host != l.origin {
		l.away = append(l.away, fmt.Sprint(req.URL, req.Header, body))
	}
	return &http.Response{
		StatusCode: l.redirect, Request: req, Body: http.NoBody,
		Header: http.Header{"Location": {l.to}},
	}, nil
}

func TestNoCredentialLeavesTheOrigin(t *testing.T) {
	const origin = "https://api.example.com"
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, to := range map[string]string{
			"another host": "https://evil.example/x",
			"a subdomain":  "https://sub.api.example.com/x",
			"another port": "https://api.example.com:8443/x",
			"plain http":   "http://api.example.com/x",
		} {
			check := func(t *testing.T, l *leaks) {
				for _, sent := range l.away {
					require.NotContains(t, sent, "canary")
				}
				require.Empty(t, l.away, "requests that left")
				require.Positive(t, l.calls)
			}
			for _, p := range flows {
				t.Run(fmt.Sprintf("%d to %s/token call of %s", status, name, p.name), func(t *testing.T) {
					l := &leaks{origin: origin, redirect: status, to: to}
					mine := &http.Client{Transport: l}
					s, err := p.session(authn.Config{BaseURL: origin, HTTP: mine})
					require.NoError(t, err)
					_, err = s.Token(t.Context())
					var e *authn.Error
					require.ErrorAs(t, err, &e)
					require.Equal(t, status, e.Status)
					require.Nil(t, mine.CheckRedirect, "the caller's client was changed")
					check(t, l)
				})
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				base, err := authn.ParseBaseURL(origin)
				require.NoError(t, err)
				for layer, client := range map[string]func(*leaks) *http.Client{
					"by Transport": func(l *leaks) *http.Client { return &http.Client{Transport: &authn.Transport{Base: l, Origin: base}} },
					"by CheckRedirect": func(l *leaks) *http.Client {
						return &http.Client{Transport: l, CheckRedirect: authn.CheckRedirect(base)}
					},
				} {
					t.Run(fmt.Sprintf("%d to %s/%s call, stopped %s", status, name, method, layer), func(t *testing.T) {
						l := &leaks{origin: origin, redirect: status, to: to}
						req, err := http.NewRequestWithContext(t.Context(), method, origin+"/x", strings.NewReader("canary-body"))
						require.NoError(t, err)
						require.NoError(t, authn.KunaAPIKey{Key: "canary-key"}.Editor()(t.Context(), req))
						require.NoError(t, authn.Bearer(authn.Static("canary-token"))(t.Context(), req))
						resp, err := client(l).Do(req)
						if layer == "by Transport" {
							require.ErrorIs(t, err, authn.ErrOrigin)
						} else {
							require.NoError(t, err)
							require.Equal(t, status, resp.StatusCode)
						}
						check(t, l)
					})
				}
			}
		}
	}
}

func TestCheckRedirectFollowsReadsAtHome(t *testing.T) {
	hops := 0
	base, err := authn.ParseBaseURL("https://api.example.com")
	require.NoError(t, err)
	c := &http.Client{CheckRedirect: authn.CheckRedirect(base), Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops++
		if r.URL.Path != "/end" && r.URL.Path != "/loop" {
			http.Redirect(w, r, "https://API.example.com:443/end", http.StatusFound)
		}
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})}}
	for _, want := range []struct {
		method, path string
		status, hops int
	}{
		{http.MethodGet, "/start", 200, 2},
		{http.MethodPost, "/start", 302, 1},
		{http.MethodGet, "/loop", 302, 11},
	} {
		hops = 0
		req, err := http.NewRequestWithContext(t.Context(), want.method, "https://api.example.com"+want.path, nil)
		require.NoError(t, err)
		resp, err := c.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, want.status, resp.StatusCode)
		require.Equal(t, want.hops, hops)
	}
}

func TestParseBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.example.com":                "https://api.example.com",
		"https://api.example.com/v2/":            "https://api.example.com/v2",
		"http://127.0.0.1:8080":                  "http://127.0.0.1:8080",
		"http://[::1]:8080/x":                    "http://[::1]:8080/x",
		"http://localhost:1":                     "http://localhost:1",
		"":                                       "",
		"api.example.com":                        "",
		"http://api.example.com":                 "",
		"http://localhost.evil.example":          "",
		"http://127.0.0.1.evil.example":          "",
		"http://0.0.0.0":                         "",
		"http://10.0.0.1":                        "",
		"ftp://localhost":                        "",
		"https://user:canary@api.example.com":    "",
		"https://canary:%zz@api.example.com":     "",
		"https://api.example.com?a=b":            "",
		"https://api.example.com/?":              "",
		"https://api.example.com#x":              "",
		"https://api.example.com/#":              "",
		"https://":                               "",
		"https://:443":                           "",
		"https:api.example.com":                  "",
		"https://api.example.com\r\nHost: other": "",
	} {
		got, err := authn.ParseBaseURL(in)
		if want == "" {
			require.Error(t, err, "%q", in)
			require.NotContains(t, err.Error(), "canary")
			continue
		}
		require.NoError(t, err, "%q", in)
		require.Equal(t, want, got.String())
	}
}

func TestEditorsAreBoundToTheirOrigin(t *testing.T) {
	i := &issuer{life: time.Hour}
	s := newSession(t, i.flow(), authn.WithOrigin("https://api.example.com/v2"))
	base, err := authn.ParseBaseURL("https://api.example.com/v2")
	require.NoError(t, err)
	for name, ed := range map[string]authn.Editor{
		"of a session":  authn.Bearer(s),
		"made by Bind":  authn.Bind(base, authn.Bearer(authn.Static("canary"))),
		"bare":          authn.Raw(s),
		"other header":  authn.Header("x-token", s),
		"with any word": authn.Prefixed("Token", s),
	} {
		for url, ok := range map[string]bool{
			"https://api.example.com/":            true,
			"https://api.example.com:443/v2/x":    true,
			"https://API.EXAMPLE.com/v2":          true,
			"http://api.example.com/v2":           false,
			"https://api.example.com:444/v2":      false,
			"https://example.com/v2":              false,
			"https://x.api.example.com/v2":        false,
			"https://api.example.com.evil.net/v2": false,
		} {
			req := httptest.NewRequest(http.MethodGet, url, nil)
			err := ed(t.Context(), req)
			if ok {
				require.NoError(t, err, "%s: %s", name, url)
				require.NotEmpty(t, req.Header)
			} else {
				require.ErrorIs(t, err, authn.ErrOrigin, "%s: %s", name, url)
				require.Empty(t, req.Header)
			}
		}
	}
}

func TestBindToNothing(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "https://x/", nil)
	require.ErrorIs(t, authn.Bind(nil, authn.Bearer(authn.Static("a")))(t.Context(), req), authn.ErrOrigin)
	base, err := authn.ParseBaseURL("https://x")
	require.NoError(t, err)
	require.ErrorIs(t, authn.Bind(base, authn.Bearer(authn.Static("a")))(t.Context(), &http.Request{}), authn.ErrOrigin)
}

func TestEditorsRefuse(t *testing.T) {
	for _, tok := range []authn.Secret{"", "q z", "a\nb", "a\r\nX: y", "a\x00b", "ключ", "a\tb", "\x7f"} {
		for name, ed := range map[string]authn.Editor{
			"Bearer":   authn.Bearer(authn.Static(tok)),
			"Raw":      authn.Raw(authn.Static(tok)),
			"Prefixed": authn.Prefixed("Token", authn.Static(tok)),
			"Header":   authn.Header("Api-key", authn.Static(tok)),
		} {
			req := httptest.NewRequest(http.MethodGet, "https://x/", nil)
			err := ed(t.Context(), req)
			require.ErrorIs(t, err, authn.ErrNoToken, "%s %q", name, tok.Reveal())
			require.Empty(t, req.Header)
			if tok != "" {
				require.NotContains(t, err.Error(), tok.Reveal())
			}
		}
	}
	require.ErrorIs(t, authn.Bearer(nil)(t.Context(), httptest.NewRequest(http.MethodGet, "https://x/", nil)), authn.ErrNoToken)
	require.Error(t, authn.UserAgent("")(t.Context(), httptest.NewRequest(http.MethodGet, "https://x/", nil)))
	require.Error(t, authn.UserAgent("a\nb")(t.Context(), httptest.NewRequest(http.MethodGet, "https://x/", nil)))
	req := &http.Request{}
	require.NoError(t, authn.UserAgent("Mozilla/5.0 (X11)")(context.Background(), req))
	require.Equal(t, "Mozilla/5.0 (X11)", req.Header.Get("User-Agent"))
}
