package sandbox_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// inbox is a merchant's webhook receiver.
type inbox struct {
	mu     sync.Mutex
	status []int // answers in turn; 200 once they are used up
	got    []arrival
}

type arrival struct {
	time   time.Time
	header http.Header
	body   string
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, arrival{time.Now(), r.Header.Clone(), string(body)})
	if n := len(b.got); n <= len(b.status) {
		w.WriteHeader(b.status[n-1])
	}
}

func (b *inbox) all() []arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]arrival(nil), b.got...)
}

func (a arrival) json(t testing.TB) any {
	var v any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), "%s", a.body)
	return v
}

func mac(key, s string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(s))
	return hex.EncodeToString(m.Sum(nil))
}

func settle(t testing.TB, srv *sandbox.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, srv.Settle(ctx))
}

func fits(t testing.TB, provider, schema, body string) {
	t.Helper()
	c, err := contract.For(provider)
	require.NoError(t, err)
	require.Empty(t, c.Webhook(schema, []byte(body)))
}

func TestCryptoPayWebhooksAreSignedOverTheirBytes(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	box, general := &inbox{}, &inbox{}
	srv.SetWebhookURL(specs.CryptoPay, srv.Receive(general))
	secret := srv.Credentials(specs.CryptoPay).WebhookSecret
	paid := newOrder(t, srv, 1, `,"webhook_url":"`+srv.Receive(box)+`/hook"`)
	require.NoError(t, srv.Pay(paid))
	settle(t, srv)
	got := box.all()
	require.Len(t, got, 2)
	for i, event := range []string{"payment.pending", "payment.confirmed"} {
		require.Equal(t, mac(secret, got[i].body), got[i].header.Get("X-Webhook-Signature"))
		require.Equal(t, event, text(got[i].json(t), "event"))
		require.Equal(t, paid, text(got[i].json(t), "data", "order_id"))
	}
	fits(t, specs.CryptoPay, "paymentEvent", got[1].body)
	other := newOrder(t, srv, 2, "")
	require.NoError(t, srv.Expire(other))
	settle(t, srv)
	require.Len(t, general.all(), 1, "an order without its own URL")
	require.Equal(t, "order.expired", text(general.all()[0].json(t), "event"))
	require.Nil(t, at(general.all()[0].json(t), "data", "transaction_hash"))
	srv.AssertNoViolations(t)
}

func TestCryptoCloudPostbacksCarryAFreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoCloud))
		box := &inbox{}
		srv.SetWebhookURL(specs.CryptoCloud, srv.Receive(box))
		id := newInvoice(t, srv, "100")
		require.NoError(t, srv.PayAmount(id, "1"))
		synctest.Wait()
		require.Empty(t, box.all(), "nothing is documented for a part")
		require.NoError(t, srv.Pay(id))
		synctest.Wait()
		require.Len(t, box.all(), 1)
		body := box.all()[0].json(t)
		fits(t, specs.CryptoCloud, "invoicePostback", box.all()[0].body)
		require.Equal(t, id[4:], text(body, "invoice_id"))
		require.Equal(t, "o-1", text(body, "order_id"))
		require.Equal(t, "paid", text(body, "invoice_info", "status"))
		parts := strings.Split(text(body, "token"), ".")
		m := hmac.New(sha256.New, []byte(srv.Credentials(specs.CryptoCloud).SecretKey))
		m.Write([]byte(parts[0] + "." + parts[1]))
		require.Equal(t, base64.RawURLEncoding.EncodeToString(m.Sum(nil)), parts[2])
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		var c struct{ Exp int64 }
		require.NoError(t, json.Unmarshal(claims, &c))
		require.Equal(t, time.Now().Add(5*time.Minute).Unix(), c.Exp)

		srv.SetPostbackForm(true)
		require.NoError(t, srv.Pay(newInvoice(t, srv, "5")))
		synctest.Wait()
		form, err := url.ParseQuery(box.all()[1].body)
		require.NoError(t, err)
		require.Equal(t, "application/x-www-form-urlencoded", box.all()[1].header.Get("Content-Type"))
		require.Equal(t, "links_invoice", form.Get("invoice_info"), "the trap of the form")
		srv.AssertNoViolations(t)
	})
}

func TestEcartPayRepeatsOnItsScheduleAndNotAfterA4xx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
		box, refusing := &inbox{status: []int{500, 500, 503, 500, 500}}, &inbox{status: []int{401}}
		auth := []string{"Authorization", ecartpayToken(t, srv)}
		good(t, srv, "POST", "ecartpay/api/webhooks", `{"url":"`+srv.Receive(box)+`","events":["orders.confirmation"]}`, auth...)
		order := good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","items":[{"name":"a","quantity":1,"price":5}]}`, auth...)
		begin := time.Now()
		require.NoError(t, srv.Pay(text(order, "id")))
		time.Sleep(time.Hour)
		got := box.all()
		require.Len(t, got, 5, "five attempts in all")
		for i, after := range []time.Duration{0, 10, 25, 45, 70} {
			require.Equal(t, after*time.Second, got[i].time.Sub(begin).Round(time.Second), "attempt %d", i+1)
		}
		a := got[4]
		body := a.json(t)
		require.Equal(t, "paid", text(body, "data", "status"))
		raw := strings.TrimSuffix(a.body[strings.Index(a.body, `"data":`)+len(`"data":`):], "}")
		stamp, id := a.header.Get("X-Pay-Timestamp"), a.header.Get("X-Pay-Webhook-Id")
		require.Equal(t, "SHA256="+mac(srv.Credentials(specs.EcartPay).WebhookSecret, stamp+"."+id+"."+raw), a.header.Get("X-Pay-Signature"))
		require.NotEqual(t, got[0].header.Get("X-Pay-Timestamp"), stamp, "signed anew")

		good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","notify_url":"`+srv.Receive(refusing)+`","items":[{"name":"a","quantity":1,"price":5}]}`, "Authorization", ecartpayToken(t, srv))
		time.Sleep(time.Hour)
		require.Len(t, refusing.all(), 1, "a 4xx is never repeated")
		srv.AssertNoViolations(t)
	})
}

func TestAdvanceMakesRepeatedWebhooksDue(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.EcartPay))
	box := &inbox{status: []int{500}}
	good(t, srv, "POST", "ecartpay/api/orders", `{"currency":"MXN","notify_url":"`+srv.Receive(box)+`","items":[{"name":"a","quantity":1,"price":5}]}`, "Authorization", ecartpayToken(t, srv))
	settle(t, srv)
	require.Len(t, box.all(), 1)
	require.Equal(t, 1, srv.Waiting())
	srv.Advance(10 * time.Second)
	settle(t, srv)
	require.Len(t, box.all(), 2)
	require.Zero(t, srv.Waiting())
	require.Equal(t, []int{500, 200}, []int{srv.Deliveries()[0].Status, srv.Deliveries()[1].Status})
}

func TestCrypteriumAndKunaCallBackWithoutProof(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Crypterium, specs.Kuna))
	box := &inbox{}
	srv.SetWebhookURL(specs.Crypterium, srv.Receive(box))
	_, token := crypteriumToken(t, srv, srv.Credentials(specs.Crypterium).Password)
	auth := []string{"Authorization", "Bearer " + text(token, "access_token")}
	id := text(good(t, srv, "POST", "crypterium/v1/merchant/register", `{"phone":"1"}`, auth...), "customerId")
	send(t, srv, "POST", "crypterium/v1/merchant/credit", `{"amount":1,"currency":"BTC","customerId":"`+id+`"}`, auth...)
	settle(t, srv)
	require.Len(t, box.all(), 1)
	require.Equal(t, "CREDIT", text(box.all()[0].json(t), "events", 0, "type"))
	fits(t, specs.Crypterium, "merchantCallback", box.all()[0].body)

	calls := &inbox{}
	good(t, srv, "POST", "kuna/v2/transfer", `{"fromWalletId":"1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5","toWalletId":"w","amount":"1","asset":"USDT","externalId":"x",
		"callbackUrl":"`+srv.Receive(calls)+`"}`, kunaKey(srv)...)
	settle(t, srv)
	require.Len(t, calls.all(), 1)
	require.Empty(t, calls.all()[0].body, "no payload is documented")
	srv.AssertNoViolations(t)
}

func TestWebhooksGoWrongOnDemand(t *testing.T) {
	secret := sandbox.DefaultCredentials(specs.CryptoPay).WebhookSecret
	events := func(t testing.TB, got []arrival) (out []string) {
		for _, a := range got {
			out = append(out, text(a.json(t), "event"))
		}
		return out
	}
	both := []string{"payment.pending", "payment.confirmed"}
	for _, tc := range []struct {
		fault string
		check func(t *testing.T, got []arrival)
	}{
		{"webhook-duplicate", func(t *testing.T, got []arrival) {
			require.Equal(t, []string{both[0], both[0], both[1]}, events(t, got))
		}},
		{"webhook-reorder", func(t *testing.T, got []arrival) { require.Equal(t, []string{both[1], both[0]}, events(t, got)) }},
		{"webhook-drop", func(t *testing.T, got []arrival) { require.Equal(t, both[1:], events(t, got)) }},
		{"webhook-delay", func(t *testing.T, got []arrival) {
			require.Equal(t, []string{both[1], both[0]}, events(t, got))
			require.Equal(t, time.Minute, got[1].time.Sub(got[0].time))
		}},
		{"webhook-bad-signature", func(t *testing.T, got []arrival) {
			require.NotEqual(t, mac(secret, got[0].body), got[0].header.Get("X-Webhook-Signature"))
			require.Equal(t, mac(secret, got[1].body), got[1].header.Get("X-Webhook-Signature"))
		}},
		{"webhook-unsigned", func(t *testing.T, got []arrival) { require.Empty(t, got[0].header.Get("X-Webhook-Signature")) }},
		{"webhook-stale", func(t *testing.T, got []arrival) {
			sent, err := time.Parse(time.RFC3339, text(got[0].json(t), "timestamp"))
			require.NoError(t, err)
			require.InDelta(t, time.Hour, got[0].time.Sub(sent), float64(time.Second))
		}},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
				box := &inbox{}
				srv.SetWebhookURL(specs.CryptoPay, srv.Receive(box))
				srv.Inject(sandbox.Fault{Name: tc.fault, Count: 1})
				require.NoError(t, srv.Pay(newOrder(t, srv, 1, "")))
				time.Sleep(2 * time.Minute)
				tc.check(t, box.all())
			})
		})
	}
}

func TestWebhooksStayOnTheMachine(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.CryptoPay))
	require.NoError(t, srv.Pay(newOrder(t, srv, 1, `,"webhook_url":"https://shop.example/hook"`)))
	settle(t, srv)
	require.Len(t, srv.Deliveries(), 2)
	require.Contains(t, srv.Deliveries()[0].Error, "not a loopback address")
}
