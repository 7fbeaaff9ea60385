package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a transport that reads the request and answers with a body.
func answer(body string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
		return &http.Response{
			StatusCode: 200, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
		}, nil
	}
}

type reports struct {
	mu  sync.Mutex
	all []contract.Report
}

func (r *reports) add(x contract.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
}

func (r *reports) get() []contract.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]contract.Report(nil), r.all...)
}

func request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "https://shop.example"+target, b)
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func TestTransportJudgesWhatPassesAndChangesNothing(t *testing.T) {
	const body = `{"id":"7","amount":"1.00"}`
	var got reports
	rt := contract.Transport(answer(body), shop(t, contract.WithProvider("shop")), got.add)
	req := request(t, "POST", "/v2/orders", `{"amount":"5"}`)
	sent := req.Body
	res, err := rt.RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, sent, req.Body, "the caller's request is not touched")
	require.Empty(t, got.get(), "the answer has not been read yet")
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, body, string(b))
	require.NoError(t, res.Body.Close())
	require.Len(t, got.get(), 1, "once, though it was read and closed")
	r := got.get()[0]
	require.Equal(t, "createOrder", r.Operation)
	require.Equal(t, []string{"broken security header Authorization", "broken type /amount", "broken type /id"}, short(r.Violations))
}

func TestTransportPassesErrorsOn(t *testing.T) {
	var got reports
	boom := errors.New("boom")
	rt := contract.Transport(roundTrip(func(*http.Request) (*http.Response, error) { return nil, boom }), shop(t), got.add)
	_, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
	require.Same(t, boom, err)
	require.Len(t, got.get(), 1)
	require.Same(t, boom, got.get()[0].Err)

	rt = contract.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: jsonHeader, Body: io.NopCloser(iotest.ErrReader(boom))}, nil
	}), shop(t), got.add)
	res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	require.Same(t, boom, err)
	require.NoError(t, res.Body.Close())
	require.Same(t, boom, got.get()[1].Err)
	require.True(t, got.get()[1].Incomplete)
	require.Empty(t, got.get()[1].Violations, "half a body proves nothing")
}

func TestTransportJudgesAnAnswerThatIsClosedEarly(t *testing.T) {
	var got reports
	body := `{"id":"7","amount":"1.00"}` + "\n"
	rt := contract.Transport(answer(body), shop(t), got.add)
	res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
	require.NoError(t, err)
	_, err = io.ReadFull(res.Body, make([]byte, len(body)-1)) // as a decoder that stops at the last brace
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, []string{"broken type /id"}, short(got.get()[0].Violations))
	require.False(t, got.get()[0].Incomplete)

	res, err = rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.True(t, got.get()[1].Incomplete)
	require.Empty(t, got.get()[1].Violations)
}

func TestTransportSamples(t *testing.T) {
	var got reports
	rt := contract.Transport(answer(goodOrder), shop(t), got.add, contract.SampleEvery(10))
	for range 95 {
		res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	require.Len(t, got.get(), 10)
}

func TestTransportOverTheCapIsUnjudgedAndWhole(t *testing.T) {
	var got reports
	body := `{"id":7,"amount":"1.00","note":"` + strings.Repeat("x", 10_000) + `"}`
	rt := contract.Transport(answer(body), shop(t), got.add, contract.BodyCap(100))
	res, err := rt.RoundTrip(request(t, "POST", "/v2/orders", `{"amount":5,"password":"`+strings.Repeat("x", 1000)+`"}`))
	require.NoError(t, err)
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, body, string(b))
	require.Equal(t, []string{"broken security header Authorization", "unjudged limit body"}, short(got.get()[0].Violations))
}

func TestTransportInTheBackgroundIsBounded(t *testing.T) {
	var seen, dropped atomic.Int64
	block := make(chan struct{})
	rt := contract.Transport(answer(goodOrder), shop(t), func(r contract.Report) {
		<-block
		seen.Add(1)
		dropped.Add(r.Dropped)
	}, contract.Async(4, 0))
	for range 50 { // nobody waits, though the reporter is stuck
		res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	close(block)
	require.Eventually(t, func() bool { return seen.Load() >= 4 }, 5*time.Second, time.Millisecond)
	require.LessOrEqual(t, seen.Load(), int64(6), "at most the queue and the one in hand")
	res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, res.Body)
	require.Eventually(t, func() bool { return seen.Load()+dropped.Load() == 51 }, 5*time.Second, time.Millisecond, "what was dropped is counted")
}

func TestTransportInTheBackgroundBoundsMemory(t *testing.T) {
	big := `{"id":7,"amount":"1.00","metadata":{"x":"` + strings.Repeat("x", 1000) + `"}}`
	block := make(chan struct{})
	var seen, dropped atomic.Int64
	rt := contract.Transport(answer(big), shop(t), func(r contract.Report) {
		<-block
		seen.Add(1)
		dropped.Add(r.Dropped)
	}, contract.Async(1000, 3000))
	for range 20 {
		res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7", ""))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	close(block)
	require.Eventually(t, func() bool { return seen.Load() >= 3 }, 5*time.Second, time.Millisecond)
	require.LessOrEqual(t, seen.Load(), int64(4))
}

// net/http sends a request again when a kept connection turns out to be dead;
// the copy that is judged must then be the second one alone.
func TestTransportKeepsGetBody(t *testing.T) {
	var got reports
	rt := contract.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		_, _ = r.Body.Read(make([]byte, 3))
		again, err := r.GetBody()
		require.NoError(t, err)
		b, err := io.ReadAll(again)
		require.NoError(t, err)
		require.JSONEq(t, `{"amount":5}`, string(b))
		return answer(goodOrder)(&http.Request{})
	}), shop(t), got.add)
	req := request(t, "POST", "/v2/orders", `{"amount":5}`)
	req.Header.Set("Authorization", "Bearer x")
	res, err := rt.RoundTrip(req)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, res.Body)
	require.Empty(t, got.get()[0].Violations)
}

func TestTransportOverARealConnection(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/orders/early": // answers without reading the request
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error":"no"}`)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, goodOrder)
		}
	}))
	defer srv.Close()
	var got reports
	client := &http.Client{Transport: contract.Transport(nil, shop(t), got.add)}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			res, err := client.Post(srv.URL+"/v2/orders", "application/json", strings.NewReader(`{"amount":5}`))
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			res, err = client.Post(srv.URL+"/v2/orders/early", "application/json", bytes.NewReader(make([]byte, 1<<20)))
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	require.Len(t, got.get(), 16)
}

func TestSlogNamesPlacesAndNothingElse(t *testing.T) {
	var out bytes.Buffer
	report := contract.Slog(slog.New(slog.NewJSONHandler(&out, nil)))
	rt := contract.Transport(answer(`{"id":"secret","amount":"1.00"}`), shop(t), report)
	res, err := rt.RoundTrip(request(t, "GET", "/v2/orders/7?token=secret", ""))
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, res.Body)
	require.NotContains(t, out.String(), "secret")
	var line map[string]any
	require.NoError(t, json.NewDecoder(&out).Decode(&line))
	require.Equal(t, "getOrder", line["operation"])
}

// tb records what a helper says to a test.
type tb struct {
	testing.TB
	failed  []string
	cleanup []func()
}

func (t *tb) Helper()                   {}
func (t *tb) Logf(string, ...any)       {}
func (t *tb) Cleanup(f func())          { t.cleanup = append(t.cleanup, f) }
func (t *tb) Errorf(f string, a ...any) { t.failed = append(t.failed, f) }
func (t *tb) Fatalf(f string, a ...any) { t.failed = append(t.failed, f); panic("fatal") }

func TestClientFailsTheTest(t *testing.T) {
	fake := &tb{TB: t}
	client := contract.Client(fake, "cryptopay", answer(`{"nothing":"of the kind"}`))
	res, err := client.Post("https://anything.example/api/auth/login", "application/json", strings.NewReader(`{}`))
	require.NoError(t, err)
	require.NoError(t, drain(res))
	require.NotEmpty(t, fake.failed)
	n := len(fake.failed)
	for _, f := range fake.cleanup {
		f()
	}
	res, err = client.Get("https://anything.example/nowhere")
	require.NoError(t, err)
	require.NoError(t, drain(res))
	require.Len(t, fake.failed, n, "a test that is over is left alone")
}

func drain(res *http.Response) error {
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Body.Close()
}

func TestFixturesFSFailsTheTest(t *testing.T) {
	fake := &tb{TB: t}
	contract.FixturesFS(fake, "cryptopay", fstest.MapFS{"login.response.200.json": {Data: []byte(`{"x":1}`)}})
	require.NotEmpty(t, fake.failed)
	fake = &tb{TB: t}
	contract.FixturesFS(fake, "cryptopay", fstest.MapFS{})
	require.NotEmpty(t, fake.failed, "an empty directory proves nothing")
	require.Panics(t, func() { contract.FixturesFS(&tb{TB: t}, "nobody", fstest.MapFS{}) })
}
