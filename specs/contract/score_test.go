package contract_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

var update = flag.Bool("update", false, "write generated blocks into specs/<provider>/README.md")

// The scores stand in each provider's README, survivors and all, and this test
// compares them: a specification that bites less than before shows in review.
// Run it with -update after changing a document or a fixture.
func TestMutationScore(t *testing.T) {
	eachProvider(t, func(t *testing.T, c *contract.Checker) {
		fixtures, e := evidence(t, c.Provider())
		doc, err := specs.Document(c.Provider())
		require.NoError(t, err)
		s, err := contract.Mutate(c.Provider(), doc, fixtures, e)
		require.NoError(t, err)
		t.Logf("fixture damage refused %.1f %%, document damage noticed %.1f %%", 100*s.Refused(), 100*s.Noticed())
		if s.Refused() < 0.95 {
			t.Errorf("%.1f %% of the damaged fixtures are refused, want at least 95 %%", 100*s.Refused())
		}
		if s.Noticed() < 0.60 {
			t.Errorf("%.1f %% of the changes to the document are noticed, want at least 60 %%", 100*s.Noticed())
		}
		block(t, c.Provider(), "mutation", s.Markdown())
	})
}

func TestCoverageTableIsCurrent(t *testing.T) {
	eachProvider(t, func(t *testing.T, c *contract.Checker) {
		fixtures, e := evidence(t, c.Provider())
		block(t, c.Provider(), "coverage", c.Coverage(fixtures, e).Markdown())
	})
}

func evidence(t *testing.T, provider string) ([]specs.Fixture, specs.Exceptions) {
	t.Helper()
	fixtures, err := specs.Fixtures(provider)
	require.NoError(t, err)
	e, err := specs.ExceptionsOf(provider)
	require.NoError(t, err)
	return fixtures, e
}

// block compares a generated block of a provider's README, or writes it.
func block(t *testing.T, provider, name, want string) {
	t.Helper()
	path := filepath.Join("..", provider, "README.md")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	text, ok := contract.Splice(string(b), name, want)
	if !ok {
		text = string(b) + "\n## " + headings[name] + "\n\n<!-- " + name + ":begin (go test ./specs/contract -update) -->\n<!-- " + name + ":end -->\n"
		text, _ = contract.Splice(text, name, want)
	}
	if text == string(b) {
		return
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	t.Errorf("the %s block of specs/%s/README.md is out of date: go test ./specs/contract -run 'Score|Coverage' -update, and review the difference", name, provider)
}

var headings = map[string]string{
	"mutation": "How well the document and its fixtures hold each other",
	"coverage": "What the fixtures show",
}
