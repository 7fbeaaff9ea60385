package contract

import (
	"io/fs"
	"net/http"
	"sync"
	"testing"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Client returns an HTTP client that fails the test for everything that
// passes through it and contradicts the provider's document. A nil base is
// http.DefaultTransport. What is merely undocumented is logged.
//
//	client, err := kuna.New(login, kuna.WithHTTPClient(contract.Client(t, "kuna", nil)))
//
// A base URL with a path, such as a sandbox's, needs [WithServer].
func Client(t testing.TB, provider string, base http.RoundTripper, opts ...Option) *http.Client {
	t.Helper()
	c := must(t, provider, opts)
	// An answer may be closed by a goroutine that outlives the test.
	var mu sync.Mutex
	over := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
	})
	return &http.Client{Transport: Transport(base, c, func(r Report) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			Assert(t, r.Violations)
		}
	})}
}

// Assert fails the test for each violation that is broken and logs the
// others. It reports whether none was broken.
func Assert(t testing.TB, vs []Violation) bool {
	t.Helper()
	ok := true
	for _, v := range vs {
		if v.Kind == Broken {
			ok = false
			t.Errorf("contract: %s", v)
		} else {
			t.Logf("contract: %s", v)
		}
	}
	return ok
}

// Exact fails the test for each violation of any kind: use it for what you
// wrote yourself, such as a fake's answers.
func Exact(t testing.TB, vs []Violation) bool {
	t.Helper()
	for _, v := range vs {
		t.Errorf("contract: %s", v)
	}
	return len(vs) == 0
}

// FixturesFS judges every file of a directory of your own payloads, named as
// package specs describes:
//
//	contract.FixturesFS(t, "kuna", os.DirFS("testdata/kuna"))
func FixturesFS(t testing.TB, provider string, fsys fs.FS, opts ...Option) {
	t.Helper()
	c := must(t, provider, opts)
	fixtures, err := specs.FixturesFS(provider, fsys)
	if err != nil {
		t.Fatalf("contract: %v", err)
	}
	if len(fixtures) == 0 {
		t.Errorf("contract: no fixtures for %s", provider)
	}
	for _, f := range fixtures {
		for _, v := range c.Fixture(f) {
			t.Errorf("contract: %s: %s", f.Name, v)
		}
	}
}

func must(t testing.TB, provider string, opts []Option) *Checker {
	t.Helper()
	c, err := For(provider)
	if err == nil && len(opts) > 0 {
		c, err = c.With(opts...)
	}
	if err != nil {
		t.Fatalf("contract: %v", err)
	}
	return c
}
