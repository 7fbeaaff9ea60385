package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/cmd/payctl/internal/cli"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

var update = flag.Bool("update", false, "write the golden files anew")

const repo = "../../../.."

func TestCheckPassesOurOwnFixtures(t *testing.T) {
	for _, p := range specs.Providers() {
		for _, args := range [][]string{
			{"check", "-strict", repo + "/specs/" + p},
			{"check", repo + "/specs/" + p + "/fixtures"},
		} {
			status, out, errs := run(t, "", args...)
			require.Zero(t, status, "%s%s", out, errs)
			require.Contains(t, out, p+": ")
			require.Contains(t, out, "ok: ")
		}
	}
	status, out, _ := run(t, "", "check", repo+"/specs", "-format", "json")
	require.Zero(t, status)
	var r struct {
		Totals    struct{ Fixtures int }
		Providers []struct{ Name string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Len(t, r.Providers, len(specs.Providers()))
	want := 0
	for _, p := range specs.Providers() {
		f, err := specs.Fixtures(p)
		require.NoError(t, err)
		want += len(f)
	}
	require.Equal(t, want, r.Totals.Fixtures)
}

// A provider's fixture is read from a directory of the user's own.
func fixtures(t testing.TB, files map[string]string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, body := range files {
		write(t, "mine/"+name, body)
	}
	return "mine"
}

func TestDamagedFixturesAreReportedAndTheRestIsJudged(t *testing.T) {
	good := `{"token":"a@b.example","password":"` + canary + `"}`
	dir := fixtures(t, map[string]string{
		"kuna/login.request.json":                good,
		"kuna/login.request.cut.json":            good[:len(good)-12],
		"kuna/login.request.type.json":           `{"token":7,"password":"` + canary + `"}`,
		"kuna/nonsense.json":                     `{}`,
		"kuna/login.request.long.json":           `{"token":"` + strings.Repeat("x", 33<<20) + `"}`,
		"kuna/noSuchOperation.response.200.json": `{}`,
		"kuna/README.md":                         "not looked at",
		"package.json":                           "not looked at",
		".hidden/login.request.json":             "not looked at",
	})
	status, out, _ := run(t, "", "check", dir)
	require.Equal(t, 1, status)
	require.Contains(t, out, "login request /password: is cut off: the JSON ends inside a value at byte ")
	require.Contains(t, out, "in mine/kuna/login.request.cut.json")
	require.Contains(t, out, "login request /token: is a number; expected a string")
	require.Contains(t, out, "mine/kuna/nonsense.json: ")
	require.Contains(t, out, "mine/kuna/login.request.long.json: is longer than")
	require.Contains(t, out, "noSuchOperation response operation: is not in the document")
	require.Contains(t, out, "FAILED: 4 fixtures judged, 3 broken, 0 undocumented, 2 unreadable\n")
}

func TestFixturesAreExcusedByTheFileBesideThem(t *testing.T) {
	dir := fixtures(t, map[string]string{"kuna/fixtures/login.request.bad.json": `{"token":7}`})
	status, _, _ := run(t, "", "check", dir)
	require.Equal(t, 1, status)

	write(t, "mine/kuna/exceptions.json", `{"known_bad":{"login.request.bad.json":"as their page prints it"}}`)
	status, out, _ := run(t, "", "check", dir)
	require.Zero(t, status, out)
	require.Contains(t, out, "1 fixture excused by exceptions.json")

	write(t, "mine/kuna/fixtures/login.request.bad.json", `{"token":"a","password":"b"}`)
	status, out, _ = run(t, "", "check", dir)
	require.Equal(t, 1, status)
	require.Contains(t, out, "is listed in known_bad, and passes")

	write(t, "mine/kuna/exceptions.json", `{`)
	status, out, _ = run(t, "", "check", dir)
	require.Equal(t, 1, status)
	require.Contains(t, out, "exceptions.json: ")

	require.NoError(t, os.Remove("mine/kuna/exceptions.json"))
	require.NoError(t, os.Mkdir("mine/kuna/exceptions.json", 0o700))
	status, out, _ = run(t, "", "check", dir)
	require.Equal(t, 1, status)
	require.Contains(t, out, "exceptions.json: ")
}

func TestStrictCountsWhatIsUndocumented(t *testing.T) {
	dir := fixtures(t, map[string]string{"login.request.json": `{"token":"a","password":"b","news":1}`})
	status, out, _ := run(t, "", "check", "-provider", "kuna", dir)
	require.Zero(t, status, out)
	require.Contains(t, out, "1 undocumented")
	status, _, _ = run(t, "", "check", dir, "-strict", "-provider", "kuna")
	require.Equal(t, 1, status)
	_, out, _ = run(t, "", "check", dir, "-strict", "-provider", "kuna", "-format", "junit")
	require.Contains(t, out, `<failure message="kuna login request /news: `)
}

func TestCheckByADocumentOfYourOwn(t *testing.T) {
	doc, err := filepath.Abs(repo + "/specs/contract/testdata/shop.yaml")
	require.NoError(t, err)
	fixtures(t, map[string]string{"getOrder.response.200.json": `{"id":1,"amount":"1.00"}`})
	write(t, "a.jsonl", line("GET", "/v2/orders/1", "", "", 200, `{"id":"x","amount":"1.00"}`)+line("GET", "/v2/nowhere", "", "", 200, `{}`))
	status, out, errs := run(t, "", "check", "-doc", doc, "-provider", "shop", "mine", "a.jsonl")
	require.Equal(t, 1, status, errs)
	require.Contains(t, out, "shop: ")
	require.Contains(t, out, "getOrder response 200 /id: is a string")
	require.Contains(t, out, "GET path: belongs to no documented operation")
}

// line is an exchange as JSON lines have it.
func line(method, url, auth, request string, status int, answer string) string {
	m := map[string]any{"method": method, "url": url, "status": status, "response_headers": map[string]string{"Content-Type": "application/json"}, "response_body": answer}
	h := map[string]string{"merchant_id": canary}
	if request != "" {
		m["request_body"], h["Content-Type"] = request, "application/json"
	}
	if auth != "" {
		h["Authorization"] = auth
	}
	m["request_headers"] = h
	b, _ := json.Marshal(m)
	return string(b) + "\n"
}

// entry is an exchange as a HAR file has it.
func entry(method, url, auth, request string, status int, answer string) string {
	q := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	post := ""
	if request != "" {
		post = `,"postData":{"mimeType":"application/json","text":` + q(request) + `}`
	}
	return fmt.Sprintf(`{"startedDateTime":"2026-01-02T03:04:05.678Z","time":12,
  "request":{"method":%s,"url":%s,"httpVersion":"h2","cookies":[{"name":"sid","value":"%s"}],"headers":[{"name":"Authorization","value":%s},{"name":"Cookie","value":"sid=%s"},{"name":"merchant_id","value":"%s"}],"queryString":[]%s},
  "response":{"status":%d,"headers":[{"name":"content-type","value":"application/json"},{"name":"set-cookie","value":"sid=%s"}],"content":{"mimeType":"application/json","text":%s}},
  "cache":{},"timings":{}}`, q(method), q(url), canary, q(auth), canary, canary, post, status, canary, q(answer))
}

func har(entries ...string) string {
	return `{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[` + strings.Join(entries, ",\n") + "]}}"
}

const (
	login  = `{"email":"` + canary + `","password":"` + canary + `"}`
	tokens = `{"token":"` + canary + `","expires_in":"` + canary + `"}`
)

// traffic is a bit of everything: what holds, what is broken, what is
// undocumented, what is somebody else's and what cannot be read. It is judged
// by a document of its own, so that the golden files stand still when a
// provider's moves.
func traffic(t testing.TB) []string {
	t.Helper()
	doc, err := filepath.Abs("testdata/till.yaml")
	require.NoError(t, err)
	fixtures(t, map[string]string{"login.request.json": login, "login.request.bad.json": `{"email":7,"password":"` + canary + `"}`, "paid.webhook.now.json": `{"id":"` + canary + `"}`})
	secret := "Bearer " + canary
	file := har(
		entry("POST", "https://till.example/v1/nowhere/"+canary, secret, "", 404, `{}`),
		entry("GET", "https://elsewhere.example/?key="+canary, secret, "", 200, `{}`),
		entry("POST", "https://till.example/v1/login", "", login, 200, tokens),
		entry("POST", "https://till.example/v1/login", "", login, 200, tokens),
		entry("POST", "https://till.example/v1/login", "", login[:len(login)-2]+`","device":"`+canary+`"}`, 418, `{}`),
		entry("GET", "https://till.example/v1/receipts/7", secret, "", 200, `{"id":7}`))
	write(t, "shop.har", file[:len(file)-300])
	write(t, "lines.jsonl", line("GET", "/v1/receipts/"+canary, "", "", 200, `{"id":1}`)+
		`{"method":"GET","url":"`+canary+"\n"+
		line("GET", "https://till.example/v1/receipts/1", secret, "", 0, ``))
	return []string{"check", "-doc", doc, "-provider", "till", "mine", "shop.har", "lines.jsonl", "-format"}
}

func TestCheckOutputIsStable(t *testing.T) {
	golden, err := filepath.Abs("testdata")
	require.NoError(t, err)
	args := traffic(t)
	for format, ext := range map[string]string{"text": "txt", "json": "json", "junit": "xml"} {
		t.Run(format, func(t *testing.T) {
			args := append(slices.Clip(args), format)
			status, out, errs := run(t, "", args...)
			require.Equal(t, 1, status, errs)
			require.Empty(t, errs)
			for range 5 { // two cores judge; the order stays
				_, again, _ := run(t, "", args...)
				require.Equal(t, out, again)
			}
			file := filepath.Join(golden, "check."+ext)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(out), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), out, "run with -update and look at the difference")
		})
	}
}

func TestJUnitAddsUp(t *testing.T) {
	_, out, _ := run(t, "", append(traffic(t), "junit")...)
	type counts struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
	var got struct {
		XMLName xml.Name `xml:"testsuites"`
		counts
		Suites []struct {
			counts
			Name  string `xml:"name,attr"`
			Cases []struct {
				Class   string    `xml:"classname,attr"`
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	d := xml.NewDecoder(strings.NewReader(out))
	d.Strict = true
	require.NoError(t, d.Decode(&got))
	var sum counts
	for _, s := range got.Suites {
		var c counts
		for _, tc := range s.Cases {
			require.NotEmpty(t, tc.Class)
			require.NotEmpty(t, tc.Name)
			c.Tests++
			c.Failures += one(tc.Failure)
			c.Errors += one(tc.Error)
			c.Skipped += one(tc.Skipped)
		}
		require.Equal(t, c, s.counts, s.Name)
		sum = counts{sum.Tests + c.Tests, sum.Failures + c.Failures, sum.Errors + c.Errors, sum.Skipped + c.Skipped}
	}
	require.Equal(t, sum, got.counts)
	require.Positive(t, sum.Failures)
	require.Positive(t, sum.Errors)
	require.Positive(t, sum.Skipped)
}

func one(p *struct{}) int {
	if p != nil {
		return 1
	}
	return 0
}

func TestDamagedRecordings(t *testing.T) {
	t.Chdir(t.TempDir())
	good := entry("GET", "https://kuna.invalid/v2/nowhere", "Bearer "+canary, "", 200, `{}`)
	whole := har(good, good, good)
	two := line("GET", "https://kuna.invalid/v2/nowhere", canary, "", 200, `{}`) + line("GET", "https://kuna.invalid/v2/nowhere", canary, "", 200, `{}`)
	for _, tc := range []struct {
		name, file, want string
		judged           int
	}{
		{"cut.har", whole[:len(whole)-300], "cut.har: byte ", 2},
		{"inside.har", strings.Replace(whole, `"time":12`, `"time":{12`, 1), "inside.har: byte ", 2},
		{"none.har", `[]`, "none.har: byte ", 0},
		{"empty.har", ``, "empty.har: byte ", 0},
		{"nothing.har", har(), "nothing.har: holds no exchange", 0},
		{"foreign.har", har(entry("GET", "https://elsewhere.example", "", "", 200, "")), "foreign.har: none of its 1 exchange belongs to a document", 0},
		{"cut.jsonl", two[:len(two)-20], "cut.jsonl: line 2 ", 1},
		{"broken.ndjson", "{\n" + two, "broken.ndjson: line 1 ", 2},
		{"empty.jsonl", "", "empty.jsonl: holds no exchange", 0},
		{"bytes.jsonl", "\xff\x00" + canary, "bytes.jsonl: line 1 ", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			write(t, tc.name, tc.file)
			status, out, _ := run(t, "", "check", tc.name, "-format", "json")
			require.Equal(t, 1, status)
			var r struct {
				OK     bool
				Totals struct{ Exchanges, Damaged int }
				Inputs []struct{ Errors []string }
			}
			require.NoError(t, json.Unmarshal([]byte(out), &r))
			require.False(t, r.OK)
			require.Positive(t, r.Totals.Damaged)
			require.Contains(t, r.Inputs[0].Errors[0], tc.want)
			require.GreaterOrEqual(t, r.Totals.Exchanges, tc.judged)
		})
	}
}

func TestCheckReadsStandardInput(t *testing.T) {
	status, out, _ := run(t, line("POST", "/v2/auth/login", "", `{"token":"a","password":"b"}`, 401, `{}`), "check", "-provider", "kuna", "-")
	require.Equal(t, 1, status)
	require.Contains(t, out, "login ")
	require.Contains(t, out, "stdin line 1")
}

// Kuna gives each partner a host; a sandbox has a prefix.
func TestCheckTakesAnotherServer(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.jsonl", line("POST", "http://127.0.0.1:8710/kuna/v2/auth/login?x=1", "", `{"token":"a","password":"b"}`, 200, `{"data":{"accessToken":"a","expiresIn":1707241515,"refreshToken":"b"}}`)+
		line("GET", "http://127.0.0.1:8710/kuna/v2/nowhere", "", "", 200, `{}`)+line("GET", "http://127.0.0.1:8710/kunas", "", "", 200, `{}`))
	status, out, _ := run(t, "", "check", "-provider", "kuna", "a.jsonl")
	require.Equal(t, 1, status)
	require.Contains(t, out, "a.jsonl: none of its 3 exchanges belongs to a document")
	status, out, _ = run(t, "", "check", "-provider", "kuna", "-server", "http://127.0.0.1:8710/kuna/", "a.jsonl")
	require.Equal(t, 1, status)
	require.Contains(t, out, "✓ login  1 exchange; 1 undocumented; 200×1")
	require.Contains(t, out, "FAILED: 2 exchanges judged, 1 broken, 1 undocumented, 1 of somebody else\n")
}

func TestCheckFollowsALinkToADirectory(t *testing.T) {
	dir := fixtures(t, map[string]string{"kuna/login.request.json": login})
	require.NoError(t, os.Rename(dir+"/kuna", "elsewhere"))
	require.NoError(t, os.Symlink("../elsewhere", dir+"/kuna"))
	status, out, errs := run(t, "", "check", dir+"/kuna")
	require.Equal(t, 1, status, errs)
	require.Contains(t, out, "in mine/kuna/login.request.json")
}

// stalled is an input that stops in the middle of a line.
type stalled struct {
	begun bool
	now   chan struct{} // closed when it stops
}

func (s *stalled) Read(p []byte) (int, error) {
	if !s.begun {
		s.begun = true
		return copy(p, `{"method":`), nil
	}
	close(s.now)
	select {}
}

func TestCheckEndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in := &stalled{now: make(chan struct{})}
	var out strings.Builder
	done := make(chan int)
	go func() { done <- cli.Run(ctx, []string{"check", "-"}, cli.IO{In: in, Out: &out, Err: io.Discard}) }()
	select {
	case <-in.now:
	case <-done:
		t.Fatal(out.String())
	}
	cancel()
	select {
	case status := <-done:
		require.Equal(t, 1, status)
		require.Contains(t, out.String(), "interrupted")
	case <-time.After(20 * time.Second):
		t.Fatal("still reading")
	}
}

// small is a small exchange of the size that wallets and rates have.
func small() string {
	return line("POST", "https://kuna.invalid/v2/auth/login", "", `{"token":"user@example.com","password":"hunter22hunter22"}`, 200,
		`{"data":{"accessToken":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","expiresIn":1707241515,"refreshToken":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}`)
}

func BenchmarkCheck(b *testing.B) {
	for _, kind := range []string{"jsonl", "har"} {
		b.Run(kind, func(b *testing.B) {
			path := b.TempDir() + "/a." + kind
			f, err := os.Create(path)
			require.NoError(b, err)
			w := bufio.NewWriter(f)
			if kind == "har" {
				one := entry("POST", "https://kuna.invalid/v2/auth/login", "", `{"token":"user@example.com","password":"hunter22hunter22"}`, 200,
					`{"data":{"accessToken":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","expiresIn":1707241515,"refreshToken":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}`)
				fmt.Fprint(w, `{"log":{"entries":[`, one)
				for range b.N - 1 {
					fmt.Fprint(w, ",", one)
				}
				fmt.Fprint(w, "]}}")
			} else {
				for range b.N {
					fmt.Fprint(w, small())
				}
			}
			require.NoError(b, w.Flush())
			require.NoError(b, f.Close())
			before := cpu()
			b.ResetTimer()
			status := cli.Run(b.Context(), []string{"check", path}, cli.IO{Out: io.Discard, Err: io.Discard})
			b.StopTimer()
			require.Zero(b, status)
			b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "exchanges/cpu-s") // the bar: 8,000
		})
	}
}

// A gigabyte of HAR is judged in less than 300 MB of resident memory. It
// takes a minute or two: PAYCLIENTS_BIG=1.
func TestBigHAR(t *testing.T) {
	if os.Getenv("PAYCLIENTS_BIG") == "" {
		t.Skip("PAYCLIENTS_BIG is not set")
	}
	t.Chdir(t.TempDir())
	f, err := os.Create("big.har")
	require.NoError(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	one := entry("POST", "https://kuna.invalid/v2/auth/login", "", `{"token":"user@example.com","password":"hunter22hunter22"}`, 200,
		`{"data":{"accessToken":"`+canary+`","expiresIn":1707241515,"refreshToken":"`+canary+`"}}`)
	big := strings.Replace(one, canary, strings.Repeat("x", 8<<20), 1) // an answer of 8 MB now and then
	n := 1
	fmt.Fprint(w, `{"log":{"entries":[`, one)
	for size := len(one); size < 1<<30; n++ {
		e := one
		if n%20_000 == 0 {
			e = big
		}
		k, _ := fmt.Fprint(w, ",\n", e)
		size += k
	}
	fmt.Fprint(w, "]}}")
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	begin := time.Now()
	var out strings.Builder
	status := cli.Run(t.Context(), []string{"check", "big.har"}, cli.IO{Out: &out, Err: os.Stderr})
	took := time.Since(begin)
	require.Zero(t, status, out.String())
	require.Contains(t, out.String(), fmt.Sprintf("ok: %d exchanges judged", n))
	peak := peakRSS(t)
	t.Logf("1 GB, %d exchanges in %v (%.0f/s), at most %d MB resident", n, took.Round(time.Millisecond), float64(n)/took.Seconds(), peak>>20)
	require.Less(t, peak, int64(300<<20))
}

func peakRSS(t testing.TB) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			var kb int64
			_, err := fmt.Sscanf(strings.TrimSpace(rest), "%d kB", &kb)
			require.NoError(t, err)
			return kb << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
