package contract_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// eachProvider runs a test once per provider. A provider whose document is
// missing or broken fails its own subtest and no other.
func eachProvider(t *testing.T, test func(t *testing.T, c *contract.Checker)) {
	t.Helper()
	for _, p := range specs.Providers() {
		t.Run(p, func(t *testing.T) {
			c, err := contract.For(p)
			require.NoError(t, err)
			test(t, c)
		})
	}
}

func TestEveryFixtureAgreesWithItsDocument(t *testing.T) {
	eachProvider(t, func(t *testing.T, c *contract.Checker) {
		e, err := specs.ExceptionsOf(c.Provider())
		require.NoError(t, err)
		fixtures, err := specs.Fixtures(c.Provider())
		require.NoError(t, err)
		require.NotEmpty(t, fixtures)
		for _, f := range fixtures {
			for _, v := range c.FixtureStrict(f, e) {
				t.Errorf("%s: %s", f.Name, v)
			}
		}
	})
}
