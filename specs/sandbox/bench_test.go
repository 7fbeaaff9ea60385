package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// BenchmarkStart is a sandbox per test, once the documents are loaded.
func BenchmarkStart(b *testing.B) {
	sandbox.Serve().Close()
	for b.Loop() {
		sandbox.Serve().Close()
	}
}

// BenchmarkCall is one small judged call: in process, over the network in
// memory, over TCP.
func BenchmarkCall(b *testing.B) {
	body := `{"email":"nobody@fake.invalid"}`
	request := func(base string) *http.Request {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/kuna/v2/customer/find", strings.NewReader(body))
		require.NoError(b, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Api-Key", sandbox.DefaultCredentials(specs.Kuna).APIKey)
		return r
	}
	loop := func(b *testing.B, c *http.Client, base string) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				res, err := c.Do(request(base))
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(err, res)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	}
	s := sandbox.New()
	defer s.Close()
	b.Run("handler", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, request("http://127.0.0.1"))
			require.Equal(b, 200, w.Code)
		}
	})
	b.Run("memory", func(b *testing.B) {
		srv := sandbox.Serve()
		defer srv.Close()
		loop(b, srv.Client(), srv.Base())
	})
	b.Run("tcp", func(b *testing.B) {
		srv := httptest.NewServer(s)
		defer srv.Close()
		loop(b, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, srv.URL)
	})
}
