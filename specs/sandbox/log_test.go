package sandbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

func TestTheLastRequestsAreKeptAndViolationsForLonger(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders(specs.Kuna), sandbox.WithHistory(3))
	send(t, srv, "POST", "kuna/v2/customer/create", `{}`, kunaKey(srv)...)
	wrong := len(srv.ClientViolations())
	require.Positive(t, wrong)
	for range 5 {
		good(t, srv, "POST", "kuna/v2/customer/find", `{}`, kunaKey(srv)...)
	}
	x := srv.Requests()
	require.Equal(t, []int{4, 5, 6}, []int{x[0].N, x[1].N, x[2].N})
	require.Len(t, srv.Calls(specs.Kuna, "findCustomers"), 3)
	require.Equal(t, srv.Credentials(specs.Kuna).APIKey, x[0].RequestHeader.Get("Api-Key"))
	require.Equal(t, `{}`, string(x[0].RequestBody))
	require.Len(t, srv.ClientViolations(), wrong)
	_, body := send(t, srv, "GET", "__sandbox/requests", "")
	require.NotContains(t, body, srv.Credentials(specs.Kuna).APIKey, "no credentials over HTTP")
}
