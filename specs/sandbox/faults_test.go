package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// Each fault does what its name says, seen by a plain client.
func TestFaultsDoWhatTheySay(t *testing.T) {
	type seen struct {
		res  *http.Response
		body string
		err  error
		took time.Duration
	}
	status := func(want int) func(*testing.T, seen) {
		return func(t *testing.T, s seen) {
			require.NoError(t, s.err)
			require.Equal(t, want, s.res.StatusCode, "%s", s.body)
		}
	}
	contains := func(want string) func(*testing.T, seen) {
		return func(t *testing.T, s seen) {
			require.NoError(t, s.err)
			require.Contains(t, s.body, want)
		}
	}
	reset := func(t *testing.T, s seen) { require.ErrorIs(t, s.err, syscall.ECONNRESET) }
	after := func(d time.Duration, next func(*testing.T, seen)) func(*testing.T, seen) {
		return func(t *testing.T, s seen) {
			require.Equal(t, d, s.took.Round(time.Second))
			next(t, s)
		}
	}
	checks := map[string]func(*testing.T, seen){
		"unauthorized": contains("TokenExpiredError"), "refresh-spent": nil, "documented": nil, "answer": nil,
		"429-seconds": func(t *testing.T, s seen) { require.Equal(t, "2", s.res.Header.Get("Retry-After")) },
		"429-date": func(t *testing.T, s seen) {
			at, err := http.ParseTime(s.res.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 2*time.Second, time.Until(at), float64(time.Second))
		},
		"429-body": contains(`"retry_after":2`), "429-bare": status(429),
		"500": status(500), "502": status(502), "503": status(503), "504": status(504), "undocumented-status": status(418),
		"html-as-json": contains("<html>"), "html": contains("<html>"),
		"json-without-type": func(t *testing.T, s seen) { require.Empty(t, s.res.Header.Get("Content-Type")) },
		"json-as-text":      func(t *testing.T, s seen) { require.Equal(t, "text/plain", s.res.Header.Get("Content-Type")) },
		"empty-body":        func(t *testing.T, s seen) { require.Empty(t, s.body) },
		"null-body":         func(t *testing.T, s seen) { require.Equal(t, "null", s.body) },
		"no-content":        status(204),
		"error-in-200": func(t *testing.T, s seen) {
			status(200)(t, s)
			require.Contains(t, s.body, `"errors"`)
		},
		"truncated-json": func(t *testing.T, s seen) { require.False(t, json.Valid([]byte(s.body))) },
		"trailing-bytes": contains("} trailing"), "duplicate-keys": contains(`{"data":null,"data":[`),
		"redirect": status(307), "redirect-get": status(302),
		"extra-fields": contains("new_in_2027"), "number-as-string": nil, "many-digits": nil,
		"string-as-number": contains(`"externalId":42`), "odd-dates": contains(`.2"`), "null-fields": contains(`"email":null`),
		"token-missing": nil, "expiry-missing": nil, "expiry-milliseconds": nil, "clock-skew": nil,
		"reset-before": reset, "reset-after": reset,
		"reset-during": func(t *testing.T, s seen) {
			require.ErrorIs(t, s.err, syscall.ECONNRESET)
			require.NotEmpty(t, s.body)
		},
		"truncated-body": func(t *testing.T, s seen) { require.ErrorIs(t, s.err, io.ErrUnexpectedEOF) },
		"no-answer":      after(time.Hour, reset),
		"slow-answer":    after(30*time.Second, status(200)),
		"slow-drip":      after(30*time.Second, status(200)),
		"endless-body":   func(t *testing.T, s seen) { require.Greater(t, len(s.body), 60<<20) },
	}
	for _, name := range sandbox.FaultNames() {
		check, known := checks[name]
		if strings.HasPrefix(name, "webhook-") {
			continue // in a test of their own
		}
		require.True(t, known, "%s has no check", name)
		require.NotEmpty(t, sandbox.FaultAbout(name))
		if check == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
				good(t, srv, "POST", "kuna/v2/customer/create", `{"email":"a@fake.invalid","firstName":"A","lastName":"B","country":"UA","externalId":"42","verificationDocumentId":"d","residenceAddress":"r"}`, kunaKey(srv)...)
				srv.Inject(sandbox.Fault{Name: name, Provider: specs.Kuna, Operation: "findCustomers", Count: 1})
				begin := time.Now()
				c := srv.Client()
				c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL(specs.Kuna)+"/v2/customer/find", strings.NewReader(`{}`))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Api-Key", srv.Credentials(specs.Kuna).APIKey)
				var s seen
				if s.res, s.err = c.Do(req); s.err == nil {
					var b []byte
					b, s.err = io.ReadAll(s.res.Body)
					s.body = string(b)
					_ = s.res.Body.Close()
					require.Equal(t, name, s.res.Header.Get(sandbox.FaultHeader))
				}
				s.took = time.Since(begin)
				check(t, s)
				synctest.Wait()
				x := srv.Requests()
				require.Equal(t, name, x[len(x)-1].Fault)
				status, _ := do(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
				require.Equal(t, 200, status, "once and no more")
				require.Empty(t, srv.Violations(), "a fault is not our mistake")
			})
		})
	}
}

func TestTokenFaults(t *testing.T) {
	srv := sandbox.Start(t)
	c := srv.Credentials(specs.Kuna)
	login := func() any {
		return good(t, srv, "POST", "kuna/v2/auth/login", `{"token":"`+c.Email+`","password":"`+c.Password+`"}`, "merchant_id", c.MerchantID)
	}
	with := func(f sandbox.Fault, check func()) {
		t.Helper()
		id := srv.Inject(f)
		check()
		srv.RemoveFault(id)
	}
	with(sandbox.Fault{Name: "token-missing"}, func() {
		require.Nil(t, at(login(), "data", "accessToken"))
		good(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
	})
	with(sandbox.Fault{Name: "expiry-missing"}, func() { require.Nil(t, at(login(), "data", "expiresIn")) })
	with(sandbox.Fault{Name: "expiry-milliseconds"}, func() { require.Greater(t, at(login(), "data", "expiresIn"), 1e12) })
	with(sandbox.Fault{Name: "clock-skew", Delay: time.Hour}, func() {
		require.Greater(t, at(login(), "data", "expiresIn"), float64(time.Now().Add(89*time.Minute).Unix()))
	})
	with(sandbox.Fault{Name: "number-as-string"}, func() { require.IsType(t, "", at(login(), "data", "expiresIn")) })
	with(sandbox.Fault{Name: "many-digits", Provider: specs.CryptoCloud}, func() {
		_, body := send(t, srv, "POST", "cryptocloud/v2/merchant/wallet/balance/all", "", tokenHeader(srv)...)
		require.Contains(t, body, "1000.00000000000000000001")
	})
	with(sandbox.Fault{Name: "unauthorized"}, func() { login() }) // never strikes a login unless told to
	with(sandbox.Fault{Name: "refresh-spent", Provider: specs.CryptoPay, Count: 1}, func() {
		_, refresh := cryptopayPair(t, srv)
		for range 2 {
			status, _ := do(t, srv, "POST", "cryptopay/api/auth/token/refresh/", `{"refresh":"`+refresh+`"}`)
			require.Equal(t, 401, status, "it stays spent")
		}
	})
	with(sandbox.Fault{Name: "documented", Provider: specs.CryptoCloud, Fixture: "createInvoice.response.400.invalid-amount.json"}, func() {
		status, v := do(t, srv, "POST", "cryptocloud/v2/invoice/create", `{"shop_id":"x","amount":1}`, tokenHeader(srv)...)
		require.Equal(t, 400, status)
		require.Equal(t, "Invalid value amount.", text(v, "result", "amount"))
	})
	with(sandbox.Fault{Name: "answer", Status: 402, Body: `{"pay":true}`}, func() {
		status, v := do(t, srv, "GET", "cryptopay/api/auth/verify/", "")
		require.Equal(t, 402, status)
		require.Equal(t, true, at(v, "pay"))
	})
	require.Empty(t, srv.Violations())
}

func TestWhatAResetLeavesBehind(t *testing.T) {
	for _, tc := range []struct {
		fault string
		count int
	}{{"reset-before", 0}, {"reset-after", 1}, {"reset-during", 1}, {"truncated-body", 1}, {"502", 0}, {"html-as-json", 1}, {"429-seconds", 0}} {
		t.Run(tc.fault, func(t *testing.T) {
			srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
			srv.Inject(sandbox.Fault{Name: tc.fault, Operation: "createInvoice", Count: 1})
			_, _, _ = try(srv, "POST", "cryptocloud/v2/invoice/create", `{"shop_id":"FAKESHOPID000001","amount":1}`, tokenHeader(srv)...)
			day := srv.Now().Format("02.01.2006")
			v := good(t, srv, "POST", "cryptocloud/v2/invoice/merchant/list", `{"start":"`+day+`","end":"`+day+`"}`, tokenHeader(srv)...)
			require.EqualValues(t, tc.count, at(v, "all_count"))
		})
	}
}

func TestRulesMatchInOrderSkipCountAndLeaveToChance(t *testing.T) {
	run := func(srv *sandbox.Server, n int) (out []int) {
		for range n {
			res, _ := send(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
			out = append(out, res.StatusCode)
		}
		return out
	}
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	srv.Inject(sandbox.Fault{Name: "503", Skip: 1, Count: 2})
	srv.Inject(sandbox.Fault{Name: "500", Operation: "findCustomers", Count: 2})
	srv.Inject(sandbox.Fault{Name: "504", Operation: "createCustomer"})
	require.Equal(t, []int{500, 503, 503, 500, 200}, run(srv, 5))
	rules := srv.Faults()
	require.Equal(t, 2, rules[0].Hits)
	require.Equal(t, 0, rules[2].Seen)
	srv.ClearFaults()

	srv.Inject(sandbox.Fault{Name: "500", Probability: 0.5})
	first := run(srv, 40)
	srv.Reset()
	srv.Inject(sandbox.Fault{Name: "500", Probability: 0.5})
	require.Equal(t, first, run(srv, 40), "chance follows the seed")
	require.Contains(t, first, 500)
	require.Contains(t, first, 200)
	require.Panics(t, func() { srv.Inject(sandbox.Fault{Name: "gremlins"}) })
	require.Panics(t, func() { srv.Inject(sandbox.Fault{Name: "500", Provider: "nobody"}) })
	require.Panics(t, func() { srv.Inject(sandbox.Fault{Name: "documented", Provider: specs.Kuna, Fixture: "x"}) })
}

// The same over real TCP, where a reset is an RST.
func TestFaultsOfTheWireOverTCP(t *testing.T) {
	s := sandbox.New(sandbox.WithProviders(specs.Kuna))
	defer s.Close()
	srv := httptest.NewServer(s)
	defer srv.Close()
	for name, want := range map[string]error{"reset-after": syscall.ECONNRESET, "reset-during": syscall.ECONNRESET, "truncated-body": io.ErrUnexpectedEOF} {
		s.Inject(sandbox.Fault{Name: name, Count: 1})
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, srv.URL+"/kuna/v2/rate/equivalent", nil)
		require.NoError(t, err)
		req.Header.Set("Api-Key", s.Credentials(specs.Kuna).APIKey)
		tr := &http.Transport{DisableKeepAlives: true}
		res, err := tr.RoundTrip(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		require.True(t, errors.Is(err, want) || errors.Is(err, io.EOF), "%s: %v", name, err)
	}
}
