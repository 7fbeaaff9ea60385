package clienttest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
)

var once = retry.Policy{Attempts: 1}

func TestDocumentedAnswersBecomeValues(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), _ bool) {
			v, err := call(context.Background())
			require.NoError(t, err)
			require.NotNil(t, v)
		})
		for _, req := range net.requests() {
			require.True(t, strings.HasPrefix(req.Header.Get("User-Agent"), "payclients/") || p.name == "crypterium", req.Header)
			require.Equal(t, "application/json", req.Header.Get("Accept"))
		}
	})
}

// nothing that is not the documented value passes for one.
func TestBadAnswersAreTypedErrorsThatKeepTheStatus(t *testing.T) {
	long := `{"x":"` + strings.Repeat("a", 11<<20) + `"}`
	for _, tc := range []struct {
		name, body string
		status     int
		headers    []string
		broken     error // of the body, at its end
		kind       error
		unknown    bool // a write may have been done
	}{
		{name: "empty", status: 200, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "204", status: 204, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "null", status: 200, body: "null", kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "spaces", status: 200, body: " \n ", kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "HTML as JSON", status: 200, body: "<html>login</html>", kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "HTML", status: 200, body: "<html>login</html>", headers: []string{"Content-Type: text/html"}, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "undocumented object", status: 200, body: `{"hello":"world"}`, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "empty object", status: 200, body: `{}`, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "wrong type", status: 200, body: `"text"`, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "cut off", status: 200, body: `{"status":"success","result":{"uuid":"a`, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "breaks off", status: 200, body: `{"status":`, broken: io.ErrUnexpectedEOF, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "over-long", status: 200, body: long, kind: apierr.ErrUnexpectedResponse, unknown: true},
		{name: "HTML 502", status: 502, body: "<html>bad gateway</html>", kind: apierr.ErrServer, unknown: true},
		{name: "empty 500", status: 500, kind: apierr.ErrServer, unknown: true},
		{name: "over-long 500", status: 500, body: long, kind: apierr.ErrServer, unknown: true},
		{name: "breaking off 503", status: 503, body: "{", broken: io.ErrUnexpectedEOF, kind: apierr.ErrServer, unknown: true},
		{name: "404 HTML", status: 404, body: "<html>", kind: apierr.ErrNotFound},
		{name: "403 firewall", status: 403, body: "<html>blocked</html>", kind: apierr.ErrForbidden},
		{name: "409", status: 409, body: "{}", kind: apierr.ErrConflict},
		{name: "422 undocumented", status: 422, body: `{"what":"ever"}`, kind: apierr.ErrValidation},
		{name: "429 text", status: 429, body: "slow down", headers: []string{"Retry-After: 120"}, kind: apierr.ErrRateLimited},
		{name: "418", status: 418, body: "teapot", kind: apierr.ErrUnexpectedResponse},
		{name: "304", status: 304, kind: apierr.ErrUnexpectedResponse, unknown: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			each(t, func(t *testing.T, p provider, net *fake, s settings) {
				if len(tc.body) > 1<<20 && p.name != "kuna" {
					t.Skip("one is enough")
				}
				s.retry = &once
				net.answer = func(int, *http.Request) *http.Response {
					res := reply(tc.status, tc.body, append(tc.headers, "X-Request-Id: req-1")...)
					if tc.broken != nil {
						res.Body = io.NopCloser(io.MultiReader(strings.NewReader(tc.body), failing{tc.broken}))
						res.ContentLength = -1
					}
					return res
				}
				both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), write bool) {
					var raw operation.Response
					v, err := call(context.Background(), operation.Capture(&raw))
					require.Nil(t, v)
					var e *apierr.Error
					require.ErrorAs(t, err, &e)
					require.Equal(t, tc.status, e.Status)
					require.ErrorIs(t, err, tc.kind)
					require.Equal(t, write && tc.unknown, errors.Is(err, apierr.ErrOutcomeUnknown), "outcome unknown: %v", err)
					require.Equal(t, "req-1", e.RequestID)
					require.LessOrEqual(t, len(e.Body), 4<<10)
					require.Less(t, len(e.Error()), 2<<10)
					require.Contains(t, e.Error(), p.name+": ")
					require.Equal(t, tc.status, raw.Status, "captured")
					require.Equal(t, "req-1", raw.Header.Get("X-Request-Id"), "captured")
					if tc.broken == nil && len(tc.body) < 1<<20 {
						require.Equal(t, tc.body, string(raw.Body), "captured")
					}
					if tc.status == 429 {
						require.Equal(t, 2*time.Minute, e.RetryAfter)
					}
				})
			})
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestJSONUnderAnyContentTypeIsDecoded(t *testing.T) {
	for _, kind := range []string{"", "text/html; charset=utf-8", "application/problem+json", "application/octet-stream", "nonsense/;;"} {
		each(t, func(t *testing.T, p provider, net *fake, s settings) {
			good := net.answer
			net.answer = func(n int, req *http.Request) *http.Response {
				res := good(n, req)
				res.Header.Set("Content-Type", kind)
				return res
			}
			both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), _ bool) {
				v, err := call(context.Background())
				require.NoError(t, err)
				require.NotNil(t, v)
			})
		})
	}
}

func TestRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, target := range map[string]string{
			"same origin":  origin + "/elsewhere",
			"relative":     "/elsewhere",
			"default port": origin + ":443/elsewhere",
			"other host":   "https://evil.example.net/elsewhere",
			"subdomain":    "https://a.api.example.com/elsewhere",
			"other port":   origin + ":8443/elsewhere",
			"http":         "http://api.example.com/elsewhere",
			"with user":    "https://user:pass@api.example.com/elsewhere",
		} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				each(t, func(t *testing.T, p provider, net *fake, s settings) {
					s.retry = &once
					good := net.answer
					net.answer = func(n int, req *http.Request) *http.Response {
						if req.URL.Path == "/elsewhere" {
							return good(n, req)
						}
						return reply(status, "", "Location: "+target)
					}
					c := dial(t, p, s)
					both(t, c, func(t *testing.T, call func(context.Context, ...editor) (any, error), write bool) {
						net.seen = nil
						v, err := call(context.Background())
						seen := net.requests()
						same := name == "same origin" || name == "relative" || name == "default port"
						keeps := seen[0].Method == http.MethodGet || status == 307 || status == 308
						if !write && same && keeps {
							require.NoError(t, err)
							require.NotNil(t, v)
							require.Len(t, seen, 2)
							require.Equal(t, seen[0].Method, seen[1].Method)
							require.Equal(t, net.bodies[len(net.bodies)-2], net.bodies[len(net.bodies)-1], "the body")
							return
						}
						require.Len(t, seen, 1, "followed")
						var e *apierr.Error
						require.ErrorAs(t, err, &e)
						require.Equal(t, status, e.Status)
						require.Equal(t, write && (status == 302 || status == 303), errors.Is(err, apierr.ErrOutcomeUnknown))
					})
				})
			})
		}
	}
}

func TestRedirectLoopEndsAndKeepsTheStatus(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		net.answer = func(int, *http.Request) *http.Response { return reply(307, "", "Location: /again") }
		_, err := dial(t, p, s).read(context.Background())
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 307, e.Status)
		require.Len(t, net.requests(), 6)
	})
}

func TestBaseURLRules(t *testing.T) {
	for _, base := range []string{
		"http://api.example.com", "ftp://api.example.com", "api.example.com", "https://", "https://user:canary@api.example.com",
		"https://api.example.com?a=b", "https://api.example.com#x", "https://api.example.com:port", "://", "http://127.0.0.1.example.com",
	} {
		for _, p := range providers {
			_, err := p.connect(settings{base: base})
			require.Error(t, err, base)
			require.NotContains(t, err.Error(), "canary")
			_, err = p.withoutSecret(settings{base: base})
			require.Error(t, err, base)
		}
	}
	for _, base := range []string{"https://api.example.com/", "https://api.example.com/proxy/v1//", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"} {
		each(t, func(t *testing.T, p provider, net *fake, s settings) {
			s.base = base
			_, err := dial(t, p, s).read(context.Background())
			require.NoError(t, err, base)
			got := net.requests()[0].URL.String()
			require.True(t, strings.HasPrefix(got, strings.TrimRight(base, "/")+"/"), got)
			require.NotContains(t, strings.TrimPrefix(got, "http"), "//"+"/")
		})
	}
}

func TestNothingOfTheCallersIsWrittenTo(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		refuse := errors.New("the caller's own policy")
		hc := &http.Client{Transport: net, Jar: jar, Timeout: time.Hour, CheckRedirect: func(*http.Request, []*http.Request) error { return refuse }}
		before := *hc
		s.doer = hc
		c := dial(t, p, s)
		_, err = c.write(context.Background())
		require.NoError(t, err)
		require.Same(t, before.Transport, hc.Transport)
		require.Same(t, before.Jar, hc.Jar)
		require.Equal(t, before.Timeout, hc.Timeout)
		require.ErrorIs(t, hc.CheckRedirect(nil, nil), refuse)
		require.NoError(t, c.close(context.Background()))
	})
}

func TestEditorsRunInOrderAndACallsOwnComeLast(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		var order []string
		note := func(name string) editor {
			return func(_ context.Context, req *http.Request) error {
				order = append(order, fmt.Sprintf("%s auth=%t", name, req.Header.Get("Authorization")+req.Header.Get("Api-Key") != ""))
				return nil
			}
		}
		s.editors = []editor{note("first"), note("second")}
		_, err := dial(t, p, s).read(context.Background(), note("call 1"), nil, note("call 2"))
		require.NoError(t, err)
		require.Equal(t, []string{"first auth=false", "second auth=false", "call 1 auth=true", "call 2 auth=true"}, order)

		stop := errors.New("stop")
		net.seen = nil
		_, err = dial(t, p, s).write(context.Background(), func(context.Context, *http.Request) error { return stop })
		require.ErrorIs(t, err, stop)
		require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown, "nothing was sent")
		require.Empty(t, net.requests())
	})
}

func TestAnEditorCannotTakeCredentialsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		away := func(_ context.Context, req *http.Request) error {
			req.URL.Host = "evil.example.net"
			return nil
		}
		both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), _ bool) {
			_, err := call(context.Background(), away)
			require.ErrorIs(t, err, authn.ErrOrigin)
			require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
		})
		s.editors = []editor{away}
		_, err := dial(t, p, s).write(context.Background())
		require.ErrorIs(t, err, authn.ErrOrigin)
		require.Empty(t, net.requests())
	})
}

func TestAnIdempotencyKeyOnAWriteIsRefused(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		c := dial(t, p, s)
		key := func(name string) editor {
			return func(_ context.Context, req *http.Request) error {
				req.Header[name] = nil
				return nil
			}
		}
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			_, err := c.write(context.Background(), key(name))
			require.ErrorContains(t, err, "Idempotency-Key")
			require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
			require.Empty(t, net.requests())
		}
		_, err := c.read(context.Background(), key("Idempotency-Key"))
		require.NoError(t, err)
	})
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		synctest.Test(t, func(t *testing.T) {
			good := net.answer
			for name, bad := range map[string]func() *http.Response{
				"500": func() *http.Response { return reply(500, "") },
				"503": func() *http.Response { return reply(503, "<html>") },
				"429": func() *http.Response { return reply(429, "", "Retry-After: 1") },
				"cut": func() *http.Response { return nil },
			} {
				net.answer = func(n int, req *http.Request) *http.Response {
					if n < 3 {
						return bad()
					}
					return good(n, req)
				}
				c := dial(t, p, s)
				net.seen, net.bodies = nil, nil
				v, err := c.read(context.Background())
				require.NoError(t, err, name)
				require.NotNil(t, v)
				require.Len(t, net.requests(), 3)
				require.Equal(t, net.bodies[0], net.bodies[2], "the body is rewound")
				require.Equal(t, net.seen[0].Header, net.seen[2].Header)

				net.seen = nil
				_, err = c.write(context.Background())
				require.Error(t, err)
				require.Len(t, net.requests(), 1, "a write was repeated after %s", name)
				require.Equal(t, name != "429", errors.Is(err, apierr.ErrOutcomeUnknown), "%v", err)
			}
		})
	})
}

func TestTheContextWinsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		synctest.Test(t, func(t *testing.T) {
			net.answer = func(int, *http.Request) *http.Response { return reply(503, "", "Retry-After: 20") }
			ctx, cancel := context.WithCancel(context.Background())
			c := dial(t, p, s)
			time.AfterFunc(3*time.Second, cancel)
			start := time.Now()
			_, err := c.read(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 3*time.Second, time.Since(start))

			// Over before it began: a write that never left is not unknown.
			net.seen = nil
			_, err = c.write(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.NoError(t, c.close(context.Background()))
		})
	})
}

func TestHooksLoggerAndLimiter(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		good := net.answer
		net.answer = func(n int, req *http.Request) *http.Response {
			if n == 1 {
				return reply(503, "")
			}
			return good(n, req)
		}
		var log bytes.Buffer
		var attempts []operation.Attempt
		s.logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.hooks = append(s.hooks, func(_ context.Context, a operation.Attempt) { attempts = append(attempts, a) })
		learner := &learner{}
		s.limiters = []operation.Limiter{rate.NewLimiter(rate.Inf, 1), learner}
		s.retry = &retry.Policy{Attempts: 2, Base: 1, Cap: 1}
		c := dial(t, p, s)
		_, err := c.read(context.Background())
		require.NoError(t, err)
		require.Len(t, attempts, 2)
		require.Equal(t, []int{1, 2}, []int{attempts[0].Number, attempts[1].Number})
		require.Equal(t, []int{503, 200}, []int{attempts[0].Status, attempts[1].Status})
		require.Equal(t, p.read, attempts[1].Operation.ID)
		require.Equal(t, []string{"wait", "learn", "wait", "learn"}, learner.order)
		require.Contains(t, log.String(), `"operation":"`+p.name+"."+p.read+`","attempt":2,"status":200`)
		require.NotContains(t, log.String(), "canary-")

		// A limiter that says no: nothing is sent, nothing is unknown, nothing is repeated.
		learner.err = errors.New("not now")
		learner.order, net.seen = nil, nil
		_, err = c.write(context.Background())
		require.ErrorIs(t, err, learner.err)
		require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
		_, err = c.read(context.Background())
		require.ErrorIs(t, err, learner.err)
		require.Equal(t, []string{"wait", "wait"}, learner.order)
		require.Empty(t, net.requests())
	})
}

type learner struct {
	order []string
	err   error
}

func (l *learner) Wait(context.Context) error {
	l.order = append(l.order, "wait")
	return l.err
}
func (l *learner) Learn(context.Context, http.Header) { l.order = append(l.order, "learn") }

func TestUserAgent(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		s.agent = "shop/1.2"
		_, err := dial(t, p, s).read(context.Background())
		require.NoError(t, err)
		if got := net.requests()[0].Header.Get("User-Agent"); p.name == "crypterium" {
			require.Equal(t, "Mozilla/5.0 (fake)", got, "the provider wants the merchant's")
		} else {
			require.Regexp(t, `^shop/1\.2 payclients/\S+$`, got)
		}
		s.agent = "shop\r\nX-Evil: 1"
		_, err = p.connect(s)
		require.ErrorContains(t, err, "WithUserAgent")
	})
}

func TestRawAccessKeepsTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		net.answer = func(int, *http.Request) *http.Response { return reply(404, "raw") }
		c := dial(t, p, s)
		req, err := http.NewRequest(http.MethodGet, origin+"/anything", nil)
		require.NoError(t, err)
		res, err := c.do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, "raw", readAll(t, res.Body))

		// A request that nobody tagged may be a write.
		net.answer = func(int, *http.Request) *http.Response { return nil }
		req, err = http.NewRequest(http.MethodPost, origin+"/anything", strings.NewReader("x"))
		require.NoError(t, err)
		_, err = c.do(req)
		require.ErrorIs(t, err, apierr.ErrOutcomeUnknown)
		require.ErrorContains(t, err, p.name+": POST request")
	})
}

func TestACapturedResponseIsOfThisCallOnly(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		s.retry = &once
		c := dial(t, p, s)
		var raw operation.Response
		_, err := c.read(context.Background(), operation.Capture(&raw))
		require.NoError(t, err)
		require.Equal(t, 200, raw.Status)
		require.True(t, json.Valid(raw.Body))
		net.answer = func(int, *http.Request) *http.Response { return nil }
		_, err = c.read(context.Background(), operation.Capture(&raw))
		require.Error(t, err)
		require.Zero(t, raw, "what is left of an earlier call")
	})
}

func TestDefaultTransportOfAnotherKindIsUsed(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		saved := http.DefaultTransport
		http.DefaultTransport = net // as tracing libraries do
		defer func() { http.DefaultTransport = saved }()
		s.doer = nil
		_, err := dial(t, p, s).read(context.Background())
		require.NoError(t, err)
		require.Len(t, net.requests(), 1)
	})
}

// TestAnObjectWithoutAnyDocumentedMemberIsNoSuccess: where no member is required,
// an error in a shape that nobody documented would be an empty success.
func TestAnObjectWithoutAnyDocumentedMemberIsNoSuccess(t *testing.T) {
	var body string
	net := &fake{answer: func(int, *http.Request) *http.Response { return reply(200, body) }}
	ec, err := ecartpay.NewClient(origin, ecartpay.WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	cp, err := cryptopay.NewClient(origin, cryptopay.WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	for _, tc := range []struct {
		body string
		call func() error
		ok   bool
	}{
		{`{"type":null}`, func() error { _, err := ec.DeleteCustomer(t.Context(), "1"); return err }, false},
		{`{"failure":"boom"}`, func() error { _, err := ec.DeleteCustomer(t.Context(), "1"); return err }, false},
		{`{}`, func() error { _, err := ec.DeleteCustomer(t.Context(), "1"); return err }, false},
		{`{"success":false}`, func() error { _, err := ec.DeleteCustomer(t.Context(), "1"); return err }, true},
		{`{"data":{"failure":"boom"}}`, func() error { _, err := cp.GetTransaction(t.Context(), "0x1"); return err }, false},
	} {
		body = tc.body
		err := tc.call()
		require.Equal(t, tc.ok, err == nil, "%s: %v", tc.body, err)
		if !tc.ok {
			require.ErrorIs(t, err, apierr.ErrUnexpectedResponse)
		}
	}
}
