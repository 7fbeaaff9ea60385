package clienttest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// fill makes a value that a request can be built of.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		if v.Type() == reflect.TypeFor[json.Number]() {
			v.SetString("1")
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	case reflect.Pointer:
		// Optional members stay away; parameter objects do not.
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{}`))
		} else if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), text)
		}
	}
}

// callAll calls every operation of a client once, and returns them by name.
func callAll(c any, text string) map[string]error {
	out := map[string]error{}
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		n := m.Type.NumIn()
		if n < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() || !m.Type.IsVariadic() || strings.HasPrefix(m.Name, "All") {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(context.Background())}
		for j := 2; j < n-1; j++ {
			a := reflect.New(m.Type.In(j)).Elem()
			if a.Kind() == reflect.Pointer {
				a.Set(reflect.New(a.Type().Elem()))
				fill(a.Elem(), text)
			} else {
				fill(a, text)
			}
			args = append(args, a)
		}
		res := v.Method(i).Call(args)
		err, _ := res[len(res)-1].Interface().(error)
		out[m.Name] = err
	}
	return out
}

// credential is what each scheme of each document must put on a request.
var credential = map[string]map[string]string{
	specs.CryptoCloud: {
		"projectKey":    "Authorization: Token " + string(canary("project")),
		"withdrawalKey": "Authorization: Token " + string(canary("withdrawal")),
	},
	specs.CryptoPay: {"bearer": "Authorization: Bearer " + string(canary("key"))},
	specs.Crypterium: {
		"merchantToken":  "Authorization: Bearer " + string(canary("token")),
		"merchantClient": "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("merchant:merchant")),
	},
	specs.EcartPay: {
		"authorizationToken": "Authorization: " + string(canary("token")),
		"apiKeys":            "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("fake-public:"+string(canary("private")))),
	},
	specs.Kuna: {"apiKey": "Api-Key: " + string(canary("key"))},
}

// TestEachOperationGetsTheSchemeItsDocumentDeclares calls every operation of
// every document.
func TestEachOperationGetsTheSchemeItsDocumentDeclares(t *testing.T) {
	each(t, func(t *testing.T, p provider, net *fake, s settings) {
		checkSecurity(t, p.name, net, dial(t, p, s).value, credential[p.name])
	})
	t.Run("kuna with a login", func(t *testing.T) {
		net := &fake{}
		c, err := kuna.New(kuna.Login{Email: "a@example.com", Password: canary("password"), MerchantID: "m"},
			kuna.WithBaseURL(origin), kuna.WithHTTPClient(&http.Client{Transport: net}))
		require.NoError(t, err)
		checkSecurity(t, specs.Kuna, net, c, map[string]string{"bearer": "Authorization: Bearer " + string(canary("token"))})
	})
	t.Run("none without credentials", func(t *testing.T) {
		each(t, func(t *testing.T, p provider, net *fake, s settings) {
			c, err := p.withoutSecret(s)
			require.NoError(t, err)
			checkSecurity(t, p.name, net, c.value, nil)
		})
	})
}

func checkSecurity(t *testing.T, name string, net *fake, c any, schemes map[string]string) {
	t.Helper()
	net.answer = func(int, *http.Request) *http.Response { return reply(404, "{}") }
	for method, err := range callAll(c, "x1") {
		require.Error(t, err, method)
	}
	checker, err := contract.For(name)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, req := range net.requests() {
		op, ok := operation.From(req.Context())
		require.True(t, ok)
		seen[op.ID] = true
		info, ok := checker.Lookup(op.ID)
		require.True(t, ok, op.ID)
		require.Equal(t, []string{info.Method, info.Path, info.Effect, info.Outcome}, []string{op.Method, op.Path, string(op.Effect), strings.TrimSpace(op.Outcome)}, op.ID)

		want := ""
		for _, alternative := range info.Security {
			if len(alternative) == 1 && schemes[alternative[0]] != "" && want == "" {
				want = schemes[alternative[0]]
			}
		}
		got := ""
		for _, h := range []string{"Authorization", "Api-Key"} {
			if v := req.Header.Get(h); v != "" {
				got += h + ": " + v
			}
		}
		require.Equal(t, want, got, "%s declares %v", op.ID, info.Security)
	}
	for _, info := range checker.Operations() {
		require.True(t, seen[info.ID], "%s was not called", info.ID)
		require.False(t, info.Effect == "write" && (info.Method == http.MethodGet || info.Method == http.MethodHead),
			"%s: net/http repeats a %s by itself", info.ID, info.Method)
	}
}

// FuzzRouting puts arbitrary texts into every path and query parameter: each
// request that is built goes to its own operation, on its own origin.
func FuzzRouting(f *testing.F) {
	for _, s := range []string{
		"x", "a/b", "../x", "..", ".", "%2e%2e", "%252e%252e", "a/../b", `..\x`, "..;a", "?a=b", "#f", "&c=d", "a b", "\x00", "é", "//evil.example.net",
		"@evil.example.net", "%2F", ":80", "a%", "{id}", "info", "summary", "my-subscriptions", "public", "cards",
	} {
		f.Add(s)
	}
	type row struct {
		p       provider
		net     *fake
		c       any
		checker *contract.Checker
	}
	var rows []row
	for _, p := range providers {
		net := &fake{}
		c, err := p.withoutSecret(settings{base: origin + "/base", doer: &http.Client{Transport: net}, retry: &once})
		require.NoError(f, err)
		checker, err := contract.For(p.name)
		require.NoError(f, err)
		checker, err = checker.With(contract.WithServer(origin + "/base"))
		require.NoError(f, err)
		net.answer = func(int, *http.Request) *http.Response { return reply(404, "{}") }
		rows = append(rows, row{p, net, c.value, checker})
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range rows {
			r.net.seen, r.net.bodies = nil, nil
			callAll(r.c, text)
			for _, req := range r.net.requests() {
				op, _ := operation.From(req.Context())
				require.Equal(t, "https", req.URL.Scheme)
				require.Equal(t, "api.example.com", req.URL.Host)
				require.Equal(t, "api.example.com", req.Host)
				require.Empty(t, req.URL.Fragment)
				require.Nil(t, req.URL.User)
				// As a server reads it from the wire.
				wire, err := http.NewRequest(req.Method, origin+req.URL.RequestURI(), nil)
				require.NoError(t, err)
				id, ok := r.checker.Operation(wire)
				require.True(t, ok, "%s: no operation at %s", op, req.URL)
				require.Equal(t, op.ID, id, "%s", req.URL)
				for _, values := range req.URL.Query() {
					for _, v := range values {
						require.True(t, strings.HasSuffix(v, text) || v == "1" || v == "0" || v == "false", "%s: query value %q of %q", op, v, text)
					}
				}
			}
		}
	})
}

// FuzzMoney: digits of an amount come through decoding and encoding unchanged.
func FuzzMoney(f *testing.F) {
	for _, s := range []string{"0", "0.1", "1e2", "12345678.91", "0.00000001", "99999999999999999999.99", "-0", "1.10", "1E-8", "100.00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if !json.Valid([]byte(digits)) || !strings.ContainsAny(digits[:1], "-0123456789") || strings.TrimSpace(digits) != digits {
			t.Skip("not a number")
		}
		for _, tc := range []struct {
			into any
			body string
		}{
			{into: new(cryptocloud.CreateInvoiceRequest), body: `{"shop_id":"s","amount":%s}`},
			{into: new(cryptocloud.Invoice), body: `{"amount":%s,"amount_usd":%s,"fee":%s}`},
			{into: new(crypterium.CreditCustomerRequest), body: `{"amount":%s,"currency":"USD"}`},
			{into: new(ecartpay.CreatePayoutRequest), body: `{"amount":%s}`},
		} {
			body := strings.ReplaceAll(tc.body, "%s", digits)
			require.NoError(t, json.Unmarshal([]byte(body), tc.into))
			again, err := json.Marshal(tc.into)
			require.NoError(t, err)
			var want, got map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &want))
			require.NoError(t, json.Unmarshal(again, &got))
			for _, name := range slices.Sorted(maps.Keys(want)) {
				require.Equal(t, string(want[name]), string(got[name]), fmt.Sprintf("%T.%s", tc.into, name))
			}
		}
	})
}
