package gen_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// TestTwoDaysOfAllProviders lives through 48 hours of virtual time with a call
// every three minutes and a sandbox that misbehaves. No read fails that a
// perfect client could have made, nobody logs in more often than tokens end,
// and the tokens of the last minute are not those of the first.
func TestTwoDaysOfAllProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		srv := sandbox.Start(t, sandbox.WithSeed(7), sandbox.WithHistory(10_000))
		all := merchants(t, srv)
		for _, m := range all {
			require.NoError(t, m.read(ctx), m.provider)
		}

		// Each rule fires once, after so many calls that match it: a fault every
		// few dozen calls, seldom two in a row and never three. Token calls fail at
		// Kuna, whose token is renewed while the old one is still good; tokens are
		// refused at Ecart Pay, where a new one must be had at once.
		token, call := true, false
		for n := range 100 {
			srv.Inject(sandbox.Fault{Name: []string{"502", "429-seconds", "reset-before", "slow-answer", "503"}[n%5], Auth: &call, Skip: 10 + 47*n, Count: 1, Delay: 2 * time.Second})
			srv.Inject(sandbox.Fault{Name: "unauthorized", Provider: "ecartpay", Auth: &call, Skip: 20 + 91*n, Count: 1})
		}
		for n := range 30 {
			srv.Inject(sandbox.Fault{Name: []string{"503", "reset-after", "refresh-spent"}[n%3], Provider: "kuna", Auth: &token, Skip: 3 + 7*n, Count: 1, Delay: time.Second})
		}
		first := len(srv.Requests())
		for range 48 * 20 {
			time.Sleep(3 * time.Minute)
			for _, m := range all {
				require.NoError(t, m.read(ctx), m.provider)
			}
		}
		require.Greater(t, len(srv.Requests()), first)
		require.NotEmpty(t, srv.Calls("kuna", "refreshToken"))
		// 96 lives of half an hour, each renewed a little early, and the faults.
		renewals := len(srv.Calls("kuna", "refreshToken")) + len(srv.Calls("kuna", "login"))
		require.True(t, renewals > 96 && renewals < 150, "Kuna's token was renewed %d times", renewals)
		hourly := len(srv.Calls("ecartpay", "createAuthorizationToken"))
		require.True(t, hourly > 48 && hourly < 80, "Ecart Pay's token was fetched %d times", hourly)
		require.True(t, srv.AssertNoViolations(t))
	})
}

func made[C any](c C, err error) func(t *testing.T) C {
	return func(t *testing.T) C {
		t.Helper()
		require.NoError(t, err)
		return c
	}
}
