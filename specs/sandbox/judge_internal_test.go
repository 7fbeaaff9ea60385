package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// witness is a testing.TB that only counts what goes wrong.
type witness struct {
	testing.TB
	errors int
}

func (w *witness) Helper()               {}
func (w *witness) Errorf(string, ...any) { w.errors++ }

// Our own mistakes are never passed on as the provider's answer.
func TestASandboxThatBreaksItsContractSaysSo(t *testing.T) {
	s := New(WithProviders(specs.Kuna))
	defer s.Close()
	for name, a := range map[string]*answer{
		"type":         success(obj("data", "no list")),
		"status":       reply(http.StatusTeapot, obj("data", []any{})),
		"undocumented": success(obj("data", []any{}, "extra", true)),
		"syntax":       {status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: []byte("{")},
	} {
		t.Run(name, func(t *testing.T) {
			s.Reset()
			s.providers[specs.Kuna].handlers["findOperations"] = func(*call) *answer { return a }
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/kuna/v2/operation/find", strings.NewReader(`{}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Api-Key", s.Credentials(specs.Kuna).APIKey)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if name != "undocumented" { // kept, but no breach
				require.Equal(t, http.StatusInternalServerError, w.Code)
				require.Contains(t, w.Body.String(), "sandbox broke its contract")
			}
			require.NotEmpty(t, s.Violations())
			require.Empty(t, s.ClientViolations())
			seen := &witness{}
			require.False(t, s.AssertNoViolations(seen))
			require.Positive(t, seen.errors)
		})
	}
}
