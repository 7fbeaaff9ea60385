package cli_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// sandboxOn serves a sandbox on loopback; drift may change its answers.
func sandboxOn(t *testing.T, drift func(path string, answer []byte) []byte, opts ...sandbox.Option) string {
	t.Helper()
	s := sandbox.New(opts...)
	t.Cleanup(s.Close)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if drift == nil {
			s.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(rec.Code)
		_, _ = w.Write(drift(r.URL.Path, rec.Body.Bytes()))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// rates is a short day at the exchange.
func rates(t *testing.T, base string, cred sandbox.Credentials) {
	t.Helper()
	client, err := kuna.New(kuna.Login{Email: cred.Email, Password: authn.Secret(cred.Password), MerchantID: cred.MerchantID}, kuna.WithBaseURL(base))
	require.NoError(t, err)
	for range 2 {
		got, err := client.GetRateEquivalents(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, got)
	}
}

// secret is a credential that no one may find again.
func secret() (sandbox.Credentials, sandbox.Option) {
	cred := sandbox.DefaultCredentials(specs.Kuna)
	cred.Password, cred.Email, cred.MerchantID = canary, canary+"@fake.invalid", "c0ffee00-c0ff-4c0f-8c0f-c0ffeec0ffee"
	return cred, sandbox.WithCredentials(specs.Kuna, cred)
}

func TestProxyOfACleanRunReportsNothing(t *testing.T) {
	cred, opt := secret()
	file := t.TempDir() + "/record.jsonl"
	r := start(t, "proxy", "-provider", "kuna", "-upstream", sandboxOn(t, nil, opt)+"/kuna", "-record", file)
	rates(t, r.env("KUNA_BASE_URL"), cred)
	require.Empty(t, r.output(), "before the end")
	require.Zero(t, r.stop())
	require.Contains(t, r.output(), "ok: 3 exchanges judged, 0 broken, 0 undocumented\n")
	require.Contains(t, r.output(), "kuna: 2 of ")

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(raw, []byte("\n")))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	plain := bodies(t, raw)
	for _, s := range []string{canary, cred.MerchantID, "eyJ"} {
		require.NotContains(t, plain, s)
	}
	require.Contains(t, plain, "Bearer [redacted]")

	status, out, errs := run(t, "", "check", "-strict", file) // the recording tells whose it is
	require.Zero(t, status, "%s%s", out, errs)
	require.Contains(t, out, "ok: 3 exchanges judged, 0 broken, 0 undocumented\n")
}

var base64Member = regexp.MustCompile(`"\w+_base64":"[^"]*"`)

// bodies is a recording with its bodies in plain sight.
func bodies(t testing.TB, raw []byte) string {
	t.Helper()
	var b strings.Builder
	for l := range bytes.Lines(raw) {
		var x struct {
			Req []byte `json:"request_body_base64"`
			Res []byte `json:"response_body_base64"`
		}
		require.NoError(t, json.Unmarshal(l, &x))
		fmt.Fprintf(&b, "%s\n%s\n%s\n", base64Member.ReplaceAll(l, nil), x.Req, x.Res)
	}
	return b.String()
}

func TestProxyReportsAPlantedDriftOnce(t *testing.T) {
	cred, opt := secret()
	drift := func(path string, b []byte) []byte {
		if strings.HasSuffix(path, "/auth/login") {
			return bytes.Replace(b, []byte(`"refreshToken":"`), []byte(`"refreshToken":null,"x":"`), 1)
		}
		return bytes.Replace(b, []byte(`"asset"`), []byte(`"news": 1, "asset"`), 1) // each time, and reported once
	}
	file := t.TempDir() + "/record.jsonl"
	up := sandboxOn(t, drift, opt) + "/kuna"
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			r := start(t, "proxy", "-provider", "kuna", "-upstream", up, "-record", file, "-format", format)
			rates(t, r.env("KUNA_BASE_URL"), cred)
			before := r.output()
			require.Equal(t, 1, r.stop())
			require.NotContains(t, r.output(), canary)
			lines := strings.Split(strings.TrimSpace(before), "\n")
			require.Len(t, lines, 3, before)
			if format == "text" {
				require.Contains(t, before, "#1 kuna login response 200 /data/refreshToken: is null; expected a string\n")
				require.Contains(t, before, "#1 kuna login response 200 /data/x: is not documented (undocumented)\n")
				require.Contains(t, before, "#2 kuna getRateEquivalents response 200 /data/0/news: is not documented (undocumented)\n")
				require.Contains(t, r.output(), "FAILED: 3 exchanges judged, 1 broken, 2 undocumented")
				return
			}
			all := bufio.NewScanner(strings.NewReader(r.output()))
			all.Buffer(nil, 1<<20)
			n := 0
			for ; all.Scan(); n++ {
				var got struct {
					Exchange  int
					Violation struct{ Operation, Where, Kind string }
					Summary   struct {
						OK     bool
						Totals struct{ Broken, Exchanges int }
					}
				}
				require.NoError(t, json.Unmarshal(all.Bytes(), &got), all.Text())
				switch n {
				case 0:
					require.Equal(t, 1, got.Exchange)
					require.Equal(t, "login", got.Violation.Operation)
				case 3:
					require.False(t, got.Summary.OK)
					require.Equal(t, 3, got.Summary.Totals.Exchanges)
					require.Equal(t, 1, got.Summary.Totals.Broken)
				}
			}
			require.Equal(t, 4, n)
		})
	}
	// The recording, appended to by both runs, tells the same story.
	status, out, _ := run(t, "", "check", file)
	require.Equal(t, 1, status)
	require.Contains(t, out, "login response 200 /data/refreshToken: is null; expected a string\n      2 times")
	require.Contains(t, out, "FAILED: 6 exchanges judged, 1 broken, 2 undocumented")
	_, out, _ = run(t, "", "check", file, file)
	require.Contains(t, out, "      4 times, first in "+file+" line 1\n")
}

func TestProxyPassesTrafficUnaltered(t *testing.T) {
	type seen struct {
		method, uri, body string
		header            http.Header
	}
	got := make(chan seen, 10)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"a":1}`))
	_ = z.Close()
	next := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.RequestURI, string(b), r.Header}
		switch {
		case strings.HasSuffix(r.URL.Path, "/zipped"):
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		case strings.HasSuffix(r.URL.Path, "/moved"):
			w.Header().Set("Location", "https://elsewhere.example/?x=1")
			w.WriteHeader(http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/slow"):
			_, _ = io.WriteString(w, "first")
			w.(http.Flusher).Flush()
			<-next
			_, _ = io.WriteString(w, "second")
		default:
			w.Header()["X-Odd"] = []string{"1", "2"}
			w.Header().Set("Connection", "X-Hop")
			w.Header().Set("X-Hop", "1")
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer up.Close()
	r := start(t, "proxy", "-provider", "kuna", "-upstream", up.URL+"/base/path/")
	base := r.env("KUNA_BASE_URL")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableCompression: true}}
	do := func(method, path, body string, edit func(*http.Request)) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		require.NoError(t, err)
		if edit != nil {
			edit(req)
		}
		res, err := client.Do(req)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res, string(b)
	}

	res, _ := do("POST", "/a%2Fb/../c//d?x=1;y=%zz&z", `{"k":1}`, func(r *http.Request) {
		r.Header["merchant_id"] = []string{"m"}
		r.Header.Set("X-Forwarded-For", "10.0.0.1")
		r.Header.Set("Connection", "X-Private")
		r.Header.Set("X-Private", "1")
		r.Header.Set("User-Agent", "ua/1")
	})
	s := <-got
	require.Equal(t, "POST", s.method)
	require.Equal(t, "/base/path/a%2Fb/../c//d?x=1;y=%zz&z", s.uri)
	require.Equal(t, `{"k":1}`, s.body)
	require.Equal(t, "m", s.header.Get("merchant_id"))
	require.Equal(t, "ua/1", s.header.Get("User-Agent"))
	require.Equal(t, []string{"10.0.0.1"}, s.header["X-Forwarded-For"])
	require.Empty(t, s.header.Get("X-Private"))
	require.Empty(t, s.header.Get("Accept-Encoding"), "the proxy asks for nothing of its own")
	require.Equal(t, http.StatusTeapot, res.StatusCode)
	require.Equal(t, []string{"1", "2"}, res.Header["X-Odd"])
	require.Empty(t, res.Header.Get("X-Hop"))

	res, body := do("GET", "/zipped", "", nil)
	require.Equal(t, zipped.String(), body)
	require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
	res, _ = do("GET", "/moved", "", nil)
	require.Equal(t, http.StatusFound, res.StatusCode)
	require.Equal(t, "https://elsewhere.example/?x=1", res.Header.Get("Location"))

	req, err := http.NewRequestWithContext(t.Context(), "GET", base+"/slow", nil)
	require.NoError(t, err)
	res, err = client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	first := make([]byte, 5)
	_, err = io.ReadFull(res.Body, first)
	require.NoError(t, err)
	require.Equal(t, "first", string(first)) // while the second is not written yet
	close(next)
	rest, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "second", string(rest))
	require.Equal(t, 1, r.stop())
}

func TestProxyTellsWhyThereIsNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, canary+" is no HTTP\r\n\r\n")
			_ = c.Close()
		}
	}()
	file := t.TempDir() + "/r.jsonl"
	for _, want := range []string{"the upstream's answer is no HTTP", "no connection to the upstream: connection refused"} {
		r := start(t, "proxy", "-provider", "kuna", "-upstream", "http://"+l.Addr().String(), "-record", file)
		res, err := http.Get(r.env("KUNA_BASE_URL") + "/v2/nowhere")
		require.NoError(t, err)
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		require.Equal(t, http.StatusBadGateway, res.StatusCode)
		require.Equal(t, "payctl proxy: "+want+"\n", string(b))
		require.Equal(t, 1, r.stop())
		require.Contains(t, r.output(), "#1: "+want+"\n")
		require.Contains(t, r.output(), "could not be read\n  exchange 1: "+want+"\n")
		require.Contains(t, r.output(), "1 unreadable")
		require.NotContains(t, r.output(), canary)
		_ = l.Close()
	}
}

func TestProxyNoticesAnAnswerCutShort(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"data":`)
	}))
	defer up.Close()
	r := start(t, "proxy", "-provider", "kuna", "-upstream", up.URL)
	res, err := http.Get(r.env("KUNA_BASE_URL") + "/v2/rate-equivalents")
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	require.Error(t, err, "the client sees what it would have seen")
	require.Equal(t, 1, r.stop())
	require.Contains(t, r.output(), "#1: the upstream ended the answer too early\n")
}

// A client may hang up, and the end waits for what is under way.
func TestProxyEndsInOrder(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-goOn
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer up.Close()
	r := start(t, "proxy", "-provider", "kuna", "-upstream", up.URL)
	base := r.env("KUNA_BASE_URL")
	answer := make(chan error, 1)
	go func() {
		res, err := http.Get(base + "/v2/nowhere")
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		answer <- err
	}()
	<-arrived
	go func() {
		time.Sleep(50 * time.Millisecond) // let the end begin; nothing depends on it
		close(goOn)
	}()
	require.Equal(t, 1, r.stop())
	require.NoError(t, <-answer)
	require.Contains(t, r.output(), "1 exchange judged")
}

func TestProxyRecordsFormsAndParts(t *testing.T) {
	cred := sandbox.DefaultCredentials(specs.Crypterium)
	cred.Password, cred.MerchantID = canary, "c0ffee00-c0ff-4c0f-8c0f-c0ffeec0ffee"
	file := t.TempDir() + "/r.jsonl"
	r := start(t, "proxy", "-provider", "crypterium", "-upstream", sandboxOn(t, nil, sandbox.WithCredentials(specs.Crypterium, cred))+"/crypterium", "-record", file)
	client, err := crypterium.New(crypterium.Merchant{MerchantID: cred.MerchantID, Password: authn.Secret(cred.Password), UserAgent: "Mozilla/5.0 (X11)"}, crypterium.WithBaseURL(r.env("CRYPTERIUM_BASE_URL")))
	require.NoError(t, err)
	_, err = client.ListCustomers(t.Context(), &crypterium.ListCustomersParams{PageSize: new(10)})
	require.NoError(t, err)
	require.Zero(t, r.stop(), r.output())
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, bodies(t, raw), canary)
	require.NotContains(t, bodies(t, raw), cred.MerchantID)
	status, out, _ := run(t, "", "check", "-strict", file)
	require.Zero(t, status, out)
}

func TestProxyServesManyAtOnce(t *testing.T) {
	cred, opt := secret()
	file := t.TempDir() + "/r.jsonl"
	r := start(t, "proxy", "-provider", "kuna", "-upstream", sandboxOn(t, nil, opt)+"/kuna", "-record", file)
	client, err := kuna.New(kuna.Login{Email: cred.Email, Password: authn.Secret(cred.Password), MerchantID: cred.MerchantID}, kuna.WithBaseURL(r.env("KUNA_BASE_URL")))
	require.NoError(t, err)
	errs := make(chan error)
	const n = 40
	for range n {
		go func() {
			_, err := client.GetRateEquivalents(t.Context())
			errs <- err
		}()
	}
	for range n {
		require.NoError(t, <-errs)
	}
	require.Zero(t, r.stop())
	require.Contains(t, r.output(), fmt.Sprintf("ok: %d exchanges judged", n+1))
	status, out, _ := run(t, "", "check", "-strict", file)
	require.Zero(t, status, out)
	require.Contains(t, out, fmt.Sprintf("ok: %d exchanges judged", n+1))
}
