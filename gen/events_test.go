package gen_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// TestWebhookEventsAreThoseOfTheDocument: the constants are written by hand, for
// what is said beside them, and must not fall behind the document.
func TestWebhookEventsAreThoseOfTheDocument(t *testing.T) {
	for _, p := range []string{specs.CryptoPay, specs.Crypterium, specs.EcartPay} {
		doc, err := specs.Document(p)
		require.NoError(t, err)
		_, list, ok := strings.Cut(string(doc), "x-go-const: false # written by hand in webhook.go")
		require.True(t, ok, p)
		_, list, _ = strings.Cut(list, "x-extensible-enum:")
		var want []string
		if flow, rest, ok := strings.Cut(list, "]"); ok && strings.HasPrefix(strings.TrimSpace(flow), "[") {
			want, _ = strings.Split(strings.TrimSpace(flow)[1:], ", "), rest
		} else {
			for line := range strings.Lines(strings.TrimPrefix(list, "\n")) {
				item, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
				if !ok {
					break
				}
				want = append(want, item)
			}
		}
		src, err := os.ReadFile(filepath.Join(p, "webhook.go"))
		require.NoError(t, err)
		var got []string
		for _, m := range regexp.MustCompile(`(?m)^\tEvent\w+\s*= "([^"]+)"`).FindAllSubmatch(src, -1) {
			got = append(got, string(m[1]))
		}
		slices.Sort(want)
		slices.Sort(got)
		require.NotEmpty(t, want, p)
		require.Equal(t, want, got, p)
	}
}
