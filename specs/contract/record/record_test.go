package record_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/contract/record"
)

const canary = "cnry7SECRETcnry"

func shop(t testing.TB) *contract.Checker {
	t.Helper()
	c, err := contract.Load("../testdata/shop.yaml", contract.WithProvider("shop"))
	require.NoError(t, err)
	return c
}

// entry is one entry as Chrome writes it: members in alphabetical order.
func entry(method, url, reqBody string, status int, resBody string) string {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	post := ""
	if reqBody != "" {
		post = `,"postData":{"mimeType":"application/json","text":` + quote(reqBody) + `}`
	}
	return fmt.Sprintf(`{
      "_resourceType": "fetch", "cache": {},
      "request": {"bodySize": %d, "cookies": [], "headers": [{"name": ":authority", "value": "shop.example"}, {"name": "Authorization", "value": "Bearer %s"}],
        "httpVersion": "h2", "method": %s, "queryString": [], "url": %s%s},
      "response": {"content": {"mimeType": "application/json", "size": %d, "text": %s}, "headers": [{"name": "content-type", "value": "application/json"}], "status": %d},
      "startedDateTime": "2026-01-02T03:04:05.678Z", "time": 12.5, "timings": {"wait": 12}
    }`, len(reqBody), canary, quote(method), quote(url), post, len(resBody), quote(resBody), status)
}

func har(entries ...string) string {
	return "\ufeff" + `{"log":{"version":"1.2","creator":{"name":"a [\"]} tool","version":"1"},"pages":[{"id":"p"}],"entries":[` +
		strings.Join(entries, ",\n") + `],"comment":"x"}}`
}

const goodOrder = `{"id":12,"amount":"10.00"}`

func good(i int) string {
	return entry("GET", fmt.Sprintf("https://shop.example/v2/orders/%d", i), "", 200, goodOrder)
}

func TestHARIsJudged(t *testing.T) {
	file := har(good(1),
		entry("POST", "https://shop.example/v2/orders", `{"amount":"`+canary+`"}`, 200, `{"id":"`+canary+`","amount":"1.00"}`),
		entry("GET", "https://elsewhere.example/x?token="+canary, "", 200, `{}`),
		entry("GET", "https://shop.example/v2/nowhere/"+canary, "", 200, `{}`),
		entry("GET", "http://127.0.0.1:8080/v2/orders/7", "", 404, `{"error":"no"}`),
		entry("GET", "https://shop.example/v2/orders/8", "", 0, ``), // blocked: no answer
		good(2))
	sum := record.Judge(record.HAR(strings.NewReader(file), "a.har"), shop(t))
	require.Empty(t, sum.Errors)
	require.Equal(t, 6, sum.Exchanges)
	require.Equal(t, 1, sum.Foreign)
	p := sum.Providers[0]
	require.Equal(t, "shop", p.Name)
	require.Equal(t, map[int]int{200: 2, 404: 1, 0: 1}, p.Operations[1].Statuses)
	require.Contains(t, p.Unseen, "listOrders")
	require.Equal(t, 3, sum.Broken(), "%v", p.Findings)
	require.Equal(t, "a.har entry 2", p.Findings[0].First)
	require.NotContains(t, fmt.Sprintf("%v %+v", sum, p.Findings), canary)
}

func TestHARBodiesAreRead(t *testing.T) {
	read := func(e string) contract.Exchange {
		for x, err := range record.HAR(strings.NewReader(har(e)), "a.har") {
			require.NoError(t, err)
			return x
		}
		t.Fatal("no exchange")
		return contract.Exchange{}
	}
	x := read(`{"request":{"method":"POST","url":"/a","headers":[],"bodySize":-1,"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"b c"}]}},
		"response":{"status":200,"headers":[],"content":{"mimeType":"image/png","encoding":"base64","text":"` + base64.StdEncoding.EncodeToString([]byte{1, 2}) + `"}}}`)
	require.Equal(t, "a=b+c", string(x.RequestBody))
	require.Equal(t, []byte{1, 2}, x.ResponseBody)
	require.Equal(t, "image/png", x.ResponseHeader.Get("Content-Type"))
	x = read(`{"request":{"method":"POST","url":"/a","headers":[],"bodySize":12},"response":{"status":200,"headers":[],"content":{"size":7}}}`)
	require.True(t, x.NoRequestBody)
	require.True(t, x.NoResponseBody)
	x = read(`{"request":{"method":"POST","url":"/a","headers":[{"name":"Content-Type","value":"multipart/form-data; boundary=x"}],"postData":{"params":[{"name":"amount","value":"5"}]}},"response":{"status":200,"headers":[],"content":{}}}`)
	require.Contains(t, string(x.RequestBody), `name="amount"`)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", x, x, x, x), "amount")
}

// What is damaged is reported with its place, and the rest is read.
func TestDamagedHARIsReadAsFarAsPossible(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		read, errs int
	}{
		{"whole", har(good(1), good(2), good(3)), 3, 0},
		{"no entries", har(), 0, 0},
		{"an entry that is no entry", har(good(1), `{"request":7}`, `"text"`, `null`, `7`, good(3)), 2, 2},
		{"wrong JSON inside an entry", har(good(1), strings.Replace(good(2), `"cache": {}`, `"cache": {,}`, 1), good(3)), 2, 1},
		{"cut off in the middle of an entry", har(good(1), good(2))[:len(har(good(1), good(2)))-200], 1, 1},
		{"cut off between entries", strings.TrimSuffix(har(good(1), good(2)), `],"comment":"x"}}`), 2, 1},
		{"a bracket is missing", har(good(1), strings.Replace(good(2), `"cache": {}`, `"cache": {`, 1), good(3), good(4)), 4, 1},
		{"a quote is missing", har(good(1), strings.Replace(good(2), `"fetch"`, `"fetch`, 1), good(3), good(4)), 4, 1},
		{"no HAR at all", `{"log":{}}`, 0, 1},
		{"a list", `[1,2]`, 0, 1},
		{"empty", ``, 0, 1},
		{"the beginning is lost", har(good(1), good(2), good(3))[200:], 2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			read, errs := 0, []error(nil)
			for x, err := range record.HAR(strings.NewReader(tc.file), "a.har") {
				if err != nil {
					errs = append(errs, err)
					require.Regexp(t, `^a\.har: byte \d+: `, err.Error())
					require.NotContains(t, err.Error(), canary)
					continue
				}
				require.Equal(t, "GET", x.Method)
				read++
			}
			require.GreaterOrEqual(t, read, tc.read, "%v", errs)
			require.GreaterOrEqual(t, len(errs), tc.errs)
			require.LessOrEqual(t, len(errs), tc.errs+1, "%v", errs)
		})
	}
}

func TestHARWithAnEntryTooLongGoesOn(t *testing.T) {
	r := io.MultiReader(strings.NewReader(`{"log":{"entries":[`+good(1)+`,{"request":{"method":"GET","url":"/`),
		io.LimitReader(zeros{}, record.MaxEntry+10), strings.NewReader(`"}},`+good(2)+`]}}`))
	read, errs := 0, 0
	for _, err := range record.HAR(r, "a.har") {
		if err != nil {
			errs++
		} else {
			read++
		}
	}
	require.Equal(t, 2, read)
	require.Equal(t, 1, errs)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestJSONLines(t *testing.T) {
	lines := strings.Join([]string{
		`{"method":"get","url":"/v2/orders/1","status":200,"response_headers":{"Content-Type":"application/json"},"response_body":{"id":1,"amount":"1.00"}}`,
		``,
		`{"method":"GET","url":"/v2/orders/1","status":200,"response_headers":{"content-type":["application/json"]},"response_body":"{\"id\":\"` + canary + `\",\"amount\":\"1.00\"}"}`,
		`{"method":`,
		`{"method":"GET"}`,
		`{"method":"GET","url":7,"x":"` + canary + `"}`,
		`{"method":"GET","url":"/v2/orders/1","status":404,"response_headers":{"Content-Type":"application/json"},"response_body_base64":"` + base64.StdEncoding.EncodeToString([]byte(`{"error":"x"}`)) + `"}`,
		`{"method":"GET","url":"/v2/ord`,
	}, "\r\n")
	sum := record.Judge(record.JSONLines(strings.NewReader(lines), "a.jsonl"), shop(t))
	require.Equal(t, 3, sum.Exchanges)
	require.Len(t, sum.Errors, 4)
	require.ErrorContains(t, sum.Errors[0], "a.jsonl: line 4 is not JSON from byte 10")
	require.ErrorContains(t, sum.Errors[1], "line 5 has no method")
	require.ErrorContains(t, sum.Errors[3], "line 8")
	require.Equal(t, 1, sum.Broken())
	require.NotContains(t, fmt.Sprint(sum.Errors, sum.Providers), canary)
}

func TestJSONLinesReadsWhatItWrites(t *testing.T) {
	x := contract.Exchange{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Method: "POST", URL: "https://a/b", Status: 200,
		RequestHeader: http.Header{"A": {"1", "2"}}, RequestBody: []byte{0xff, '"'}, ResponseHeader: http.Header{}, ResponseBody: []byte(`{}`),
	}
	var b bytes.Buffer
	require.NoError(t, record.WriteJSONLine(&b, x))
	for got, err := range record.JSONLines(&b, "a") {
		require.NoError(t, err)
		x.Source = "a line 1"
		got.ResponseHeader = http.Header{}
		require.Equal(t, x, got)
	}
}

// repeated plays a HAR file of any size without storing it.
type repeated struct {
	head, body, tail string
	n                int
	cur              *strings.Reader
	state            int
}

func (r *repeated) Read(p []byte) (int, error) {
	for {
		if r.cur != nil && r.cur.Len() > 0 {
			return r.cur.Read(p)
		}
		switch {
		case r.state == 0:
			r.cur, r.state = strings.NewReader(r.head), 1
		case r.n > 0:
			r.n--
			r.cur = strings.NewReader(r.body)
		case r.state == 1:
			r.cur, r.state = strings.NewReader(r.tail), 2
		default:
			return 0, io.EOF
		}
	}
}

// A file of 1 GB passes in bounded memory. It takes half a minute, so that a
// smaller one stands for it unless PAYCLIENTS_LONG is set.
func TestHugeHARPassesInBoundedMemory(t *testing.T) {
	size := 24 << 20
	if os.Getenv("PAYCLIENTS_LONG") != "" {
		size = 1 << 30
	}
	one := good(1) + ",\n"
	r := &repeated{head: `{"log":{"entries":[`, body: one, tail: good(2) + `]}}`, n: size / len(one)}
	want := r.n + 1
	var peak uint64
	n := 0
	j := record.NewJudge(shop(t))
	start := time.Now()
	for x, err := range record.HAR(r, "big.har") {
		require.NoError(t, err)
		j.Add(x)
		if n++; n%20_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapSys-m.HeapReleased)
		}
	}
	require.Equal(t, want, j.Summary().Exchanges)
	require.Zero(t, j.Summary().Broken())
	t.Logf("%d MB, %d exchanges in %v (%.0f/s), heap at most %d MB", size>>20, n, time.Since(start).Round(time.Millisecond), float64(n)/time.Since(start).Seconds(), peak>>20)
	require.Less(t, peak, uint64(300<<20))
}

func BenchmarkJudgeJSONLines(b *testing.B) {
	c := shop(b)
	var one bytes.Buffer
	x := contract.Exchange{
		Method: "GET", URL: "https://shop.example/v2/orders/1", Status: 200,
		ResponseHeader: http.Header{"Content-Type": {"application/json"}}, ResponseBody: []byte(goodOrder),
	}
	if err := record.WriteJSONLine(&one, x); err != nil {
		b.Fatal(err)
	}
	r := &repeated{body: one.String(), n: b.N}
	j := record.NewJudge(c)
	b.ReportAllocs()
	b.ResetTimer()
	for x, err := range record.JSONLines(r, "a") {
		if err != nil {
			b.Fatal(err)
		}
		j.Add(x)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
}

func BenchmarkJudgeHAR(b *testing.B) {
	c := shop(b)
	r := &repeated{head: `{"log":{"entries":[`, body: good(1) + ",", tail: `]}}`, n: b.N}
	j := record.NewJudge(c)
	b.ReportAllocs()
	b.ResetTimer()
	for x, err := range record.HAR(r, "a") {
		if err != nil {
			b.Fatal(err)
		}
		j.Add(x)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
}

func FuzzHAR(f *testing.F) {
	f.Add([]byte(har(good(1), good(2))))
	f.Add([]byte(har(good(1))[100:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		for range record.HAR(bytes.NewReader(b), "f") { //nolint:revive // it must end and not panic
		}
		for range record.JSONLines(bytes.NewReader(b), "f") { //nolint:revive
		}
	})
}
