package contract_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// body is a documented answer of some size: an invoice of CryptoCloud.
func benchBody(t testing.TB) []byte {
	t.Helper()
	fixtures, err := specs.Fixtures(specs.CryptoCloud)
	require.NoError(t, err)
	for _, f := range fixtures {
		if f.Name == "createInvoice.response.200.json" {
			return f.Body
		}
	}
	t.Fatal("no fixture")
	return nil
}

const invoicePath = "https://api.cryptocloud.plus/v2/invoice/create"

// plain judges an answer with kin-openapi as its own examples do.
func plain(t testing.TB) func(body []byte) error {
	t.Helper()
	doc, err := specs.Document(specs.CryptoCloud)
	require.NoError(t, err)
	spec, err := openapi3.NewLoader().LoadFromData(doc)
	require.NoError(t, err)
	router, err := gorillamux.NewRouter(spec)
	require.NoError(t, err)
	return func(body []byte) error {
		req := httptest.NewRequest("POST", invoicePath, nil)
		route, params, err := router.FindRoute(req)
		if err != nil {
			return err
		}
		return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
			Status:                 200, Header: jsonHeader, Body: io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
		})
	}
}

func strict(t testing.TB) func(body []byte) []contract.Violation {
	t.Helper()
	c, err := contract.For(specs.CryptoCloud)
	require.NoError(t, err)
	return func(body []byte) []contract.Violation {
		req := httptest.NewRequest("POST", invoicePath, nil)
		return c.ResponseBytes(req, 200, jsonHeader, body)
	}
}

func BenchmarkJudgePlainKin(b *testing.B) {
	judge, body := plain(b), benchBody(b)
	require.NoError(b, judge(body))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		_ = judge(body)
	}
}

func BenchmarkJudgeStrict(b *testing.B) {
	judge, body := strict(b), benchBody(b)
	require.Empty(b, judge(body))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		judge(body)
	}
}

func BenchmarkLoadAllDocuments(b *testing.B) {
	for b.Loop() {
		loadAll(b)
	}
}

func loadAll(t testing.TB) {
	for _, p := range specs.Providers() {
		doc, err := specs.Document(p)
		require.NoError(t, err)
		_, err = contract.NewUnchecked(doc)
		require.NoError(t, err)
	}
}

// The bars of the work order, in processor time and with the quickest of
// several runs: the machine has other things to do.
func TestJudgingIsFastEnough(t *testing.T) {
	if testing.Short() || contract.RaceEnabled {
		t.Skip("timing")
	}
	best := func(n int, f func()) time.Duration {
		least := time.Hour
		for range n {
			start := cpu()
			f()
			least = min(least, cpu()-start)
		}
		return least
	}
	body, kin, ours := benchBody(t), plain(t), strict(t)
	const calls = 200
	var a, b time.Duration = time.Hour, time.Hour
	for range 10 { // in turns, so that both meet the same weather
		a = min(a, best(3, func() {
			for range calls {
				_ = kin(body)
			}
		}))
		b = min(b, best(3, func() {
			for range calls {
				ours(body)
			}
		}))
	}
	t.Logf("plain kin %v, strict %v per answer: %.2f×", a/calls, b/calls, float64(b)/float64(a))
	if float64(b) > 1.5*float64(a) {
		t.Errorf("judging takes %v, want at most 1.5 × %v", b/calls, a/calls)
	}
	// Where nothing else runs plain kin-openapi takes some 40 µs here; a machine
	// that is slower now is given as much more time.
	slower := max(1, float64(a/calls)/float64(40*time.Microsecond))
	load := best(6, func() { loadAll(t) })
	t.Logf("loading and routing all documents: %v, on a machine %.1f × slower than when it is quiet", load, slower)
	if limit := time.Duration(slower * float64(150*time.Millisecond)); load > limit {
		t.Errorf("loading all documents takes %v, want at most %v", load, limit)
	}

	// Sampling is measured without a network, which would drown it: a call
	// over loopback takes 50 µs or more, and 5 % of that are 2.5 µs.
	c, err := contract.For(specs.CryptoCloud)
	require.NoError(t, err)
	bare := answer(string(body))
	sampling := contract.Transport(bare, c, func(contract.Report) {}, contract.SampleEvery(100), contract.Async(0, 0))
	many := func(rt http.RoundTripper) func() {
		return func() {
			for range 2000 {
				req, _ := http.NewRequest("POST", invoicePath, strings.NewReader(`{"shop_id":"x","amount":5}`))
				res, _ := rt.RoundTrip(req)
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}
	}
	without, with := time.Hour, time.Hour
	for range 8 {
		without, with = min(without, best(1, many(bare))), min(with, best(1, many(sampling)))
	}
	cost := (with - without) / 2000
	t.Logf("sampling 1 in 100 costs %v a call", cost)
	if limit := time.Duration(slower * float64(2500*time.Nanosecond)); cost > limit {
		t.Errorf("sampling 1 in 100 costs %v a call, want at most %v", cost, limit)
	}
}

// What sampling costs a call over a loopback connection.
func BenchmarkTransport(b *testing.B) {
	call := benchServer(b)
	c, err := contract.For(specs.CryptoCloud)
	require.NoError(b, err)
	drop := func(contract.Report) {}
	for _, bc := range []struct {
		name string
		wrap func(http.RoundTripper) http.RoundTripper
	}{
		{"none", func(rt http.RoundTripper) http.RoundTripper { return rt }},
		{"1in100", func(rt http.RoundTripper) http.RoundTripper {
			return contract.Transport(rt, c, drop, contract.SampleEvery(100), contract.Async(0, 0))
		}},
		{"every", func(rt http.RoundTripper) http.RoundTripper { return contract.Transport(rt, c, drop) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			client := &http.Client{Transport: bc.wrap(&http.Transport{})}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				call(client)
			}
		})
	}
}

// benchServer answers one documented payload and returns what calls it once.
func benchServer(b *testing.B) (call func(*http.Client)) {
	body := benchBody(b)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	b.Cleanup(srv.Close)
	return func(client *http.Client) {
		req, _ := http.NewRequest("POST", srv.URL+"/v2/invoice/create", strings.NewReader(`{"shop_id":"x","amount":5}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Token x")
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

// BenchmarkTransportRatio quotes the sampling transport as a ratio: turns of
// 1,000 calls with and without it alternate, and the median turn of each counts,
// so that a busy machine disturbs both alike.
func BenchmarkTransportRatio(b *testing.B) {
	call := benchServer(b)
	c, err := contract.For(specs.CryptoCloud)
	require.NoError(b, err)
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	sampled := contract.Transport(base, c, func(contract.Report) {}, contract.SampleEvery(100), contract.Async(0, 0))
	turn := func(rt http.RoundTripper) time.Duration {
		client, start := &http.Client{Transport: rt}, time.Now()
		for range 1000 {
			call(client)
		}
		return time.Since(start)
	}
	var with, without []time.Duration
	for b.Loop() {
		without = append(without, turn(base))
		with = append(with, turn(sampled))
	}
	slices.Sort(with)
	slices.Sort(without)
	b.ReportMetric(float64(with[len(with)/2])/float64(without[len(without)/2]), "ratio")
	b.ReportMetric(0, "ns/op")
}
