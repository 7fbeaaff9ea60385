package gen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// newClient makes a client of each provider without credentials.
var newClient = map[string]func(t *testing.T, doer doer) any{
	specs.CryptoCloud: func(t *testing.T, d doer) any {
		return must(cryptocloud.NewClient(base, cryptocloud.WithHTTPClient(d)))(t)
	},
	specs.CryptoPay: func(t *testing.T, d doer) any { return must(cryptopay.NewClient(base, cryptopay.WithHTTPClient(d)))(t) },
	specs.Crypterium: func(t *testing.T, d doer) any {
		return must(crypterium.NewClient(base, crypterium.WithHTTPClient(d)))(t)
	},
	specs.EcartPay: func(t *testing.T, d doer) any { return must(ecartpay.NewClient(base, ecartpay.WithHTTPClient(d)))(t) },
	specs.Kuna:     func(t *testing.T, d doer) any { return must(kuna.NewClient(base, kuna.WithHTTPClient(d)))(t) },
}

// webhooks are the types of the webhook payloads, by schema name.
var webhooks = map[string]reflect.Type{
	"cryptocloud.InvoicePostback":   reflect.TypeFor[cryptocloud.InvoicePostback](),
	"cryptocloud.InvoicePostbackV1": reflect.TypeFor[cryptocloud.InvoicePostbackV1](),
	"cryptopay.PaymentEvent":        reflect.TypeFor[cryptopay.PaymentEvent](),
	"crypterium.MerchantCallback":   reflect.TypeFor[crypterium.MerchantCallback](),
	"ecartpay.Notification":         reflect.TypeFor[ecartpay.Notification](),
}

const base = "https://api.invalid"

// doer answers every request with one documented payload.
type doer func(req *http.Request) (*http.Response, error)

func (d doer) Do(req *http.Request) (*http.Response, error) { return d(req) }

func must(c any, err error) func(t *testing.T) any {
	return func(t *testing.T) any {
		t.Helper()
		require.NoError(t, err)
		return c
	}
}

func TestEveryDocumentedAnswerComesBackWhole(t *testing.T) {
	eachFixture(t, specs.Response, func(t *testing.T, f specs.Fixture, op contract.OperationInfo) {
		if strings.HasPrefix(f.Status, "4") || strings.HasPrefix(f.Status, "5") {
			return
		}
		got, err := invoke(t, f, op, status(f, op))
		require.NoError(t, err)
		want := f.Body
		if op.Result != "" {
			var envelope map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(f.Body, &envelope))
			want = envelope[op.Result]
		}
		requireSameKeys(t, want, got)
	})
}

func TestEveryDocumentedErrorIsTyped(t *testing.T) {
	eachFixture(t, specs.Response, func(t *testing.T, f specs.Fixture, op contract.OperationInfo) {
		if strings.HasPrefix(f.Status, "2") {
			return
		}
		_, err := invoke(t, f, op, status(f, op))
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, op.ID, e.Operation.ID)
		require.NotEmpty(t, e.Kinds, "the kind of the error")
		require.NotErrorIs(t, err, apierr.ErrUnexpectedResponse, "a documented error is expected")
		require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown, "the provider said that it failed")
		require.True(t, e.Message != "" || len(e.Fields) > 0, "the provider's words")
	})
}

func TestEveryDocumentedRequestComesBackWhole(t *testing.T) {
	eachFixture(t, specs.Request, func(t *testing.T, f specs.Fixture, op contract.OperationInfo) {
		ex, err := specs.ExceptionsOf(f.Provider)
		require.NoError(t, err)
		if _, bad := ex.KnownBad[f.Name]; bad || f.Form {
			t.Skip("not a valid JSON request")
		}
		m := method(t, newClient[f.Provider](t, nil), op.ID)
		body := reflect.New(m.Type().In(m.Type().NumIn() - 2))
		require.NoError(t, json.Unmarshal(f.Body, body.Interface()))
		got, err := json.Marshal(body.Interface())
		require.NoError(t, err)
		requireSameKeys(t, f.Body, got)
	})
}

func TestEveryWebhookComesBackWhole(t *testing.T) {
	for _, p := range specs.Providers() {
		fixtures, err := specs.Fixtures(p)
		require.NoError(t, err)
		for _, f := range fixtures {
			if f.Kind != specs.Webhook || f.Form {
				continue
			}
			t.Run(p+"/"+f.Name, func(t *testing.T) {
				typ := webhooks[p+"."+contract.WebhookSchema(f.Operation)]
				require.NotNil(t, typ, "no Go type for the webhook")
				v := reflect.New(typ)
				require.NoError(t, json.Unmarshal(f.Body, v.Interface()))
				got, err := json.Marshal(v.Interface())
				require.NoError(t, err)
				requireSameKeys(t, f.Body, got)
			})
		}
	}
}

// TestNoAnswerIsEverNilAndNil gives every operation what it must not take for
// a success.
func TestNoAnswerIsEverNilAndNil(t *testing.T) {
	for _, p := range specs.Providers() {
		checker, err := contract.For(p)
		require.NoError(t, err)
		for _, op := range checker.Operations() {
			for name, body := range map[string]string{"HTML": "<html>bad gateway</html>", "null": "null", "cut off": `{"data":{"a`} {
				t.Run(p+"/"+op.ID+"/"+name, func(t *testing.T) {
					_, err := invoke(t, specs.Fixture{Provider: p, Body: []byte(body)}, op, http.StatusOK)
					m := method(t, newClient[p](t, nil), op.ID)
					if out := m.Type().Out(0); out.Kind() == reflect.Pointer || (out.Kind() == reflect.Slice && out.Elem().Kind() == reflect.Struct) {
						require.Error(t, err, "a typed answer")
						require.ErrorIs(t, err, apierr.ErrUnexpectedResponse)
					}
				})
			}
		}
	}
}

func eachFixture(t *testing.T, kind specs.Kind, check func(*testing.T, specs.Fixture, contract.OperationInfo)) {
	t.Helper()
	for _, p := range specs.Providers() {
		checker, err := contract.For(p)
		require.NoError(t, err)
		fixtures, err := specs.Fixtures(p)
		require.NoError(t, err)
		for _, f := range fixtures {
			if f.Kind != kind {
				continue
			}
			for _, op := range checker.Operations() {
				if op.ID == f.Operation || (f.Any() && slices.ContainsFunc(op.Statuses, f.MatchesStatus)) {
					t.Run(p+"/"+f.Name+"/"+op.ID, func(t *testing.T) { check(t, f, op) })
				}
			}
		}
	}
}

func status(f specs.Fixture, op contract.OperationInfo) int {
	for _, s := range op.Statuses {
		if f.MatchesStatus(s) {
			var n json.Number = json.Number(s)
			i, _ := n.Int64()
			return int(i)
		}
	}
	return 0
}

// invoke calls the generated method of an operation, answers it with the
// fixture and returns what it decoded, encoded again.
func invoke(t *testing.T, f specs.Fixture, op contract.OperationInfo, status int) ([]byte, error) {
	t.Helper()
	require.NotZero(t, status, "the document does not declare the status")
	client := newClient[f.Provider](t, func(req *http.Request) (*http.Response, error) {
		got, ok := operation.From(req.Context())
		require.True(t, ok)
		require.Equal(t, op.ID, got.ID)
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader(f.Body)), ContentLength: int64(len(f.Body)), Request: req,
		}, nil
	})
	m := method(t, client, op.ID)
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	for i := 1; i < m.Type().NumIn()-1; i++ {
		v := reflect.New(m.Type().In(i)).Elem()
		fill(v, 0)
		args = append(args, v)
	}
	out := m.Call(args)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return nil, err
	}
	if len(out) == 1 {
		return nil, nil
	}
	if out[0].Type() == reflect.TypeFor[[]byte]() {
		return out[0].Bytes(), nil
	}
	got, err := json.Marshal(out[0].Interface())
	require.NoError(t, err)
	return got, nil
}

func method(t *testing.T, client any, id string) reflect.Value {
	t.Helper()
	v := reflect.ValueOf(client)
	for i := range v.NumMethod() {
		if strings.EqualFold(v.Type().Method(i).Name, id) {
			return v.Method(i)
		}
	}
	t.Fatalf("no method for operation %s", id)
	return reflect.Value{}
}

// fill puts something into every required argument.
func fill(v reflect.Value, depth int) {
	switch {
	case v.Type() == reflect.TypeFor[json.Number]():
		v.SetString("1")
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Pointer && depth == 0: // a parameter object
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), depth+1)
			}
		}
	}
}

// requireSameKeys demands that no member of want is missing in got, that no
// scalar changed, and that numbers kept their digits.
func requireSameKeys(t *testing.T, want, got []byte) {
	t.Helper()
	var w, g any
	decode := func(b []byte, v *any) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		require.NoError(t, d.Decode(v))
	}
	decode(want, &w)
	decode(got, &g)
	compare(t, "", w, g)
}

func compare(t *testing.T, path string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, "%s is no longer an object", path)
		for _, name := range slices.Sorted(maps.Keys(w)) {
			v, ok := g[name]
			require.True(t, ok, "%s/%s is lost", path, name)
			compare(t, path+"/"+name, w[name], v)
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, "%s is no longer an array", path)
		require.Len(t, g, len(w), path)
		for i := range w {
			compare(t, path+"/*", w[i], g[i])
		}
	case string:
		g, ok := got.(string)
		require.True(t, ok, "%s is no longer a string", path)
		if g != w { // time.Time drops trailing zeros of a second
			require.Equal(t, strings.TrimRight(strings.TrimSuffix(w, "Z"), ".0"), strings.TrimRight(strings.TrimSuffix(g, "Z"), ".0"), path)
		}
	default:
		require.Equal(t, want, got, path)
	}
}
