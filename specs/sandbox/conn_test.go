package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// What the network in memory must do for net/http to work on it.
func TestTheNetworkInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna))
		big := strings.Repeat("x", 1<<20)
		echo := srv.Receive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				<-r.Context().Done()
				return
			}
			_, _ = io.Copy(w, r.Body)
		}))
		call := func(c *http.Client, path, body string) (string, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, echo+path, strings.NewReader(body))
			require.NoError(t, err)
			res, err := c.Do(req)
			if err != nil {
				return "", err
			}
			defer func() { _ = res.Body.Close() }()
			b, err := io.ReadAll(res.Body)
			return string(b), err
		}
		got, err := call(srv.Client(), "/", big)
		require.NoError(t, err)
		require.Len(t, got, 1<<20, "more than the buffer holds, both ways")
		time.Sleep(time.Hour) // the idle connection lives or is replaced
		_, err = call(srv.Client(), "/", "again")
		require.NoError(t, err)

		c := srv.Client()
		c.Timeout = 3 * time.Second
		begin := time.Now()
		_, err = call(c, "/hang", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begin))
		srv.Close()
		_, err = call(srv.Client(), "/", "closed")
		require.Error(t, err)
	})
}
