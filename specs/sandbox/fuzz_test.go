package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// FuzzAnyRequest sends anything to every operation with good credentials: the
// sandbox never panics and never breaks its own contract.
func FuzzAnyRequest(f *testing.F) {
	s := sandbox.New(sandbox.WithHistory(1))
	f.Cleanup(s.Close)
	srv := sandbox.Serve() // its tokens are made over the wire, then moved with the state
	f.Cleanup(srv.Close)
	_, auth := setUp(f, srv)
	require.NoError(f, s.Restore(srv.Snapshot()))
	type target struct {
		provider string
		op       contract.OperationInfo
	}
	var all []target
	for _, p := range specs.Providers() {
		c, err := contract.For(p)
		require.NoError(f, err)
		for _, op := range c.Operations() {
			all = append(all, target{p, op})
		}
		fixtures, err := specs.Fixtures(p)
		require.NoError(f, err)
		for _, x := range fixtures {
			for i, t := range all {
				if x.Kind == specs.Request && t.provider == p && t.op.ID == x.Operation {
					f.Add(uint(i), string(x.Body), "6255c337c589a8c8e20f865e", "page=2&limit=1")
				}
			}
		}
	}
	for i, t := range all {
		if body := requests[t.provider+"/"+t.op.ID]; body != "" {
			f.Add(uint(i), body, "x", "page=99999999999&page_size=99999999999&take=-1&skip=9223372036854775807")
		}
	}
	f.Add(uint(0), `{"shop_id":"<SHOP ID>","amount":1e999999999}`, "", "")
	f.Fuzz(func(t *testing.T, n uint, body, id, query string) {
		x := all[n%uint(len(all))]
		path := strings.NewReplacer("{", "", "}", "").Replace(x.op.Path)
		if i := strings.Index(x.op.Path, "{"); i >= 0 {
			path = x.op.Path[:i] + id + x.op.Path[strings.LastIndex(x.op.Path, "}")+1:]
		}
		r, err := http.NewRequestWithContext(t.Context(), x.op.Method, "http://127.0.0.1/", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.Path, r.URL.RawQuery = "/"+x.provider+path, query
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(auth[x.provider]); i += 2 {
			r.Header.Set(auth[x.provider][i], auth[x.provider][i+1])
		}
		switch x.op.ID {
		case "createWithdrawal":
			r.Header.Set("Authorization", "Token <WITHDRAWAL API KEY>")
		case "createMerchantToken":
			r.Header.Set("Authorization", "Basic bWVyY2hhbnQ6bWVyY2hhbnQ=")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		s.ServeHTTP(httptest.NewRecorder(), r)
		for _, last := range s.Requests() { // one is kept
			if len(last.Own) > 0 {
				t.Fatalf("%s %s: sandbox broke its contract: %v", last.Method, last.Path, last.Own)
			}
		}
	})
}
