package gen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// TestCoverageTable keeps the README's table of what the fixtures exercise.
func TestCoverageTable(t *testing.T) {
	var b strings.Builder
	fmt.Fprintln(&b, "| provider | fixtures | operations with a payload | statuses shown | properties shown | webhooks |")
	fmt.Fprintln(&b, "| --- | ---: | ---: | ---: | ---: | ---: |")
	for _, p := range specs.Providers() {
		c, err := contract.For(p)
		require.NoError(t, err)
		fixtures, err := specs.Fixtures(p)
		require.NoError(t, err)
		e, err := specs.ExceptionsOf(p)
		require.NoError(t, err)
		cov := c.Coverage(fixtures, e)
		shown, statuses, shownStatuses := 0, 0, 0
		for _, op := range cov.Operations {
			if op.Requests > 0 || len(op.ShownStatuses) > 0 {
				shown++
			}
			statuses += len(op.Statuses)
			shownStatuses += len(op.ShownStatuses)
		}
		fmt.Fprintf(&b, "| %s | %d | %d of %d | %d of %d | %d of %d | %d |\n", p, len(fixtures),
			shown, len(cov.Operations), shownStatuses, statuses, cov.ShownProperties, cov.Properties, len(cov.Webhooks))
	}
	requireBlock(t, "coverage", b.String())
}
