package sandbox_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// The documented calls work as printed, sent by the real curl over TCP with
// nothing but the host changed. See testdata/curl/README.md.
func TestDocumentedCurlCallsWorkAsPrinted(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	s := sandbox.New()
	defer s.Close()
	srv := httptest.NewServer(s)
	defer srv.Close()
	for _, p := range specs.Providers() {
		t.Run(p, func(t *testing.T) {
			script, err := os.ReadFile(filepath.Join("testdata", "curl", p+".txt"))
			require.NoError(t, err)
			vars := map[string]string{"BASE": srv.URL + "/" + p}
			for _, block := range strings.Split(string(script), "\n\n") {
				var command []string
				var body []byte
				for _, line := range strings.Split(block, "\n") {
					want, expects := strings.CutPrefix(line, "> ")
					name, path, keeps := strings.Cut(want, " = ")
					switch {
					case strings.HasPrefix(line, "#"):
					case !expects:
						command = append(command, line)
					case keeps:
						vars[name] = member(t, body, path)
					default:
						status, holds, _ := strings.Cut(want, " ")
						got := ""
						got, body = runCurl(t, curl, strings.Join(command, " "), vars)
						require.Equal(t, status, got, "%s\n%s", command, body)
						require.Contains(t, string(body), holds)
					}
				}
			}
		})
	}
	require.Empty(t, s.ClientViolations())
	require.Empty(t, s.Violations())
}

func runCurl(t *testing.T, curl, command string, vars map[string]string) (string, []byte) {
	t.Helper()
	for name, value := range vars {
		command = strings.ReplaceAll(command, "$"+name, value)
	}
	command = curl + ` -sS -w '\n%{http_code}' ` + strings.TrimPrefix(command, "curl ")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, out)
	at := bytes.LastIndexByte(out, '\n')
	return string(out[at+1:]), out[:at]
}

func member(t *testing.T, body []byte, path string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(body, &v))
	for _, name := range strings.Split(path, ".") {
		v = at(v, name)
	}
	return text(v)
}
