package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/cmd/payctl/internal/cli"
	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// canary stands for every secret, and must never be printed.
const canary = "cnry7SECRET9cnry"

// run runs a command to its end.
func run(t testing.TB, stdin string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // should it serve where it ought to refuse
	defer cancel()
	status = cli.Run(ctx, args, cli.IO{In: strings.NewReader(stdin), Out: &o, Err: &e})
	require.NotContains(t, o.String(), canary)
	require.NotContains(t, e.String(), canary)
	return status, o.String(), e.String()
}

// running is a command that serves.
type running struct {
	t      *testing.T
	cancel context.CancelFunc
	status chan int
	lines  *bufio.Scanner // of the stream that tells the address
	mu     sync.Mutex
	out    bytes.Buffer
}

// start runs a command until stop is called. Its standard output is kept.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, cancel: cancel, status: make(chan int, 1)}
	pr, pw := io.Pipe()
	r.lines = bufio.NewScanner(pr)
	streams := cli.IO{In: strings.NewReader(""), Out: r, Err: pw}
	if args[0] == "sandbox" {
		streams.Out, streams.Err = pw, io.Discard
	}
	go func() {
		r.status <- cli.Run(ctx, args, streams)
		_ = pw.Close()
	}()
	t.Cleanup(func() { cancel(); _ = pr.Close() })
	return r
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// env waits for a line NAME=value and returns the value.
func (r *running) env(name string) string {
	r.t.Helper()
	for r.lines.Scan() {
		if _, v, ok := strings.Cut(r.lines.Text(), name+"="); ok {
			go func() { // nobody may be held up by what is not read
				for r.lines.Scan() {
				}
			}()
			v, _, _ = strings.Cut(v, " ")
			return v
		}
	}
	r.t.Fatalf("%s was not printed", name)
	return ""
}

func (r *running) stop() int {
	r.t.Helper()
	r.cancel()
	select {
	case s := <-r.status:
		return s
	case <-time.After(20 * time.Second):
		r.t.Fatal("the command does not end")
		return -1
	}
}

func TestDemoShowsAllFiveProviders(t *testing.T) {
	status, out, errs := run(t, "", "demo")
	require.Zero(t, status, "%s%s", out, errs)
	for _, p := range specs.Providers() {
		require.Contains(t, out, "\n"+p+" — ")
	}
	require.Contains(t, out, " 0 failed")
	require.NotContains(t, out, "✗")
}

func TestDemoFailsWithoutASandbox(t *testing.T) {
	for _, p := range specs.Providers() {
		t.Setenv(strings.ToUpper(p)+"_BASE_URL", "http://127.0.0.1:1")
	}
	t.Setenv("PAYCLIENTS_SANDBOX_URL", "")
	status, out, _ := run(t, "", "demo", "-env")
	require.Equal(t, 1, status)
	require.Contains(t, out, "✗")
}

func TestSandboxServes(t *testing.T) {
	r := start(t, "sandbox")
	base := r.env("KUNA_BASE_URL")
	require.True(t, strings.HasPrefix(base, "http://127.0.0.1:"), base)
	cred := sandbox.DefaultCredentials(specs.Kuna)
	client, err := kuna.New(kuna.APIKey(cred.APIKey), kuna.WithBaseURL(base))
	require.NoError(t, err)
	rates, err := client.GetRateEquivalents(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, rates)
	require.Zero(t, r.stop())
	_, err = http.Get(base) //nolint:bodyclose // there is none
	require.Error(t, err)
}

func TestWrongUse(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/notes.txt", "x")
	write(t, dir+"/login.response.200.json", "{}")
	write(t, dir+"/empty/README.md", "x")
	write(t, dir+"/a.jsonl", "")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "payctl check"},
		{[]string{"nope"}, `unknown command "nope"`},
		{[]string{"demo", "x"}, `takes no "x"`},
		{[]string{"demo", "-nope"}, "-nope"},
		{[]string{"sandbox", "x"}, `takes no "x"`},
		{[]string{"sandbox", "-providers", "nope"}, `unknown provider "nope"`},
		{[]string{"sandbox", "-addr", "0.0.0.0:0"}, "not a loopback address"},
		{[]string{"check"}, "needs a PATH"},
		{[]string{"check", "-format", "yaml", dir}, `unknown format "yaml"`},
		{[]string{"check", "-provider", "nope", dir}, `unknown provider "nope"`},
		{[]string{"check", "-doc", dir + "/nope.yaml", dir}, "nope.yaml"},
		{[]string{"check", "-doc", dir + "/notes.txt", dir}, "document"},
		{[]string{"check", "-server", "http://x", dir + "/a.jsonl"}, "-server needs -provider"},
		{[]string{"check", dir + "/nope.har"}, "nope.har"},
		{[]string{"check", dir + "/notes.txt"}, "want .json"},
		{[]string{"check", dir + "/empty"}, "holds no fixture"},
		{[]string{"check", dir + "/login.response.200.json"}, "whose fixture"},
		{[]string{"check", dir}, "whose fixture"},
		{[]string{"check", "-", "-"}, "once"},
		{[]string{"check", dir + "/a.jsonl", "-format"}, "flag needs an argument"},
		{[]string{"proxy"}, "needs -provider and -upstream"},
		{[]string{"proxy", "-provider", "kuna"}, "needs -provider and -upstream"},
		{[]string{"proxy", "-provider", "nope", "-upstream", "https://x"}, `unknown provider "nope"`},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "http://api.example"}, "http is for loopback"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://me:" + canary + "@api.example"}, "no user"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://api.example?key=" + canary}, "no user, query"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://%zz" + canary}, "cannot be read"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "ftp://api.example"}, "http or https"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://api.example", "-addr", "0.0.0.0:0"}, "not a loopback"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://api.example", "-addr", "nonsense"}, "-addr"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://api.example", "-format", "junit"}, "unknown format"},
		{[]string{"proxy", "-provider", "kuna", "-upstream", "https://api.example", "-record", dir + "/no/such/dir"}, "no such file"},
	} {
		t.Run(strings.ReplaceAll(strings.Join(tc.args, " "), dir, "dir"), func(t *testing.T) {
			status, out, errs := run(t, "", tc.args...)
			require.Equal(t, 2, status)
			require.Empty(t, out)
			require.Contains(t, errs, tc.want)
		})
	}
}

func TestHelp(t *testing.T) {
	status, out, _ := run(t, "", "help")
	require.Zero(t, status)
	for _, c := range []string{"demo", "sandbox", "check", "proxy"} {
		require.Contains(t, out, "payctl "+c+" ")
		status, _, errs := run(t, "", "help", c)
		require.Zero(t, status)
		require.Contains(t, errs, "usage: payctl "+c)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		require.NoError(t, os.MkdirAll(path[:i], 0o700))
	}
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}
