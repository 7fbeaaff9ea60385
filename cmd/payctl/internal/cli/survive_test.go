package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
)

const surviveAs = "PAYCLIENTS_SURVIVE_AS" // which client this test binary plays

// TestSurviveClient is no test: it is the client that the command runs.
func TestSurviveClient(t *testing.T) {
	switch os.Getenv(surviveAs) {
	case "ours":
		require.NoError(t, os.Unsetenv("KUNA_API_KEY")) // log in instead
		client, err := kuna.FromEnv()
		require.NoError(t, err)
		_, err = client.CreateCustomer(context.Background(), kuna.CreateCustomerRequest{
			Email: "payer@example.com", FirstName: "Ada", LastName: "Lovelace", Country: "IT", VerificationDocumentID: "D", ResidenceAddress: "R"})
		if err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	case "careless": // tries again whatever happened, and shows what it sent
		for range 2 {
			req, _ := http.NewRequest("POST", os.Getenv("KUNA_BASE_URL")+"/v2/customer/create", strings.NewReader(
				`{"email":"a@example.com","firstName":"A","lastName":"B","country":"IT","verificationDocumentId":"D","residenceAddress":"R"}`))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Api-Key", os.Getenv("KUNA_API_KEY"))
			res, err := http.DefaultClient.Do(req)
			if err == nil && res.StatusCode < 300 {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if err == nil {
					return
				}
			}
			fmt.Println("failed with key", os.Getenv("KUNA_API_KEY"))
		}
	case "stuck":
		time.Sleep(time.Hour)
	default:
		t.Skip("runs as a client of payctl survive")
	}
}

func TestSurvive(t *testing.T) {
	as := func(client string, args ...string) (int, string, string) {
		t.Setenv(surviveAs, client)
		return run(t, "", append(append([]string{"survive", "-provider", "kuna"}, args...), "--", os.Args[0], "-test.run=^TestSurviveClient$")...)
	}
	status, out, errs := as("ours", "-faults", "502,reset-after,truncated-json,token-missing", "-delay", "10ms")
	require.Zero(t, status, out+errs)
	require.Contains(t, out, "survives 7 of 7", "token-missing has no meaning in another call")

	status, out, _ = as("careless", "-faults", "reset-after,502", "-delay", "10ms")
	require.Equal(t, 1, status)
	require.Contains(t, out, "createCustomer was sent 2 times, 1 without the fault")
	require.Contains(t, out, "prints KUNA_API_KEY")
	require.Regexp(t, `502 +token +exit 0 +not met`, out, "it never logs in")
	require.NotContains(t, out, "fake-kuna-api-key", "the credential itself")

	status, _, errs = as("stuck", "-timeout", "300ms")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "hangs")

	status, _, errs = run(t, "", "survive", "-provider", "kuna", "--", "true")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "makes no call")
	status, _, errs = run(t, "", "survive", "-provider", "kuna")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "after --")
	status, _, errs = run(t, "", "survive", "-provider", "kuna", "-faults", "nope", "--", "true")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "unknown fault")
}
