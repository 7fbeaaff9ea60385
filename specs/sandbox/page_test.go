package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// chromium runs the page in a headless browser and returns what it shows.
func chromium(t *testing.T, url string) string {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("PAYCLIENTS_REQUIRE_CHROMIUM") == "1" {
			t.Fatal("PAYCLIENTS_REQUIRE_CHROMIUM=1, and there is no chromium")
		}
		t.Skip("no chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=4000", "--dump-dom", url).Output()
	require.NoError(t, err)
	return string(out)
}

func TestThePageShowsWhatHappens(t *testing.T) {
	s := sandbox.New(sandbox.WithProviders(specs.Kuna, specs.CryptoCloud))
	defer s.Close()
	web := httptest.NewServer(s)
	defer web.Close()

	s.Inject(sandbox.Fault{Name: "503", Operation: "findCustomers", Count: 3})
	post(t, web.URL+"/kuna/v2/customer/find", `{}`, "Api-Key", s.Credentials(specs.Kuna).APIKey)
	post(t, web.URL+"/kuna/v2/customer/create", `{"email":7}`, "Api-Key", s.Credentials(specs.Kuna).APIKey)
	post(t, web.URL+"/cryptocloud/v2/invoice/create", `{"shop_id":"FAKESHOPID000001","amount":12.5}`, "Authorization", "Token fake-cryptocloud-api-key")
	s.Advance(31 * time.Minute)

	dom := chromium(t, web.URL+"/__sandbox/")
	require.Contains(t, dom, "moved by 31m0s")
	require.Contains(t, dom, `<p id="error" role="alert"></p>`)
	require.Contains(t, dom, "fault: 503")
	require.Contains(t, dom, "503 any provider findCustomers: struck 1 of 3")
	require.Contains(t, dom, "/email is a number expected a string")
	require.Contains(t, dom, "fits its document")
	require.Regexp(t, regexp.MustCompile(`data-id="INV-[A-Z0-9]{8}"`), dom)
	require.Regexp(t, regexp.MustCompile(`<button>pay</button> <button>expire</button>`), dom)
	require.Contains(t, dom, `<option value="429-seconds">`)
}

// clicks is added to the page by the test: what a person would do.
const clicks = `<script>
const pause = ms => new Promise(f => setTimeout(f, ms));
addEventListener("load", async () => {
  await pause(300);
  document.querySelector("#rows button").click(); // pay
  await pause(300);
  document.querySelector("#advance button").click();
  await pause(300);
  const f = document.querySelector("#fault").elements;
  f.name.value = "503"; f.provider.value = "cryptocloud"; f.count.value = 5;
  document.querySelector("#fault button").click();
  await pause(300);
  document.querySelector("#rows button").click(); // pay again, which is refused
});
</script>`

func TestTheButtonsOfThePageWork(t *testing.T) {
	s := sandbox.New(sandbox.WithProviders(specs.CryptoCloud))
	defer s.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r)
		if r.URL.Path == "/__sandbox/" {
			_, _ = io.WriteString(w, clicks)
		}
	}))
	defer web.Close()
	post(t, web.URL+"/cryptocloud/v2/invoice/create", `{"shop_id":"FAKESHOPID000001","amount":12.5}`, "Authorization", "Token fake-cryptocloud-api-key")

	dom := chromium(t, web.URL+"/__sandbox/")
	require.Regexp(t, regexp.MustCompile(`<td>paid</td>`), dom)
	require.Contains(t, dom, "moved by 31m0s")
	require.Contains(t, dom, "503 cryptocloud : struck 0 of 5")
	require.Contains(t, dom, "is paid already", "an error is shown")
	require.Len(t, s.Faults(), 1)
}

func post(t *testing.T, url, body string, headers ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_ = res.Body.Close()
}
