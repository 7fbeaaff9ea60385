// Package pagingtest serves pages to the tests of the iterators.
package pagingtest

import (
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Server answers with what its reply returns and keeps what it was asked.
type Server struct {
	URL   string
	Asked []string // method, path, query and body
}

// Serve starts a server for one test. The reply gets the number of the request,
// from 1.
func Serve(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *Server {
	t.Helper()
	s := new(Server)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.Asked = append(s.Asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		status, answer := reply(len(s.Asked), r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Collect ranges to the end and checks that nothing comes after an error.
func Collect[T any](t *testing.T, all iter.Seq2[T, error], id func(T) string) (ids []string, err error) {
	t.Helper()
	for item, e := range all {
		require.NoError(t, err, "it went on after an error")
		if err = e; err == nil {
			ids = append(ids, id(item))
		}
	}
	return ids, err
}
