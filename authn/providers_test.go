package authn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// documented reads an answer as the provider's documentation prints it.
func documented(t testing.TB, provider, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "specs", provider, "fixtures", name))
	require.NoError(t, err)
	return string(b)
}

const (
	canaryPassword = "canary-p@ss/w0rd&<é>"
	canaryKey      = "canary-private-key"
)

// flows are the four providers that have a token call, made with canary secrets.
var flows = []struct {
	name    string
	answer  func(t testing.TB) string // a documented success
	token   string                    // that is in it
	session func(authn.Config) (*authn.Session, error)
	login   string // the call it makes
	editor  func(authn.Source) authn.Editor
	header  string
	expired func(*http.Response, []byte) bool
}{
	{
		name:   "cryptopay",
		answer: func(testing.TB) string { return `{"access":"new-access-token","refresh":"new-refresh-token"}` },
		token:  "new-access-token",
		session: func(cfg authn.Config) (*authn.Session, error) {
			return authn.CryptoPayLogin{Username: "ann", Password: canaryPassword}.Session(cfg)
		},
		login: "POST /api/auth/login", editor: authn.Bearer, header: "Bearer ", expired: authn.CryptoPayExpired,
	},
	{
		name:   "crypterium",
		answer: func(t testing.TB) string { return documented(t, "crypterium", "createMerchantToken.response.200.json") },
		token:  "fb3cee22-08a5-4f77-95e7-ba7c23aaf8af",
		session: func(cfg authn.Config) (*authn.Session, error) {
			return authn.CrypteriumMerchant{MerchantID: "780628fc-3926-470e-a22a-ac60bb42b040", Password: canaryPassword, UserAgent: "Mozilla/5.0 (Macintosh)"}.Session(cfg)
		},
		login: "POST /oauth/token", editor: authn.Bearer, header: "Bearer ", expired: authn.CrypteriumExpired,
	},
	{
		name: "ecartpay",
		answer: func(t testing.TB) string {
			return documented(t, "ecartpay", "createAuthorizationToken.response.200.json")
		},
		token: ecartPaySample,
		session: func(cfg authn.Config) (*authn.Session, error) {
			return authn.EcartPayKeys{PublicKey: "pub1", PrivateKey: canaryKey}.Session(cfg)
		},
		login: "POST /api/authorizations/token", editor: authn.Raw, header: "", expired: authn.EcartPayExpired,
	},
	{
		name:   "kuna",
		answer: func(t testing.TB) string { return documented(t, "kuna", "login.response.2xx.json") },
		token:  kunaSampleAccess,
		session: func(cfg authn.Config) (*authn.Session, error) {
			return authn.KunaLogin{Email: "a@b.example", Password: canaryPassword, MerchantID: "b34555b7"}.Session(cfg)
		},
		login: "POST /v2/auth/login", editor: authn.Bearer, header: "Bearer ", expired: authn.KunaExpired,
	},
}

var kunaSampleAccess = func() string {
	b, err := os.ReadFile("../specs/kuna/fixtures/login.response.2xx.json")
	if err != nil {
		return ""
	}
	var v struct {
		Data struct{ AccessToken string }
	}
	_ = json.Unmarshal(b, &v)
	return v.Data.AccessToken
}()

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func config(h http.Handler) authn.Config {
	return authn.Config{BaseURL: "https://api.example.com", HTTP: &http.Client{Transport: inProcess{h}}}
}

func TestDocumentedAnswersBecomeTokens(t *testing.T) {
	for _, p := range flows {
		t.Run(p.name, func(t *testing.T) {
			var got string
			answer := p.answer(t)
			s, err := p.session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Method + " " + r.URL.Path
				require.Equal(t, "application/json", r.Header.Get("Accept"))
				answering(201, answer)(w, r) // any 2xx: the documentation names none for some
			})))
			require.NoError(t, err)
			require.Equal(t, p.token, mustToken(t, s).Access.Reveal())
			require.Equal(t, p.login, got)
			req := httptest.NewRequest(http.MethodGet, "https://api.example.com/x", nil)
			require.NoError(t, p.editor(s)(t.Context(), req))
			require.Equal(t, p.header+p.token, req.Header.Get("Authorization"))
		})
	}
}

func TestRequestsAreAsDocumented(t *testing.T) {
	t.Run("cryptopay", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var seen []string
			s, err := authn.CryptoPayLogin{Username: "your-username", Password: "your-password"}.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(b))
				answering(200, `{"access":"new-access-token","refresh":"new-refresh-token"}`)(w, r)
			})))
			require.NoError(t, err)
			tok := mustToken(t, s)
			require.Equal(t, 24*time.Hour, time.Until(tok.Expiry), "documented life")
			time.Sleep(25 * time.Hour)
			mustToken(t, s)
			require.Equal(t, []string{
				`POST /api/auth/login application/json {"username":"your-username","password":"your-password"}`,
				`POST /api/auth/token/refresh/ application/json {"refresh":"new-refresh-token"}`,
			}, seen)
		})
	})
	t.Run("kuna", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var seen []string
			answer := documented(t, "kuna", "login.response.2xx.json")
			s, err := authn.KunaLogin{Email: "YOUR_EMAIL", Password: "YOUR_PASSWORD", MerchantID: "m-1"}.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				//lint:ignore SA1008 the name goes out as documented
				require.Equal(t, []string{"m-1"}, r.Header["merchant_id"], "as documented, not canonicalised")
				require.Empty(t, r.Header.Get("Authorization"))
				seen = append(seen, r.Method+" "+r.URL.Path+" "+string(b))
				answering(201, answer)(w, r)
			})))
			require.NoError(t, err)
			tok := mustToken(t, s)
			require.Equal(t, 30*time.Minute, time.Until(tok.Expiry), "exp − iat, though the sample is from 2024")
			time.Sleep(31 * time.Minute)
			mustToken(t, s)
			var want struct{ RefreshToken string }
			require.NoError(t, json.Unmarshal([]byte(documented(t, "kuna", "refreshToken.request.json")), &want))
			require.Equal(t, []string{
				`POST /v2/auth/login {"token":"YOUR_EMAIL","password":"YOUR_PASSWORD"}`,
				`POST /v2/auth/refresh {"refreshToken":"` + want.RefreshToken + `"}`,
			}, seen)
		})
	})
	t.Run("ecartpay", func(t *testing.T) {
		s, err := authn.EcartPayKeys{PublicKey: "pub1", PrivateKey: "prv:1"}.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, ok := r.BasicAuth()
			require.True(t, ok)
			require.Equal(t, "pub1 prv:1", user+" "+password)
			b, _ := io.ReadAll(r.Body)
			require.Empty(t, b, "no body is documented")
			require.Empty(t, r.Header.Get("Content-Type"))
			answering(200, `{"token":"`+ecartPaySample+`"}`)(w, r)
		})))
		require.NoError(t, err)
		mustToken(t, s)
	})
	for _, urlEncoded := range []bool{false, true} {
		t.Run(fmt.Sprintf("crypterium, urlencoded %t", urlEncoded), func(t *testing.T) {
			m := authn.CrypteriumMerchant{MerchantID: "780628fc-3926-470e-a22a-ac60bb42b040", Password: "123456&=", UserAgent: "Mozilla/5.0 (Macintosh)", URLEncoded: urlEncoded}
			s, err := m.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=", r.Header.Get("Authorization"))
				require.Equal(t, "Mozilla/5.0 (Macintosh)", r.Header.Get("User-Agent"))
				want := "multipart/form-data; boundary="
				if urlEncoded {
					want = "application/x-www-form-urlencoded"
				}
				require.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), want), r.Header.Get("Content-Type"))
				_ = r.ParseMultipartForm(1 << 20) // parses the other kind too, and then complains
				require.Equal(t, "merchant", r.PostForm.Get("grant_type"))
				require.Equal(t, m.MerchantID, r.PostForm.Get("merchantId"))
				require.Equal(t, m.Password.Reveal(), r.PostForm.Get("password"))
				require.Len(t, r.PostForm, 3)
				answering(200, documented(t, "crypterium", "createMerchantToken.response.200.json"))(w, r)
			})))
			require.NoError(t, err)
			tok := mustToken(t, s)
			require.InDelta(t, 24340862, time.Until(tok.Expiry).Seconds(), 5, "what is left, not a year")
		})
	}
}

func TestEmptyCredentialsNameTheField(t *testing.T) {
	merchant := authn.CrypteriumMerchant{MerchantID: "m", Password: "p", UserAgent: "u"}
	with := func(change func(*authn.CrypteriumMerchant)) authn.CrypteriumMerchant {
		m := merchant
		change(&m)
		return m
	}
	for _, c := range []struct {
		creds interface{ Validate() error }
		want  string
	}{
		{authn.CryptoCloudKey{}, "cryptocloud: Key.APIKey is empty"},
		{authn.CryptoCloudKey{APIKey: "k\n"}, "cryptocloud: Key.APIKey has a line break"},
		{authn.CryptoCloudKey{APIKey: "k", WithdrawalKey: "w\r"}, "cryptocloud: Key.WithdrawalKey has a line break"},
		{authn.CryptoPayLogin{Password: "p"}, "cryptopay: Login.Username is empty"},
		{authn.CryptoPayLogin{Username: "u"}, "cryptopay: Login.Password is empty"},
		{authn.CryptoPayKey{}, "cryptopay: Key.APIKey is empty"},
		{with(func(m *authn.CrypteriumMerchant) { m.MerchantID = "" }), "crypterium: Merchant.MerchantID is empty"},
		{with(func(m *authn.CrypteriumMerchant) { m.Password = "" }), "crypterium: Merchant.Password is empty"},
		{with(func(m *authn.CrypteriumMerchant) { m.UserAgent = "" }), "crypterium: Merchant.UserAgent is empty"},
		{with(func(m *authn.CrypteriumMerchant) { m.UserAgent = "ü" }), "crypterium: Merchant.UserAgent has bytes"},
		{authn.EcartPayKeys{PrivateKey: "p"}, "ecartpay: Keys.PublicKey is empty"},
		{authn.EcartPayKeys{PublicKey: "p"}, "ecartpay: Keys.PrivateKey is empty"},
		{authn.EcartPayKeys{PublicKey: "p:q", PrivateKey: "p"}, "ecartpay: Keys.PublicKey has a colon"},
		{authn.KunaLogin{Password: "p", MerchantID: "m"}, "kuna: Login.Email is empty"},
		{authn.KunaLogin{Email: "e", MerchantID: "m"}, "kuna: Login.Password is empty"},
		{authn.KunaLogin{Email: "e", Password: "p"}, "kuna: Login.MerchantID is empty"},
		{authn.KunaAPIKey{}, "kuna: APIKey.Key is empty"},
	} {
		err := c.creds.Validate()
		require.ErrorContains(t, err, c.want)
		if maker, ok := c.creds.(interface {
			Session(authn.Config) (*authn.Session, error)
		}); ok {
			_, err := maker.Session(authn.Config{BaseURL: "https://api.example.com"})
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestBadAnswersAreTypedErrors(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for _, p := range flows {
		secret := canaryPassword
		if p.name == "ecartpay" {
			secret = canaryKey
		}
		quoted, _ := json.Marshal(secret)
		for _, c := range []struct {
			name, body string
			status     int
			kind       error
		}{
			{"empty 200", "", 200, authn.ErrNoToken},
			{"204", "", 204, authn.ErrNoToken},
			{"HTML under 200", "<html>down for maintenance</html>", 200, authn.ErrNoToken},
			{"an error envelope under 200", `{"errors":[{"code":"E1","message":"no"}],"error":{"code":"E1","message":"no"},"message":"no"}`, 200, authn.ErrNoToken},
			{"null", "null", 200, authn.ErrNoToken},
			{"an array", "[]", 200, authn.ErrNoToken},
			{"an empty token", `{"access":"","refresh":"","access_token":"","expires_in":5,"token":"","data":{"accessToken":""}}`, 200, authn.ErrNoToken},
			{"a token of another type", `{"access":1,"access_token":{},"token":[],"data":"x"}`, 200, authn.ErrNoToken},
			{"a token with a line break", `{"access":"a\r\nb","access_token":"a\r\nb","expires_in":5,"token":"a\r\nb","data":{"accessToken":"a\r\nb"}}`, 200, authn.ErrNoToken},
			{"bytes after the JSON", p.answer(t) + "}", 200, authn.ErrNoToken},
			{"an endless answer", `{"x":"` + long + `"}`, 200, authn.ErrNoToken},
			{"an endless answer that begins well", p.answer(t) + strings.Repeat(" ", 70<<10), 200, authn.ErrNoToken},
			{"a password echoed in a 400", `{"message":` + string(quoted) + `,"error":{"message":` + string(quoted) + `}}`, 400, authn.ErrRejected},
			{"401", `{"errors":[{"code":"X","message":"wrong"}]}`, 401, authn.ErrRejected},
			{"403 HTML", "<html>", 403, authn.ErrRejected},
			{"404 of a gateway that comes back", "<html>not found</html>", 404, authn.ErrUnavailable},
			{"405", "", 405, authn.ErrUnavailable},
			{"410", "", 410, authn.ErrUnavailable},
			{"422", "", 422, authn.ErrUnavailable},
			{"429", "", 429, authn.ErrUnavailable},
			{"500", "", 500, authn.ErrUnavailable},
			{"502 HTML", "<html>bad gateway</html>", 502, authn.ErrUnavailable},
			{"302", "", 302, authn.ErrNoToken},
		} {
			t.Run(p.name+"/"+c.name, func(t *testing.T) {
				calls := 0
				s, err := p.session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls++
					w.Header().Set("Location", "https://api.example.com/elsewhere")
					answering(c.status, c.body)(w, r)
				})))
				require.NoError(t, err)
				tok, err := s.Token(t.Context())
				require.Equal(t, authn.Token{}, tok)
				require.ErrorIs(t, err, c.kind)
				var e *authn.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, p.name, e.Provider)
				if c.name != "a token with a line break" {
					require.Equal(t, c.status, e.Status)
					require.Equal(t, "login", e.Op)
				}
				require.LessOrEqual(t, len(e.Body), 2<<10)
				require.Equal(t, 1, calls)
				everything := fmt.Sprintf("%v %+v %#v %s %s", err, err, e, e.Body, e.Message)
				require.NotContains(t, everything, secret)
				require.NotContains(t, everything, strings.Trim(string(quoted), `"`))
			})
		}
	}
}

func TestErrorsSayWhatTheProviderSaid(t *testing.T) {
	for _, c := range []struct {
		name, body    string
		status        int
		code, message string
		kind          error
		retryAfter    time.Duration
	}{
		{"cryptopay", documented(t, "cryptopay", "anyOperation.response.401.INVALID_TOKEN.json"), 401, "INVALID_TOKEN", "The provided token is invalid or expired", authn.ErrRejected, 0},
		{"cryptopay", documented(t, "cryptopay", "anyOperation.response.429.RATE_LIMITED.json"), 429, "RATE_LIMITED", "Too many requests. Try again later.", authn.ErrUnavailable, time.Minute},
		{"kuna", documented(t, "kuna", "anyPrivate.response.4xx.jwt-expired.json"), 401, "UNAUTHORIZED", "jwt expired", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"REFRESH_TOKEN_EXPIRED","message":"Invalid token"}]}`, 400, "REFRESH_TOKEN_EXPIRED", "Invalid token", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"REFRESH_TOKEN_EXPIRED","message":"Invalid token"}]}`, 200, "REFRESH_TOKEN_EXPIRED", "Invalid token", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"UNAUTHORIZED","message":{"message":"no"}}]}`, 201, "UNAUTHORIZED", "no", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"UNAUTHORIZED","message":"no"}],"data":"none"}`, 200, "UNAUTHORIZED", "no", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`, 404, "UNAUTHORIZED", "no", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`, 500, "UNAUTHORIZED", "no", authn.ErrRejected, 0},
		{"kuna", `{"errors":[{"code":"BUSY","message":"later"}]}`, 200, "BUSY", "later", authn.ErrNoToken, 0},
		{"kuna", `{"errors":[{"code":"BUSY","message":"later"}]}`, 500, "BUSY", "later", authn.ErrUnavailable, 0},
		{"crypterium", `{"message":"Wrong login or password","errorId":11,"systemId":"core","error":"WRONG_LOGIN_OR_PASSWORD_EXCEPTION"}`, 400, "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", "Wrong login or password", authn.ErrRejected, 0},
		{"crypterium", `{"message":"Wrong login or password","errorId":11,"systemId":"core","error":"WRONG_LOGIN_OR_PASSWORD_EXCEPTION"}`, 422, "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", "Wrong login or password", authn.ErrRejected, 0},
		{"crypterium", `{"errorId":273}`, 400, "273", "", authn.ErrUnavailable, 0},
		{"crypterium", `{"errorId":429}`, 400, "429", "", authn.ErrUnavailable, 0},
		{"ecartpay", `{"message":"Unauthorized","statusCode":401}`, 401, "", "Unauthorized", authn.ErrRejected, 0},
	} {
		t.Run(fmt.Sprint(c.name, " ", c.code, " ", c.status), func(t *testing.T) {
			for _, p := range flows {
				if p.name != c.name {
					continue
				}
				s, err := p.session(config(answering(c.status, c.body)))
				require.NoError(t, err)
				_, err = s.Token(t.Context())
				var e *authn.Error
				require.ErrorAs(t, err, &e)
				require.ErrorIs(t, err, c.kind)
				require.Equal(t, c.code, e.Code)
				require.Equal(t, c.message, e.Message)
				require.Equal(t, c.retryAfter, e.RetryAfter)
			}
		})
	}
}

func TestRefusedConnectionWasNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	s, err := authn.EcartPayKeys{PublicKey: "p", PrivateKey: canaryKey}.Session(authn.Config{BaseURL: "http://" + addr})
	require.NoError(t, err)
	_, err = s.Token(t.Context())
	require.ErrorIs(t, err, authn.ErrNotSent)
	require.ErrorIs(t, err, authn.ErrUnavailable)
}

func TestKunaLogsInWhenTheRefreshTokenIsOver(t *testing.T) {
	for _, status := range []int{200, 201, 400, 401, 404, 429, 500} { // none is documented
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen []string
				answer := documented(t, "kuna", "login.response.2xx.json")
				s, err := authn.KunaLogin{Email: "e", Password: "p", MerchantID: "m"}.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen = append(seen, r.URL.Path)
					if r.URL.Path == "/v2/auth/refresh" {
						answering(status, `{"errors":[{"code":"REFRESH_TOKEN_EXPIRED","message":"Invalid token"}]}`)(w, r)
						return
					}
					answering(200, answer)(w, r)
				})))
				require.NoError(t, err)
				mustToken(t, s)
				time.Sleep(31 * time.Minute)
				mustToken(t, s)
				require.Equal(t, []string{"/v2/auth/login", "/v2/auth/refresh", "/v2/auth/login"}, seen)
			})
		})
	}
}

// clockServer is a provider of each kind whose clock is wrong by skew; it refuses
// tokens that are over by its own clock.
type clockServer struct {
	t     testing.TB
	skew  time.Duration
	mu    sync.Mutex
	n     int
	until map[string]time.Time
	made  int
}

func (c *clockServer) now() time.Time { return time.Now().Add(c.skew) }

func (c *clockServer) mint(life time.Duration) string {
	now := c.now()
	c.n++
	tok := jwtWith(c.t, fmt.Sprintf(`{"iat":%d,"exp":%d,"n":%d}`, now.Unix(), now.Add(life).Unix(), c.n))
	c.until[tok] = now.Add(life)
	return tok
}

func (c *clockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	if r.Method == http.MethodGet {
		auth := r.Header.Get("Authorization")
		if tok := auth[strings.LastIndexByte(auth, ' ')+1:]; !c.now().Before(c.until[tok]) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	c.made++
	if c.until == nil {
		c.until = map[string]time.Time{}
	}
	switch r.URL.Path {
	case "/api/auth/login", "/api/auth/token/refresh/":
		fmt.Fprintf(w, `{"access":%q,"refresh":%q}`, c.mint(24*time.Hour), c.mint(30*24*time.Hour))
	case "/oauth/token":
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":86400,"scope":"read write"}`, c.mint(24*time.Hour))
	case "/api/authorizations/token":
		fmt.Fprintf(w, `{"token":%q}`, c.mint(time.Hour))
	case "/v2/auth/login", "/v2/auth/refresh":
		fmt.Fprintf(w, `{"data":{"accessToken":%q,"expiresIn":%d,"refreshToken":%q}}`, c.mint(30*time.Minute), c.now().Add(30*time.Minute).Unix(), c.mint(48*time.Hour))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestClockThatIsWrongByADay(t *testing.T) {
	for _, p := range flows {
		for _, skew := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
			t.Run(fmt.Sprintf("%s/%v", p.name, skew), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := &clockServer{t: t, skew: skew}
					cfg := config(srv)
					s, err := p.session(cfg)
					require.NoError(t, err)
					ed := p.editor(s)
					failures := 0
					for range 2 * 24 * 60 { // two days, a call a minute
						req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.BaseURL+"/x", nil)
						require.NoError(t, err)
						require.NoError(t, ed(t.Context(), req))
						resp, err := cfg.HTTP.Do(req)
						require.NoError(t, err)
						_ = resp.Body.Close()
						if resp.StatusCode != http.StatusOK {
							failures++
						}
						time.Sleep(time.Minute)
					}
					require.Zero(t, failures)
					require.Less(t, srv.made, 130, "token calls in two days")
				})
			})
		}
	}
}

func TestCredentialsFromAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		password := authn.Secret("old")
		vault := errors.New("vault is sealed")
		var fail error
		logins := 0
		f := authn.KunaLoginFunc(func(context.Context) (authn.KunaLogin, error) {
			return authn.KunaLogin{Email: "e", Password: password, MerchantID: "m"}, fail
		})
		s, err := f.Session(config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			logins++
			b, _ := io.ReadAll(r.Body)
			if !bytes.Contains(b, []byte("right")) {
				answering(401, `{"errors":[{"code":"WRONG","message":"no"}]}`)(w, r)
				return
			}
			answering(200, documented(t, "kuna", "login.response.2xx.json"))(w, r)
		})))
		require.NoError(t, err)
		fail = vault
		_, err = s.Token(t.Context())
		require.ErrorIs(t, err, vault)
		require.EqualError(t, err, "kuna: login: token service unavailable: get credentials: request was not sent: vault is sealed")
		require.Zero(t, logins)

		fail = nil
		time.Sleep(time.Second)
		_, err = s.Token(t.Context())
		require.ErrorIs(t, err, authn.ErrRejected)
		for range 30 {
			_, err = s.Token(t.Context())
			require.ErrorIs(t, err, authn.ErrRejected)
			time.Sleep(time.Second)
		}
		require.Equal(t, 1, logins, "the same wrong password was tried again")

		password = "right" // rotated, without a restart
		time.Sleep(6 * time.Second)
		mustToken(t, s)
		require.Equal(t, 2, logins)
	})
}

func TestStoreKeys(t *testing.T) {
	h := answering(200, documented(t, "ecartpay", "createAuthorizationToken.response.200.json"))
	store := new(authn.Memory)
	cfg := config(h)
	cfg.Store = store
	_, err := authn.EcartPayKeysFunc(func(context.Context) (authn.EcartPayKeys, error) { return authn.EcartPayKeys{}, nil }).Session(cfg)
	require.ErrorContains(t, err, "Config.StoreKey is empty")

	calls := 0
	cfg.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls++; h(w, r) })}}
	for _, c := range []struct {
		keys  authn.EcartPayKeys
		base  string
		calls int
	}{
		{authn.EcartPayKeys{PublicKey: "a", PrivateKey: "1"}, "https://one.example", 1},
		{authn.EcartPayKeys{PublicKey: "a", PrivateKey: "2"}, "https://one.example", 1}, // a rotated secret is the same account
		{authn.EcartPayKeys{PublicKey: "b", PrivateKey: "1"}, "https://one.example", 2},
		{authn.EcartPayKeys{PublicKey: "a", PrivateKey: "1"}, "https://two.example", 3},
	} {
		cfg.BaseURL = c.base
		s, err := c.keys.Session(cfg)
		require.NoError(t, err)
		mustToken(t, s)
		require.Equal(t, c.calls, calls)
	}
}

// One store and one key of the caller's: nobody may get a token that was made by
// another provider, or for another place.
func TestOneStoreKeyForTwoPlaces(t *testing.T) {
	const production, sandbox = "https://api.example.com", "https://sandbox.example.com"
	ecart := func(cfg authn.Config) (*authn.Session, error) {
		return authn.EcartPayKeys{PublicKey: "a", PrivateKey: "1"}.Session(cfg)
	}
	ecartFunc := func(cfg authn.Config) (*authn.Session, error) {
		return authn.EcartPayKeysFunc(func(context.Context) (authn.EcartPayKeys, error) {
			return authn.EcartPayKeys{PublicKey: "b", PrivateKey: "2"}, nil
		}).Session(cfg)
	}
	pay := func(cfg authn.Config) (*authn.Session, error) {
		return authn.CryptoPayLogin{Username: "a", Password: "1"}.Session(cfg)
	}
	own := func(provider string) func(authn.Config) (*authn.Session, error) {
		return func(cfg authn.Config) (*authn.Session, error) {
			opts := []authn.SessionOption{authn.WithStore(cfg.Store, cfg.StoreKey)}
			if cfg.BaseURL != "" {
				opts = append(opts, authn.WithOrigin(cfg.BaseURL))
			}
			return authn.NewSession(authn.Flow{Provider: provider, Login: func(context.Context) (authn.Grant, error) {
				return authn.Grant{Access: authn.Secret(provider + "@" + cfg.BaseURL), Life: time.Hour}, nil
			}}, opts...)
		}
	}
	type client struct {
		session func(authn.Config) (*authn.Session, error)
		base    string
	}
	for _, c := range []struct {
		name   string
		a, b   client
		shared bool
	}{
		{"two providers", client{ecart, production}, client{pay, production}, false},
		{"production and sandbox", client{ecart, production}, client{ecart, sandbox}, false},
		{"two ports", client{ecart, production}, client{ecart, production + ":8443"}, false},
		{"two paths", client{ecart, production}, client{ecart, production + "/v2"}, false},
		{"plain and TLS", client{ecart, "http://localhost:1"}, client{ecart, "https://localhost:1"}, false},
		{"two spellings of a place", client{ecart, production + "/v2"}, client{ecart, "https://API.example.com:443/v2/"}, true},
		{"one account, key and function", client{ecart, production}, client{ecartFunc, production}, true},
		{"two flows of one's own", client{own("acme"), production}, client{own("bird"), production}, false},
		{"a flow of one's own in two places", client{own("acme"), production}, client{own("acme"), sandbox}, false},
		{"bound and not", client{own("acme"), production}, client{own("acme"), ""}, false},
		{"a name that runs into the key", client{own("acme"), ""}, client{own("acme:k"), ""}, false},
		{"a flow of one's own twice", client{own("acme"), production}, client{own("acme"), production}, true},
		{"an unbound flow twice", client{own("acme"), ""}, client{own("acme"), ""}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(authn.Memory)
			n := 0
			token := func(c client) (authn.Secret, int) {
				cfg := config(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n++
					answering(200, fmt.Sprintf(`{"token":"t%d","access":"t%[1]d"}`, n))(w, r)
				}))
				cfg.BaseURL, cfg.Store, cfg.StoreKey = c.base, store, "k"
				s, err := c.session(cfg)
				require.NoError(t, err)
				return mustToken(t, s).Access, n
			}
			first, calls := token(c.a)
			second, after := token(c.b)
			require.Equal(t, c.shared, first == second, "%s and %s", first.Reveal(), second.Reveal())
			if c.shared {
				require.Equal(t, calls, after, "token calls")
			}
			third, _ := token(c.a)
			require.Equal(t, first, third, "the first one's token was overwritten")
		})
	}
}

func TestConfigReachesTheSession(t *testing.T) {
	answer := documented(t, "kuna", "login.response.2xx.json") // a life of half an hour
	for _, alone := range []bool{false, true} {
		t.Run(fmt.Sprintf("LoginWhenStoreIsDown %t", alone), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brokenStore{Store: new(authn.Memory)}
				var events []authn.EventKind
				cfg := config(answering(200, answer))
				cfg.Store, cfg.LoginWhenStoreIsDown = store, alone
				cfg.Observe = func(_ context.Context, e authn.Event) {
					require.Equal(t, "kuna", e.Provider)
					events = append(events, e.Kind)
				}
				s, err := authn.KunaLogin{Email: "e", Password: "p", MerchantID: "m"}.Session(cfg)
				require.NoError(t, err)
				mustToken(t, s)
				time.Sleep(31 * time.Minute)
				store.set(func(string) error { return errDown })
				_, err = s.Token(t.Context())
				if alone {
					require.NoError(t, err)
					require.Equal(t, []authn.EventKind{authn.EventLogin, authn.EventAlone}, events)
					return
				}
				require.ErrorIs(t, err, errDown)
				require.Equal(t, []authn.EventKind{authn.EventLogin, authn.EventFailure}, events)
			})
		})
	}
	for given, want := range map[time.Duration]time.Duration{0: 15 * time.Second, 4 * time.Second: 4 * time.Second} {
		t.Run(fmt.Sprintf("Timeout %v", given), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := authn.Config{BaseURL: "https://api.example.com", Timeout: given, HTTP: &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})}}
				s, err := authn.KunaLogin{Email: "e", Password: "p", MerchantID: "m"}.Session(cfg)
				require.NoError(t, err)
				start := time.Now()
				_, err = s.Token(t.Context())
				require.ErrorIs(t, err, authn.ErrUnavailable)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, want, time.Since(start))
			})
		})
	}
	_, err := authn.KunaLogin{Email: "e", Password: "p", MerchantID: "m"}.Session(authn.Config{BaseURL: "https://api.example.com", Timeout: -1})
	require.ErrorContains(t, err, "must be positive")
}

func TestCryptoPayKeyFromEnv(t *testing.T) {
	for env, variable := range map[authn.CryptoPayEnv]string{
		authn.CryptoPayProduction:  "CRYPTOPAY_PROD_API_KEY",
		authn.CryptoPayStaging:     "CRYPTOPAY_STAGING_API_KEY",
		authn.CryptoPayDevelopment: "CRYPTOPAY_DEV_API_KEY",
		authn.CryptoPaySandbox:     "CRYPTOPAY_SANDBOX_API_KEY",
		authn.CryptoPayDefault:     "CRYPTOPAY_API_KEY",
	} {
		t.Setenv(variable, "")
		_, err := authn.CryptoPayKeyFromEnv(env)
		require.EqualError(t, err, "cryptopay: "+variable+" is empty")
		t.Setenv(variable, "cp_live_abc123def456")
		key, err := authn.CryptoPayKeyFromEnv(env)
		require.NoError(t, err)
		req := httptest.NewRequest(http.MethodGet, "https://x/", nil)
		require.NoError(t, key.Editor()(t.Context(), req))
		require.Equal(t, "Bearer cp_live_abc123def456", req.Header.Get("Authorization"))
	}
	_, err := authn.CryptoPayKeyFromEnv("prod")
	require.ErrorContains(t, err, `"prod"`)
}

func TestStaticKeysOnTheWire(t *testing.T) {
	edit := func(ed authn.Editor, path string) (http.Header, error) {
		req := httptest.NewRequest(http.MethodPost, "https://api.example.com"+path, nil)
		err := ed(t.Context(), req)
		return req.Header, err
	}
	h, err := edit(authn.KunaAPIKey{Key: "k1"}.Editor(), "/v2/balance")
	require.NoError(t, err)
	require.Equal(t, "k1", h.Get("api-key"))

	cc := authn.CryptoCloudKey{APIKey: "k1"}.Editor()
	h, err = edit(cc, "/v2/invoice/create")
	require.NoError(t, err)
	require.Equal(t, "Token k1", h.Get("Authorization"))
	h, err = edit(cc, "/v2/invoice/api/out/create")
	require.ErrorIs(t, err, authn.ErrNoToken, "a withdrawal with the wrong kind of key")
	require.Empty(t, h.Get("Authorization"))

	api, withdrawal := authn.Static("k1"), authn.Static("w1")
	cc = authn.CryptoCloudEditor(api, withdrawal)
	api.Set("k2")
	withdrawal.Set("w2")
	h, _ = edit(cc, "/v2/invoice/create")
	require.Equal(t, "Token k2", h.Get("Authorization"))
	h, _ = edit(cc, "/v2/invoice/api/out/create")
	require.Equal(t, "Token w2", h.Get("Authorization"))
}
