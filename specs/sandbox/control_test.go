package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

func TestTheControlsDoWhatTheMethodsDo(t *testing.T) {
	srv := sandbox.Start(t)
	control := func(method, path, body string) any { return good(t, srv, method, "__sandbox/"+path, body) }
	id := newInvoice(t, srv, "10")

	control("POST", "webhooks", `{"provider":"cryptocloud","url":"`+srv.Receive(&inbox{})+`"}`)
	control("POST", "events", `{"event":"pay","id":"`+id+`"}`)
	require.Equal(t, "paid", text(invoiceInfo(t, srv, id), "status"))
	settle(t, srv)
	require.EqualValues(t, 200, at(control("GET", "webhooks", ""), "deliveries", 0, "status"))

	token := "Bearer " + text(kunaPair(t, srv), "accessToken")
	control("POST", "clock", `{"advance":"31m"}`)
	control("POST", "clock", `{"advance":60}`)
	require.Equal(t, "32m0s", text(control("GET", "clock", ""), "offset"))
	status, _ := do(t, srv, "POST", "kuna/v2/customer/find", `{}`, "Authorization", token)
	require.Equal(t, 401, status)
	require.EqualValues(t, 1, at(control("POST", "revoke", `{"provider":"kuna","kinds":["refresh"]}`), "revoked"))

	fault := control("POST", "faults", `{"name":"429-seconds","provider":"kuna","count":1,"delay":"7s"}`)
	res, _ := send(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
	require.Equal(t, 429, res.StatusCode)
	require.Equal(t, "7", res.Header.Get("Retry-After"))
	faults := control("GET", "faults", "")
	require.Equal(t, at(fault, "id"), at(faults, "rules", 0, "id"))
	require.EqualValues(t, 1, at(faults, "rules", 0, "hits"))
	require.NotEmpty(t, text(faults, "known", 0, "about"))
	control("DELETE", "faults?id=1", "")
	require.Empty(t, at(control("GET", "faults", ""), "rules"))

	send(t, srv, "POST", "kuna/v2/customer/create", `{}`, kunaKey(srv)...)
	violations := control("GET", "violations", "")
	require.NotEmpty(t, at(violations, "client"))
	require.Empty(t, at(violations, "sandbox"))
	list, _ := at(control("GET", "requests", ""), "requests").([]any)
	last := list[len(list)-1]
	require.Equal(t, "createCustomer", text(last, "operation"))
	require.NotEmpty(t, at(last, "violations"))
	require.Len(t, at(control("GET", "requests?since=1", ""), "requests"), len(list)-1)

	state := control("GET", "state", "")
	require.Equal(t, id, text(state, "rows", 0, "id"))
	_, snapshot := send(t, srv, "GET", "__sandbox/snapshot", "")
	control("POST", "seed", `{"seed":9}`)
	require.Nil(t, invoiceInfo(t, srv, id))
	control("POST", "snapshot", snapshot)
	require.Equal(t, "paid", text(invoiceInfo(t, srv, id), "status"))
	control("POST", "reset", "")
	require.Nil(t, invoiceInfo(t, srv, id))
	_, env := send(t, srv, "GET", "__sandbox/env", "")
	require.Contains(t, env, "KUNA_BASE_URL="+srv.URL(specs.Kuna)+"\n")
	require.Contains(t, env, "CRYPTOPAY_API_KEY="+srv.Credentials(specs.CryptoPay).APIKey+"\n")
}

func TestTheControlsSayWhatIsWrong(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	for path, body := range map[string]string{
		"faults": `{"name":"gremlins"}`, "events": `{"event":"pay","id":"nothing"}`, "clock": `{"advance":"soon"}`,
		"snapshot": `{`, "webhooks": `{"provider":"nobody"}`, "seed": `{"sead":1}`,
	} {
		status, v := do(t, srv, "POST", "__sandbox/"+path, body)
		require.Equal(t, 400, status, "%s", path)
		require.NotEmpty(t, text(v, "error"))
	}
}

// A page of another site that is open in a browser on this machine, or a name
// that only resolves to it, gets nothing.
func TestTheControlsAnswerToThisMachineOnly(t *testing.T) {
	s := sandbox.New(sandbox.WithProviders(specs.Kuna))
	defer s.Close()
	ask := func(remote, host, origin string) int {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+host+"/__sandbox/reset", nil)
		r.RemoteAddr = remote
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, 200, ask("127.0.0.1:1", "127.0.0.1:8710", ""))
	require.Equal(t, 200, ask("[::1]:1", "localhost:8710", "http://localhost:8710"))
	require.Equal(t, 403, ask("192.0.2.1:1", "127.0.0.1:8710", ""))
	require.Equal(t, 403, ask("127.0.0.1:1", "rebound.example:8710", ""))
	require.Equal(t, 403, ask("127.0.0.1:1", "127.0.0.1:8710", "https://evil.example"))
}

func TestEnvNamesWhatAClientNeeds(t *testing.T) {
	s := sandbox.New()
	defer s.Close()
	env := strings.Join(s.Env("http://127.0.0.1:1/"), "\n")
	for _, name := range []string{"CRYPTOCLOUD_BASE_URL", "CRYPTOCLOUD_API_KEY", "CRYPTOCLOUD_SHOP_ID", "CRYPTOCLOUD_WITHDRAWAL_API_KEY", "CRYPTOCLOUD_SECRET_KEY",
		"CRYPTOPAY_USERNAME", "CRYPTOPAY_PASSWORD", "CRYPTOPAY_API_KEY", "CRYPTOPAY_WEBHOOK_SECRET", "CRYPTERIUM_MERCHANT_ID", "CRYPTERIUM_PASSWORD",
		"ECARTPAY_PUBLIC_KEY", "ECARTPAY_PRIVATE_KEY", "KUNA_EMAIL", "KUNA_PASSWORD", "KUNA_MERCHANT_ID", "KUNA_API_KEY"} {
		require.Contains(t, env, name+"=")
	}
	require.NotContains(t, env, "//kuna")
}

func TestListenAndServeIsForLoopbackOnly(t *testing.T) {
	s := sandbox.New(sandbox.WithProviders(specs.Kuna))
	require.ErrorContains(t, sandbox.ListenAndServe(context.Background(), "0.0.0.0:0", s, nil), "not a loopback address")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, sandbox.ListenAndServe(ctx, "127.0.0.1:0", s, func(base string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/__sandbox/clock", nil)
		require.NoError(t, err)
		go func() {
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
			cancel()
		}()
	}))
}

func TestTheClientOfASandboxReachesNothingElse(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", nil)
	require.NoError(t, err)
	_, err = srv.Client().Do(req) //nolint:bodyclose // there is none
	require.ErrorContains(t, err, "reaches nothing else")
}
