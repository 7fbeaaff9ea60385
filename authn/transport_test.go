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
	piece   int // how much one Read gives; 0: all
	bodies  []string
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
		if r.piece > 0 {
			rest := body.Reader
			body.Reader = readFunc(func(p []byte) (int, error) { return rest.Read(p[:min(len(p), r.piece)]) })
		}
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
	req.Header.Set("Authorization", "Bearer access-1")
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

// yes is a Renewer of a user's own that says yes to every token.
type yes struct {
	n       int
	dropped []authn.Secret
}

func (y *yes) Token(context.Context) (authn.Token, error) {
	return authn.Token{Access: authn.Secret(fmt.Sprintf("access-%d", y.n))}, nil
}

func (y *yes) Invalidate(_ context.Context, rejected authn.Token) bool {
	y.dropped = append(y.dropped, rejected.Access)
	y.n++
	return true
}

func TestOnlyOurOwnCredentialIsReplaced(t *testing.T) {
	type maker struct {
		ed   func(authn.Source) authn.Editor
		word string
	}
	bearer, bare := maker{authn.Bearer, "Bearer "}, maker{authn.Raw, ""}
	for _, c := range []struct {
		name   string
		maker  maker
		custom bool
		values []string
		sends  int
	}{
		{name: "own current token", maker: bearer, values: []string{"Bearer access-3"}, sends: 2},
		{name: "own current bare token", maker: bare, values: []string{"access-3"}, sends: 2},
		{name: "own token before", maker: bearer, values: []string{"Bearer access-2"}, sends: 2},
		{name: "own token long before", maker: bearer, values: []string{"Bearer access-1"}, sends: 2},
		{name: "own token in lower case", maker: bearer, values: []string{"bearer access-3"}, sends: 2},
		{name: "foreign bearer", maker: bearer, values: []string{"Bearer somebody-elses"}, sends: 1},
		{name: "foreign bare token", maker: bare, values: []string{"somebody-elses"}, sends: 1},
		{name: "Basic header of a token call", maker: bearer, values: []string{"Basic cHViOnBydg=="}, sends: 1},
		{name: "Basic header where ours is bare", maker: bare, values: []string{"Basic cHViOnBydg=="}, sends: 1},
		{name: "a word and nothing", maker: bearer, values: []string{"Basic "}, sends: 1},
		{name: "ours and a foreign one", maker: bearer, values: []string{"Bearer access-3", "Bearer somebody-elses"}, sends: 1},
		{name: "own token under another word", maker: bare, values: []string{"Bearer access-3"}, sends: 1},
		{name: "custom renewer, own token", maker: bearer, custom: true, values: []string{"Bearer access-0"}, sends: 2},
		{name: "custom renewer, Basic header", maker: bearer, custom: true, values: []string{"Basic cHViOnBydg=="}, sends: 1},
		{name: "custom renewer, Basic header where ours is bare", maker: bare, custom: true, values: []string{"Basic cHViOnBydg=="}, sends: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := &issuer{life: time.Hour}
			s := newSession(t, i.flow())
			var src authn.Source = s
			if c.custom {
				src = new(yes)
			} else {
				mustToken(t, s)
				for range 2 {
					require.True(t, s.Invalidate(t.Context(), mustToken(t, s)))
					mustToken(t, s)
				}
			}
			first := ""
			base := &refusing{status: 401, body: "no", refuse: func(tok string) bool {
				if first == "" {
					first = tok
				}
				return tok == first
			}}
			rt := &authn.Transport{Base: base, Source: src, Edit: c.maker.ed(src), Always: true}
			closes := 0
			req := httptest.NewRequest(http.MethodPost, "https://api.example.com/payouts", strings.NewReader("pay"))
			req.GetBody = func() (io.ReadCloser, error) {
				closes--
				return &onClose{strings.NewReader("pay"), func() { closes++ }}, nil
			}
			req.Header["Authorization"] = c.values
			resp, err := rt.RoundTrip(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Len(t, base.bodies, c.sends, "sends")
			require.Zero(t, closes, "a body was left open")
			if c.sends == 1 {
				require.Equal(t, 401, resp.StatusCode)
				require.Equal(t, "no", string(body))
				for _, tok := range base.seen {
					require.Equal(t, first, tok, "the write went out under our account")
				}
				return
			}
			require.Equal(t, 200, resp.StatusCode)
		})
	}
}

type onClose struct {
	io.Reader
	f func()
}

func (c *onClose) Close() error { c.f(); return nil }

func TestSessionWithoutTokenDoesNotAnswerForOthers(t *testing.T) {
	i := &issuer{life: time.Hour}
	s := newSession(t, i.flow())
	require.False(t, s.Invalidate(t.Context(), authn.Token{Access: "somebody-elses"}))
	require.False(t, s.Invalidate(t.Context(), authn.Token{}))
	logins, refreshes, _ := i.counts()
	require.Zero(t, logins+refreshes)
}

func TestTokensOfTheLastRenewalsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		s := newSession(t, i.flow())
		old := []authn.Token{mustToken(t, s)}
		for range 100 {
			time.Sleep(61 * time.Minute)
			old = append(old, mustToken(t, s))
		}
		for _, tok := range old[len(old)-9 : len(old)-1] {
			require.True(t, s.Invalidate(t.Context(), tok))
		}
		require.False(t, s.Invalidate(t.Context(), old[0]), "the memory has no bound")
		require.Equal(t, old[100], mustToken(t, s))
	})
}

// A payout was answered 401 with a token that is over; the token call for the
// next one is abandoned. The error must say that it was the token call.
func TestAbandonedTokenCallIsTold(t *testing.T) {
	why := errors.New("shutting down")
	for name, c := range map[string]struct {
		cancel func(context.Context) (context.Context, func())
		want   []error
	}{
		"cancelled": {func(ctx context.Context) (context.Context, func()) { return context.WithCancel(ctx) }, []error{context.Canceled}},
		"deadline": {func(ctx context.Context) (context.Context, func()) {
			ctx, stop := context.WithTimeout(ctx, 10*time.Millisecond)
			return ctx, func() { time.Sleep(time.Second); stop() }
		}, []error{context.DeadlineExceeded}},
		"with a cause": {func(ctx context.Context) (context.Context, func()) {
			ctx, stop := context.WithCancelCause(ctx)
			return ctx, func() { stop(why) }
		}, []error{context.Canceled, why}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{life: time.Hour}
				s := newSession(t, i.flow())
				mustToken(t, s)
				i.set(func() { i.takes = 5 * time.Second })
				base := &refusing{refuse: func(string) bool { return true }, status: 401}
				client := &http.Client{Transport: &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Always: true}}
				ctx, cancel := c.cancel(t.Context())
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example.com/payouts", strings.NewReader("pay"))
				require.NoError(t, err)
				failed := make(chan error)
				go func() {
					resp, err := client.Do(req)
					if err == nil {
						_ = resp.Body.Close()
					}
					failed <- err
				}()
				synctest.Wait()
				go cancel()
				err = <-failed
				var e *authn.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "acme", e.Provider)
				require.Equal(t, "wait", e.Op)
				require.ErrorIs(t, err, authn.ErrUnavailable)
				for _, want := range c.want {
					require.ErrorIs(t, err, want)
				}
				require.Len(t, base.bodies, 1)
			})
		})
	}
}

// Kuna shows no status for its errors, so an answer under 2xx may be one.
func TestKunaErrorUnderSuccess(t *testing.T) {
	expired := documented(t, "kuna", "anyPrivate.response.4xx.jwt-expired.json")
	for _, c := range []struct {
		name, body string
		off        bool
		status     int
		sends      int
	}{
		{name: "expired under 200", status: 200, body: expired, sends: 2},
		{name: "expired under 201, on one line", status: 201, body: `{"errors":[{"code":"UNAUTHORIZED","message":"jwt expired"}]}`, sends: 2},
		{name: "expired under 401", status: 401, body: expired, sends: 2},
		{name: "not asked for", off: true, status: 200, body: expired, sends: 1},
		{name: "another code", status: 200, body: `{"errors":[{"code":"NO_RIGHTS","message":"x"}]}`, sends: 1},
		{name: "an error beside data", status: 200, body: `{"errors":[{"code":"UNAUTHORIZED"}],"data":{"id":"1"}}`, sends: 1},
		{name: "an error beside no data", status: 200, body: `{"errors":[{"code":"UNAUTHORIZED"}],"data":null}`, sends: 2},
		{name: "no errors", status: 200, body: `{"errors":[],"data":{"id":"1"}}`, sends: 1},
		{name: "data", status: 200, body: `{"data":{"id":"1","errors":[{"code":"UNAUTHORIZED"}]}}`, sends: 1},
		{name: "a string that looks like it", status: 200, body: `"{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}"`, sends: 1},
		{name: "empty", status: 200, sends: 1},
		{name: "cut short", status: 200, body: `{"err`, sends: 1},
		{name: "white space and no end", status: 200, body: strings.Repeat(" \n", 5000), sends: 1},
		{name: "a long answer", status: 200, body: `{"data":"` + strings.Repeat("long ", 40_000) + `"}`, sends: 1},
		{name: "a long error", status: 200, body: `{"errors":[{"code":"UNAUTHORIZED","message":"` + strings.Repeat("long ", 40_000) + `"}]}`, sends: 1},
		{name: "500", status: 500, body: expired, sends: 1},
		{name: "304", status: 304, sends: 1},
	} {
		for _, piece := range []int{1 << 20, 1} { // how much one Read gives
			t.Run(fmt.Sprintf("%s by %d", c.name, piece), func(t *testing.T) {
				i := &issuer{life: time.Hour}
				s := newSession(t, i.flow())
				base := &refusing{refuse: func(tok string) bool { return tok == "access-1" }, status: c.status, body: c.body, piece: piece}
				rt := &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Expired: authn.KunaExpired, Always: true, ErrorPrefix: `{"errors"`}
				if c.off {
					rt.ErrorPrefix = ""
				}
				req := httptest.NewRequest(http.MethodPost, "https://api.example.com/x", nil)
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err)
				got, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Len(t, base.seen, c.sends)
				for n, a := range base.answers {
					require.Equal(t, 1, a.closed, "answer %d was closed", n)
				}
				if c.sends == 1 {
					require.Equal(t, c.body, string(got), "the caller must get the whole body")
				} else {
					require.Equal(t, "fine", string(got))
				}
			})
		}
	}
}

// Of a success no more is read than tells that it is one.
func TestSuccessIsNotReadAhead(t *testing.T) {
	s := newSession(t, (&issuer{life: time.Hour}).flow())
	read := 0
	body := &onClose{readFunc(func(p []byte) (int, error) {
		read++
		if read > 1 {
			return 0, errors.New("read ahead")
		}
		return copy(p, `{"data":`), nil
	}), func() {}}
	base := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: req}, nil
	})
	rt := &authn.Transport{Base: base, Source: s, Edit: authn.Bearer(s), Expired: authn.KunaExpired, Always: true, ErrorPrefix: `{"errors"`}
	resp, err := rt.RoundTrip(httptest.NewRequest(http.MethodPost, "https://api.example.com/x", nil))
	require.NoError(t, err)
	require.Equal(t, 1, read)
	got, err := io.ReadAll(resp.Body)
	require.EqualError(t, err, "read ahead", "the caller meets the error")
	require.Equal(t, `{"data":`, string(got))
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestEcartPayExpired(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   bool
	}{
		{401, ``, true},
		{401, `Unauthorized`, true},
		{401, `{"message":"Unauthorized"}`, true},
		{401, `{"message":"jwt expired","statusCode":401}`, true},
		{401, `{"message":"Unauthorized","code":401}`, true},
		{401, `{"message":"Unauthorized","code":null}`, true},
		{401, `{"message":"Insufficient funds","code":401}`, false},
		{401, `{"message":"Unauthorized","code":501}`, false},
		{401, `{"code":401}`, false},
		{401, `{"message":"Limit exceeded","code":402}`, false},
		{401, `{"message":"Card reported stolen","code":"302"}`, false},
		{401, `{"error":"Declined","code":501}`, false},
		{402, `{"message":"Unauthorized"}`, false},
		{400, `{"message":"Insufficient funds","code":401}`, false},
	} {
		require.Equal(t, c.want, authn.EcartPayExpired(&http.Response{StatusCode: c.status}, []byte(c.body)), "%d %s", c.status, c.body)
	}
}
