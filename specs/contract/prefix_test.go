package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// TestAPrefixOfAKeyIsChecked: a token header without its prefix is the first
// thing that hand-written clients of CryptoCloud get wrong.
func TestAPrefixOfAKeyIsChecked(t *testing.T) {
	c, err := contract.For(specs.CryptoCloud)
	require.NoError(t, err)
	for value, want := range map[string]int{"Token some-key": 0, "some-key": 1, "Bearer some-key": 1, "Token": 1, "": 1} {
		req, err := http.NewRequest("POST", "https://api.cryptocloud.plus/v2/invoice/merchant/canceled", strings.NewReader(`{"uuid":"INV-XXXXXXXX"}`))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", value)
		_, v := c.Request(req)
		require.Len(t, v, want, "Authorization: %q", value)
		for _, v := range v {
			require.Equal(t, "security", v.Rule)
			require.NotContains(t, v.String(), "some-key")
		}
	}
}
