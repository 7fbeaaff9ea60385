package clienttest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
)

// What does not even compile, so that no test can show it: one provider's
// credentials at another's New, a password where the user name goes (they are
// named fields), a Credentials of your own (its method is not exported), an
// option of another provider, an operation without its body.

// TestWrongUseFailsAtConstruction: what does compile names what is wrong.
func TestWrongUseFailsAtConstruction(t *testing.T) {
	made := func(c any, err error) error {
		if err == nil {
			t.Helper()
			t.Errorf("made a %T", c)
		}
		return err
	}
	base := "https://api.example.com"
	for want, err := range map[string]error{
		"APIKey":                  made(cryptocloud.New(cryptocloud.APIKey(""))),
		"cryptocloud: Key.APIKey": made(cryptocloud.New(cryptocloud.Keys{WithdrawalKey: "w"})),
		"kuna: APIKey":            made(kuna.New(kuna.APIKey(""), kuna.WithBaseURL(base))),
		"Email":                   made(kuna.New(kuna.Login{Password: "p", MerchantID: "m"}, kuna.WithBaseURL(base))),
		"Password":                made(kuna.New(kuna.Login{Email: "e", MerchantID: "m"}, kuna.WithBaseURL(base))),
		"MerchantID":              made(kuna.New(kuna.Login{Email: "e", Password: "p"}, kuna.WithBaseURL(base))),
		"LoginFunc":               made(kuna.New(kuna.LoginFunc(nil), kuna.WithBaseURL(base))),
		"no base URL":             made(kuna.New(kuna.APIKey("k"))),

		"cryptopay: no base URL": made(cryptopay.New(cryptopay.APIKey("k"))),
		"cryptopay.*APIKey":      made(cryptopay.New(cryptopay.APIKey(""), cryptopay.WithSandbox())),
		"Username":               made(cryptopay.New(cryptopay.Login{Password: "p"}, cryptopay.WithSandbox())),
		"cryptopay.*Password":    made(cryptopay.New(cryptopay.Login{Username: "u"}, cryptopay.WithSandbox())),
		"cryptopay.*nil":         made(cryptopay.New(cryptopay.LoginFunc(nil), cryptopay.WithSandbox())),

		"crypterium.*MerchantID": made(crypterium.New(crypterium.Merchant{Password: "p", UserAgent: "u"})),
		"crypterium.*Password":   made(crypterium.New(crypterium.Merchant{MerchantID: "m", UserAgent: "u"})),
		"UserAgent":              made(crypterium.New(crypterium.Merchant{MerchantID: "m", Password: "p"})),
		"MerchantFunc is nil":    made(crypterium.New(crypterium.MerchantFunc(nil))),

		"PublicKey":       made(ecartpay.New(ecartpay.Keys{PrivateKey: "p"})),
		"PrivateKey":      made(ecartpay.New(ecartpay.Keys{PublicKey: "p"})),
		"KeysFunc is nil": made(ecartpay.New(ecartpay.KeysFunc(nil))),

		"cryptocloud: credentials are nil": made(cryptocloud.New(nil)),
		"cryptopay: credentials are nil":   made(cryptopay.New(nil)),
		"crypterium: credentials are nil":  made(crypterium.New(nil)),
		"ecartpay: credentials are nil":    made(ecartpay.New(nil)),
		"kuna: credentials are nil":        made(kuna.New(nil)),

		"WithHTTPClient":        made(kuna.NewClient(base, kuna.WithHTTPClient(nil))),
		"nil .http.Client":      made(kuna.NewClient(base, kuna.WithHTTPClient((*http.Client)(nil)))),
		"WithRequestEditorFn":   made(kuna.NewClient(base, kuna.WithRequestEditorFn(nil))),
		"WithHook":              made(kuna.NewClient(base, kuna.WithHook(nil))),
		"WithLimiter":           made(kuna.NewClient(base, kuna.WithLimiter(nil))),
		"WithTimeout":           made(kuna.NewClient(base, kuna.WithTimeout(0))),
		"must be https":         made(kuna.NewClient("http://api.example.com")),
		"kuna: no base URL":     made(kuna.NewClient("")),
		"query or fragment":     made(kuna.NewClient(base + "?key=x")),
		"not hold a user":       made(kuna.NewClient("https://u:p@api.example.com")),
		"scheme and a host":     made(kuna.NewClient("api.example.com")),
		"(?i)with.?user.?agent": made(kuna.NewClient(base, kuna.WithUserAgent("a\nb"))),
	} {
		assert.Regexp(t, "(?i)"+want, err)
	}
}

func TestAClientThatNewDidNotMakeIsAnErrorAndNoPanic(t *testing.T) {
	c := &kuna.Client{Server: origin}
	_, err := c.GetRateEquivalents(context.Background())
	require.ErrorContains(t, err, "not made by New")
	require.NoError(t, c.Close(context.Background()))
	_, err = (&kuna.Client{}).GetRateEquivalents(context.Background())
	require.ErrorIs(t, err, apierr.ErrValidation)
}

func TestANilContextIsAnErrorAndNoPanic(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		var none context.Context
		_, err := dial(t, p, s).write(none)
		require.ErrorIs(t, err, apierr.ErrValidation)
		require.Empty(t, net.requests())
	})
}

// TestAForgottenAmountIsNotZero calls every operation with every json.Number of
// its body empty: none may go out as 0.
func TestAForgottenAmountIsNotZero(t *testing.T) {
	refused := 0
	for _, tc := range []struct {
		client func(*http.Client) (any, error)
	}{
		{func(h *http.Client) (any, error) { return cryptocloud.NewClient(origin, cryptocloud.WithHTTPClient(h)) }},
		{func(h *http.Client) (any, error) { return crypterium.NewClient(origin, crypterium.WithHTTPClient(h)) }},
		{func(h *http.Client) (any, error) { return ecartpay.NewClient(origin, ecartpay.WithHTTPClient(h)) }},
	} {
		net := &fake{answer: func(int, *http.Request) *http.Response { return reply(404, "{}") }}
		c, err := tc.client(&http.Client{Transport: net})
		require.NoError(t, err)
		v := reflect.ValueOf(c)
		for i := range v.NumMethod() {
			m := v.Type().Method(i)
			for j := 2; j < m.Type.NumIn()-1; j++ {
				body := m.Type.In(j)
				f, ok := reflect.StructField{}, false
				if body.Kind() == reflect.Struct {
					f, ok = body.FieldByName("Amount")
				}
				if !ok || f.Type != reflect.TypeFor[json.Number]() || strings.Contains(f.Tag.Get("json"), "omit") {
					continue
				}
				args := []reflect.Value{reflect.ValueOf(context.Background())}
				for k := 2; k < m.Type.NumIn()-1; k++ {
					a := reflect.New(m.Type.In(k)).Elem()
					fill(a, "x1")
					if k == j {
						a.FieldByName("Amount").SetString("")
					}
					args = append(args, a)
				}
				res := v.Method(i).Call(args)
				err, _ := res[len(res)-1].Interface().(error)
				require.ErrorIs(t, err, apierr.ErrValidation, m.Name)
				require.ErrorContains(t, err, "member amount is an empty json.Number", m.Name)
				refused++
			}
		}
		require.Empty(t, net.requests())
	}
	require.GreaterOrEqual(t, refused, 6, "the calls with an amount were not found")
}

func TestEnvironmentOfOneProviderIsNotReadByAnother(t *testing.T) {
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		for _, prefix := range []string{"CRYPTOCLOUD_", "CRYPTOPAY_", "CRYPTERIUM_", "ECARTPAY_", "KUNA_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	open := map[string]func() (any, error){
		"CRYPTOCLOUD_": func() (any, error) { return cryptocloud.FromEnv() },
		"CRYPTOPAY_":   func() (any, error) { return cryptopay.FromEnv() },
		"CRYPTERIUM_":  func() (any, error) { return crypterium.FromEnv() },
		"ECARTPAY_":    func() (any, error) { return ecartpay.FromEnv() },
		"KUNA_":        func() (any, error) { return kuna.FromEnv() },
	}
	for mine := range open {
		t.Run(mine, func(t *testing.T) {
			for _, name := range []string{"API_KEY", "USERNAME", "PASSWORD", "MERCHANT_ID", "USER_AGENT", "PUBLIC_KEY", "PRIVATE_KEY", "EMAIL"} {
				t.Setenv(mine+name, "fake")
			}
			t.Setenv(mine+"BASE_URL", "https://api.example.com")
			for prefix, f := range open {
				_, err := f()
				require.Equal(t, prefix != mine, err != nil, "%s with the environment of %s: %v", prefix, mine, err)
				if err != nil {
					require.Contains(t, strings.ToUpper(err.Error()), prefix)
				}
			}
			t.Setenv(mine+"BASE_URL", "http://api.example.com")
			_, err := open[mine]()
			require.ErrorContains(t, err, "https")
		})
	}
}

func TestWithdrawalPacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		net := &fake{answer: func(n int, req *http.Request) *http.Response {
			if op, _ := operation.From(req.Context()); op.ID == "createWithdrawal" {
				at = append(at, time.Since(start))
				time.Sleep(time.Second) // the provider thinks
				if len(at) == 2 {
					return nil // no answer counts as one
				}
			}
			return reply(400, "{}")
		}}
		pacing := cryptocloud.WithWithdrawalPacing()
		open := func() *cryptocloud.Client {
			c, err := cryptocloud.New(cryptocloud.Keys{APIKey: "k", WithdrawalKey: "w"}, pacing, cryptocloud.WithHTTPClient(&http.Client{Transport: net}), cryptocloud.WithTimeout(time.Minute))
			require.NoError(t, err)
			return c
		}
		a, b := open(), open()
		body := cryptocloud.CreateWithdrawalRequest{Amount: "1", CurrencyCode: "BTC", ToAddress: "x"}
		done := make(chan error)
		for _, c := range []*cryptocloud.Client{a, b, a} {
			go func() { _, err := c.CreateWithdrawal(t.Context(), body); done <- err }()
		}
		synctest.Wait()
		_, err := b.GetBalances(t.Context()) // all else passes
		require.Error(t, err)
		require.Zero(t, time.Since(start))
		for range 3 {
			<-done
		}
		require.Equal(t, []time.Duration{0, 13 * time.Second, 26 * time.Second}, at)

		// A deadline before its turn: refused at once, unsent, with a hint.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		before := time.Now()
		_, err = a.CreateWithdrawal(ctx, body)
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, apierr.ErrRateLimited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
		require.Equal(t, 12*time.Second, e.RetryAfter)
		require.Zero(t, time.Since(before))
		require.Len(t, at, 3)
		// The turn was given back.
		_, err = a.CreateWithdrawal(t.Context(), body)
		require.Error(t, err)
		require.Len(t, at, 4)
	})
}

func TestRateLimitOfCryptoPay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, sent := 3, 0
		reset := time.Now().Add(30 * time.Second)
		net := &fake{answer: func(int, *http.Request) *http.Response {
			sent++
			if time.Now().After(reset) || time.Now().Equal(reset) {
				left, reset = 3, reset.Add(time.Hour)
			}
			left--
			res := reply(404, "{}")
			res.Header.Set("X-RateLimit-Limit", "3")
			res.Header.Set("X-RateLimit-Remaining", itoa(left))
			res.Header.Set("X-RateLimit-Reset", itoa(int(reset.Add(time.Hour).Unix()))) // the provider's clock is an hour ahead
			res.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			return res
		}}
		c, err := cryptopay.New(cryptopay.APIKey("k"), cryptopay.WithSandbox(), cryptopay.WithRateLimit(), cryptopay.WithHTTPClient(&http.Client{Transport: net}),
			cryptopay.WithRetry(retry.Policy{}))
		require.NoError(t, err)
		start := time.Now()
		call := func(ctx context.Context) error { _, err := c.VerifyToken(ctx); return err }
		for range 3 {
			require.ErrorIs(t, call(t.Context()), apierr.ErrNotFound)
		}
		require.Zero(t, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err = call(ctx)
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, apierr.ErrRateLimited)
		require.Equal(t, 30*time.Second, e.RetryAfter)
		require.Equal(t, 3, sent)
		require.Zero(t, time.Since(start))

		require.ErrorIs(t, call(t.Context()), apierr.ErrNotFound, "waits for the next hour")
		require.Equal(t, 30*time.Second, time.Since(start))
		require.Equal(t, 4, sent)
	})
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
