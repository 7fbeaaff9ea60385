package clienttest_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

type editor = func(context.Context, *http.Request) error

// settings are the options of a client, in a form that fits all five.
type settings struct {
	base string
	doer interface {
		Do(*http.Request) (*http.Response, error)
	}
	timeout  time.Duration
	retry    *retry.Policy
	agent    string
	editors  []editor
	hooks    []func(context.Context, operation.Attempt)
	limiters []operation.Limiter
	logger   *slog.Logger
}

// provider is one row of the table: its client, its main write, its main read.
type provider struct {
	name          string
	write, read   string // operationIds
	connect       func(settings) (client, error)
	withoutSecret func(settings) (client, error) // NewClient
}

// client is a made client, and calls of it with documented bodies.
type client struct {
	value any // *kuna.Client and so on
	write func(context.Context, ...editor) (any, error)
	read  func(context.Context, ...editor) (any, error)
	do    func(*http.Request, ...editor) (*http.Response, error)
	close func(context.Context) error
}

// canary is a fake credential that must never show up in anything printed.
func canary(what string) authn.Secret { return authn.Secret("canary-" + what + "-5ecre7") }

// pointer keeps a nil of a type from becoming a value that is not nil.
func pointer[T any](v *T, err error) (any, error) {
	if v == nil {
		return nil, err
	}
	return v, err
}

func slice[T any](v []T, err error) (any, error) {
	if v == nil {
		return nil, err
	}
	return v, err
}

// fixture is a documented body.
func fixture(t testing.TB, provider, operation string, kind specs.Kind, variant ...string) []byte {
	t.Helper()
	all, err := specs.Fixtures(provider)
	require.NoError(t, err)
	for _, f := range all {
		if f.Operation == operation && f.Kind == kind && !f.Form && (len(variant) == 0 || f.Variant == variant[0]) &&
			(kind != specs.Response || f.Status[0] == '2') {
			return f.Body
		}
	}
	require.FailNow(t, "no fixture", "%s %s %s %v", provider, operation, kind, variant)
	return nil
}

// decoded is a documented request.
func decoded[T any](provider, operation string) T {
	all, err := specs.Fixtures(provider)
	if err != nil {
		panic(err)
	}
	for _, f := range all {
		if f.Operation == operation && f.Kind == specs.Request && !f.Form {
			var v T
			if err := json.Unmarshal(f.Body, &v); err != nil {
				panic(err)
			}
			return v
		}
	}
	panic("no request of " + operation)
}

var providers = []provider{
	{
		name: specs.CryptoCloud, write: "createInvoice", read: "getInvoicesInfo",
		connect: func(s settings) (client, error) {
			return cryptocloudClient(cryptocloud.New(cryptocloud.Keys{APIKey: canary("project"), WithdrawalKey: canary("withdrawal")}, cryptocloudOptions(s)...))
		},
		withoutSecret: func(s settings) (client, error) {
			return cryptocloudClient(cryptocloud.NewClient(s.base, cryptocloudOptions(s)...))
		},
	},
	{
		name: specs.CryptoPay, write: "createPaymentOrder", read: "getTransaction",
		connect: func(s settings) (client, error) {
			return cryptopayClient(cryptopay.New(cryptopay.APIKey(string(canary("key"))), cryptopayOptions(s)...))
		},
		withoutSecret: func(s settings) (client, error) {
			return cryptopayClient(cryptopay.NewClient(s.base, cryptopayOptions(s)...))
		},
	},
	{
		name: specs.Crypterium, write: "registerCustomer", read: "listCustomers",
		connect: func(s settings) (client, error) {
			return crypteriumClient(crypterium.New(crypterium.Merchant{MerchantID: "fake-merchant", Password: canary("password"), UserAgent: "Mozilla/5.0 (fake)"}, crypteriumOptions(s)...))
		},
		withoutSecret: func(s settings) (client, error) {
			return crypteriumClient(crypterium.NewClient(s.base, crypteriumOptions(s)...))
		},
	},
	{
		name: specs.EcartPay, write: "createOrder", read: "getCheckout",
		connect: func(s settings) (client, error) {
			return ecartpayClient(ecartpay.New(ecartpay.Keys{PublicKey: "fake-public", PrivateKey: canary("private")}, ecartpayOptions(s)...))
		},
		withoutSecret: func(s settings) (client, error) {
			return ecartpayClient(ecartpay.NewClient(s.base, ecartpayOptions(s)...))
		},
	},
	{
		name: specs.Kuna, write: "createCustomer", read: "getRateEquivalents",
		connect: func(s settings) (client, error) {
			return kunaClient(kuna.New(kuna.APIKey(string(canary("key"))), kunaOptions(s)...))
		},
		withoutSecret: func(s settings) (client, error) {
			return kunaClient(kuna.NewClient(s.base, kunaOptions(s)...))
		},
	},
}

func cryptocloudOptions(s settings) []cryptocloud.ClientOption {
	var o []cryptocloud.ClientOption
	if s.base != "" {
		o = append(o, cryptocloud.WithBaseURL(s.base))
	}
	if s.doer != nil {
		o = append(o, cryptocloud.WithHTTPClient(s.doer))
	}
	if s.timeout != 0 {
		o = append(o, cryptocloud.WithTimeout(s.timeout))
	}
	if s.retry != nil {
		o = append(o, cryptocloud.WithRetry(*s.retry))
	}
	if s.agent != "" {
		o = append(o, cryptocloud.WithUserAgent(s.agent))
	}
	if s.logger != nil {
		o = append(o, cryptocloud.WithLogger(s.logger))
	}
	for _, e := range s.editors {
		o = append(o, cryptocloud.WithRequestEditorFn(e))
	}
	for _, h := range s.hooks {
		o = append(o, cryptocloud.WithHook(h))
	}
	for _, l := range s.limiters {
		o = append(o, cryptocloud.WithLimiter(l))
	}
	return append(o, nil) // a nil option is none
}

func cryptocloudClient(c *cryptocloud.Client, err error) (client, error) {
	if err != nil {
		return client{}, err
	}
	body := decoded[cryptocloud.CreateInvoiceRequest]("cryptocloud", "createInvoice")
	return client{
		value: c,
		write: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.CreateInvoice(ctx, body, e...))
		},
		read: func(ctx context.Context, e ...editor) (any, error) {
			return slice(c.GetInvoicesInfo(ctx, decoded[cryptocloud.GetInvoicesInfoRequest]("cryptocloud", "getInvoicesInfo"), e...))
		},
		do:    c.Do,
		close: c.Close,
	}, nil
}

func cryptopayOptions(s settings) []cryptopay.ClientOption {
	var o []cryptopay.ClientOption
	if s.base != "" {
		o = append(o, cryptopay.WithBaseURL(s.base))
	}
	if s.doer != nil {
		o = append(o, cryptopay.WithHTTPClient(s.doer))
	}
	if s.timeout != 0 {
		o = append(o, cryptopay.WithTimeout(s.timeout))
	}
	if s.retry != nil {
		o = append(o, cryptopay.WithRetry(*s.retry))
	}
	if s.agent != "" {
		o = append(o, cryptopay.WithUserAgent(s.agent))
	}
	if s.logger != nil {
		o = append(o, cryptopay.WithLogger(s.logger))
	}
	for _, e := range s.editors {
		o = append(o, cryptopay.WithRequestEditorFn(e))
	}
	for _, h := range s.hooks {
		o = append(o, cryptopay.WithHook(h))
	}
	for _, l := range s.limiters {
		o = append(o, cryptopay.WithLimiter(l))
	}
	return append(o, nil) // a nil option is none
}

func cryptopayClient(c *cryptopay.Client, err error) (client, error) {
	if err != nil {
		return client{}, err
	}
	body := decoded[cryptopay.CreatePaymentOrderRequest]("cryptopay", "createPaymentOrder")
	return client{
		value: c,
		write: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.CreatePaymentOrder(ctx, body, e...))
		},
		read: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.GetTransaction(ctx, "0xabcdef1234567890", e...))
		},
		do:    c.Do,
		close: c.Close,
	}, nil
}

func crypteriumOptions(s settings) []crypterium.ClientOption {
	var o []crypterium.ClientOption
	if s.base != "" {
		o = append(o, crypterium.WithBaseURL(s.base))
	}
	if s.doer != nil {
		o = append(o, crypterium.WithHTTPClient(s.doer))
	}
	if s.timeout != 0 {
		o = append(o, crypterium.WithTimeout(s.timeout))
	}
	if s.retry != nil {
		o = append(o, crypterium.WithRetry(*s.retry))
	}
	if s.agent != "" {
		o = append(o, crypterium.WithUserAgent(s.agent))
	}
	if s.logger != nil {
		o = append(o, crypterium.WithLogger(s.logger))
	}
	for _, e := range s.editors {
		o = append(o, crypterium.WithRequestEditorFn(e))
	}
	for _, h := range s.hooks {
		o = append(o, crypterium.WithHook(h))
	}
	for _, l := range s.limiters {
		o = append(o, crypterium.WithLimiter(l))
	}
	return append(o, nil) // a nil option is none
}

func crypteriumClient(c *crypterium.Client, err error) (client, error) {
	if err != nil {
		return client{}, err
	}
	body := decoded[crypterium.RegisterCustomerRequest]("crypterium", "registerCustomer")
	return client{
		value: c,
		write: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.RegisterCustomer(ctx, body, e...))
		},
		read: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.ListCustomers(ctx, nil, e...))
		},
		do:    c.Do,
		close: c.Close,
	}, nil
}

func ecartpayOptions(s settings) []ecartpay.ClientOption {
	var o []ecartpay.ClientOption
	if s.base != "" {
		o = append(o, ecartpay.WithBaseURL(s.base))
	}
	if s.doer != nil {
		o = append(o, ecartpay.WithHTTPClient(s.doer))
	}
	if s.timeout != 0 {
		o = append(o, ecartpay.WithTimeout(s.timeout))
	}
	if s.retry != nil {
		o = append(o, ecartpay.WithRetry(*s.retry))
	}
	if s.agent != "" {
		o = append(o, ecartpay.WithUserAgent(s.agent))
	}
	if s.logger != nil {
		o = append(o, ecartpay.WithLogger(s.logger))
	}
	for _, e := range s.editors {
		o = append(o, ecartpay.WithRequestEditorFn(e))
	}
	for _, h := range s.hooks {
		o = append(o, ecartpay.WithHook(h))
	}
	for _, l := range s.limiters {
		o = append(o, ecartpay.WithLimiter(l))
	}
	return append(o, nil) // a nil option is none
}

func ecartpayClient(c *ecartpay.Client, err error) (client, error) {
	if err != nil {
		return client{}, err
	}
	body := decoded[ecartpay.CreateOrderRequest]("ecartpay", "createOrder")
	return client{
		value: c,
		write: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.CreateOrder(ctx, body, e...))
		},
		read: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.GetCheckout(ctx, "61a5427df6ea776ee3b38344", e...))
		},
		do:    c.Do,
		close: c.Close,
	}, nil
}

func kunaOptions(s settings) []kuna.ClientOption {
	var o []kuna.ClientOption
	if s.base != "" {
		o = append(o, kuna.WithBaseURL(s.base))
	}
	if s.doer != nil {
		o = append(o, kuna.WithHTTPClient(s.doer))
	}
	if s.timeout != 0 {
		o = append(o, kuna.WithTimeout(s.timeout))
	}
	if s.retry != nil {
		o = append(o, kuna.WithRetry(*s.retry))
	}
	if s.agent != "" {
		o = append(o, kuna.WithUserAgent(s.agent))
	}
	if s.logger != nil {
		o = append(o, kuna.WithLogger(s.logger))
	}
	for _, e := range s.editors {
		o = append(o, kuna.WithRequestEditorFn(e))
	}
	for _, h := range s.hooks {
		o = append(o, kuna.WithHook(h))
	}
	for _, l := range s.limiters {
		o = append(o, kuna.WithLimiter(l))
	}
	return append(o, nil) // a nil option is none
}

func kunaClient(c *kuna.Client, err error) (client, error) {
	if err != nil {
		return client{}, err
	}
	body := decoded[kuna.CreateCustomerRequest]("kuna", "createCustomer")
	return client{
		value: c,
		write: func(ctx context.Context, e ...editor) (any, error) {
			return pointer(c.CreateCustomer(ctx, body, e...))
		},
		read: func(ctx context.Context, e ...editor) (any, error) {
			return slice(c.GetRateEquivalents(ctx, e...))
		},
		do:    c.Do,
		close: c.Close,
	}, nil
}
