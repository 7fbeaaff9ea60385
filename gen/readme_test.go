package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeShowsTheExample holds the first Go block of the README to what runs
// as cryptopay's Example, from the client's construction to the output.
func TestReadmeShowsTheExample(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	source, err := os.ReadFile(filepath.Join("cryptopay", "example_test.go"))
	require.NoError(t, err)

	_, rest, ok := strings.Cut(string(readme), "\n```go\n")
	require.True(t, ok, "README.md has no Go block")
	block, _, ok := strings.Cut(rest, "```\n")
	require.True(t, ok, "the first Go block of README.md does not end")

	_, rest, ok = strings.Cut(string(source), "\nfunc Example() {\n")
	require.True(t, ok, "cryptopay has no Example")
	_, rest, ok = strings.Cut(rest, "\n\tclient, err := ")
	require.True(t, ok, "Example constructs no client")
	body, _, ok := strings.Cut("\n\tclient, err := "+rest, "\n\t// Output:")
	require.True(t, ok, "Example has no output, so it does not run")

	require.Equal(t, strings.ReplaceAll(body, "\n\t", "\n")+"\n", "\n"+block, "README.md and gen/cryptopay/example_test.go differ")
}
