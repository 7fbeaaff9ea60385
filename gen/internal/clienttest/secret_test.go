package clienttest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// prints is every way in which an error ends up in a log.
func prints(t *testing.T, err error) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v\n%+v\n%#v\n%s\n%q\n", err, err, err, err, err)
	var e *apierr.Error
	if errors.As(err, &e) {
		j, jerr := json.Marshal(e)
		require.NoError(t, jerr)
		b.Write(j)
		fmt.Fprintf(&b, "%v %+v %#v %s %s\n", *e, *e, *e, e.Body, e.Header)
		for u := errors.Unwrap(e); u != nil; u = errors.Unwrap(u) {
			fmt.Fprintf(&b, "%v %+v %#v\n", u, u, u)
		}
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		slog.New(h).Error("failed", "err", err, slog.Any("wrapped", fmt.Errorf("wrapped: %w", err)))
	}
	return b.String()
}

// hostile answers with whatever credential came in, wherever it can.
var hostile = map[string]func(secret string) *http.Response{
	"text":    func(s string) *http.Response { return reply(400, s) },
	"message": func(s string) *http.Response { return reply(400, `{"message":`+quote("no "+s)+`,"statusCode":400}`) },
	"error": func(s string) *http.Response {
		return reply(401, `{"error":{"code":`+quote(s)+`,"message":`+quote(s)+`,"details":{`+quote(s)+`:[`+quote(s)+`]}},"success":false}`)
	},
	"errors": func(s string) *http.Response {
		return reply(200, `{"errors":[{"code":`+quote(s)+`,"message":{"message":`+quote(s)+`}}],"statusCode":400,"error":`+quote(s)+`,"success":false}`)
	},
	"reasons": func(s string) *http.Response {
		return reply(400, `{"status":"error","result":{`+quote(s)+`:`+quote(s)+`}}`)
	},
	"members": func(s string) *http.Response {
		return reply(500, `{"apiKey":"`+s+`","nested":{"refresh_token":"`+s+`","list":{"tokens":["`+s+`"]}}}`)
	},
	"header": func(s string) *http.Response {
		return reply(403, "{}", "X-Debug: "+s, "X-Request-Id: "+s, "Authorization: "+s, "Set-Cookie: a="+s, "Www-Authenticate: Bearer "+s)
	},
	"redirect":     func(s string) *http.Response { return reply(307, "", "Location: https://evil.example.net/?k="+s) },
	"bad redirect": func(s string) *http.Response { return reply(302, "", "Location: :%zz"+s) },
	"bad JSON": func(s string) *http.Response {
		return reply(200, `{"result":{"amount":`+quote(s)+`},"data":{"amount":`+quote(s))
	},
	"bad number": func(s string) *http.Response {
		return reply(200, `{"status":"success","result":{"amount":`+quote(s)+`,"uuid":1},"data":[`+quote(s)+`]}`)
	},
	"escaped": func(s string) *http.Response {
		return reply(400, url.QueryEscape(s)+" "+url.PathEscape(s)+" "+quote(s))
	},
	"base64":      func(s string) *http.Response { return reply(400, base64.StdEncoding.EncodeToString([]byte(s))) },
	"cut in half": func(s string) *http.Response { return reply(400, "you sent "+s[:len(s)-3]) },
	"at the cut":  func(s string) *http.Response { return reply(400, strings.Repeat(s+" ", 3000)) },
	"at 4096":     func(s string) *http.Response { return reply(400, strings.Repeat("x", 4090)+s) },
	"at 16384": func(s string) *http.Response {
		return reply(400, strings.Repeat(s, 12)+strings.Repeat("x", 16384-12*len(s)-9)+s)
	},
	"form":            func(s string) *http.Response { return reply(400, "password="+s+"&x=1") },
	"status 200 HTML": func(s string) *http.Response { return reply(200, "<html>"+s+"</html>") },
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestNoErrorHoldsACredential(t *testing.T) {
	for name, answer := range hostile {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, p provider, net *fake, s settings) {
				var log bytes.Buffer
				s.retry = &once
				s.logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				s.hooks = append(s.hooks, func(_ context.Context, a operation.Attempt) { fmt.Fprintf(&log, "%v %+v %#v", a, a, a) })
				var secret string
				net.answer = func(_ int, req *http.Request) *http.Response {
					secret = req.Header.Get("Authorization")
					secret = req.Header.Get("Api-Key") + secret[strings.IndexByte(secret, ' ')+1:]
					return answer(secret)
				}
				both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), _ bool) {
					v, err := call(context.Background())
					require.Error(t, err)
					require.Nil(t, v)
					require.Contains(t, secret, "canary-")
					out := prints(t, err) + log.String()
					require.NotContains(t, out, secret)
					for _, part := range []string{"canary-", "anary-", base64.StdEncoding.EncodeToString([]byte(secret))} {
						require.NotContains(t, out, part)
					}
					require.NotContains(t, strings.ToLower(out), fmt.Sprintf("%x", "canary-"))
				})
			})
		})
	}
}

// TestANetworkErrorHoldsNoCredential: what a broken answer says comes in the
// error text of net/http.
func TestANetworkErrorHoldsNoCredential(t *testing.T) {
	each(t, func(t *testing.T, p provider, _ *fake, s settings) {
		s.retry = &once
		for name, fail := range map[string]func(secret string) error{
			"malformed header": func(s string) error { return fmt.Errorf("malformed MIME header line: %s", s) },
			"URL in URL": func(s string) error {
				return &url.Error{Op: "Post", URL: "https://x/?token=" + s, Err: &url.Error{Op: "Get", URL: "https://x/?token=" + s, Err: errors.New("refused")}}
			},
		} {
			s.doer = doerFunc(func(req *http.Request) (*http.Response, error) {
				if res := tokens(req); res != nil {
					return res, nil
				}
				return nil, fail(req.Header.Get("Authorization") + req.Header.Get("Api-Key"))
			})
			var log bytes.Buffer
			s.hooks = []func(context.Context, operation.Attempt){func(_ context.Context, a operation.Attempt) { fmt.Fprintf(&log, "%v %+v", a, a.Err) }}
			both(t, dial(t, p, s), func(t *testing.T, call func(context.Context, ...editor) (any, error), write bool) {
				_, err := call(context.Background())
				require.Error(t, err, name)
				require.NotContains(t, prints(t, err)+log.String(), "canary-", name)
				require.Equal(t, write, errors.Is(err, apierr.ErrOutcomeUnknown), "a stranger's silence proves nothing")
			})
		}
	})
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestASecretInTheBodyIsNotEchoed(t *testing.T) {
	echo := func(_ int, req *http.Request) *http.Response {
		body, _ := req.GetBody()
		b, _ := io.ReadAll(body)
		return reply(400, `{"message":`+quote("we got "+string(b))+`,"statusCode":400}`)
	}
	net := &fake{answer: echo}
	secret := `canary-"p&ss/w=rd"`

	cr, err := crypterium.NewClient(origin, crypterium.WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	var token crypterium.CreateMerchantTokenRequest
	require.NoError(t, json.Unmarshal([]byte(`{"grant_type":"merchant","username":"m","password":`+quote(secret)+`}`), &token))
	_, err = cr.CreateMerchantToken(context.Background(), &crypterium.CreateMerchantTokenParams{UserAgent: "fake"}, token)
	require.ErrorContains(t, err, "400 Bad Request: we got")
	require.NotContains(t, prints(t, err), "canary-")

	ec, err := ecartpay.NewClient(origin, ecartpay.WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	var card ecartpay.CreateCardRequest
	require.NoError(t, json.Unmarshal([]byte(`{"name":"A","number":"4242424242424242","cvc":"9999"}`), &card))
	_, err = ec.CreateCard(context.Background(), card)
	require.ErrorContains(t, err, "400 Bad Request: we got")
	require.NotContains(t, prints(t, err), "4242424242424242")
}
