package gen_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// TestExampleClientUnderContract shows how to hold your own code to a
// provider's document: whatever passes through the HTTP client and contradicts
// it fails the test. WithServer is for a base URL that has a path.
func TestExampleClientUnderContract(t *testing.T) {
	srv := sandbox.Start(t, sandbox.WithProviders("kuna"))
	client, err := kuna.New(
		kuna.APIKey("fake-kuna-api-key"),
		kuna.WithBaseURL(srv.URL("kuna")),
		kuna.WithHTTPClient(contract.Client(t, "kuna", srv.Client().Transport, contract.WithServer(srv.URL("kuna")))),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetRateEquivalents(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestExampleFixturesUnderContract shows how to hold recorded payloads to it.
// They are named operationId.request.json or operationId.response.status.json;
// yours are in os.DirFS("testdata/kuna").
func TestExampleFixturesUnderContract(t *testing.T) {
	contract.FixturesFS(t, "kuna", fstest.MapFS{
		"login.request.json":      {Data: []byte(`{"token":"ada@mail.example","password":"fake"}`)},
		"login.response.200.json": {Data: []byte(`{"data":{"accessToken":"fake","refreshToken":"fake","expiresIn":1707241515}}`)},
	})
}

// Watch for drift in production: the transport changes and delays nothing, and
// tells where reality differs from the document.
func Example_canary() {
	srv := sandbox.Serve(sandbox.WithProviders("kuna"))
	defer srv.Close()
	srv.Inject(sandbox.Fault{Name: "answer", Operation: "transferPreRequest", Status: http.StatusOK, // Kuna has a new member
		Body: `{"data":{"feeTier":"gold","feeFixed":"0.0","feeRate":"2.0","feeStrategy":"external","minAmount":"1","maxAmount":"9"}}`})

	checker, err := contract.For("kuna")
	if err != nil {
		log.Fatal(err)
	}
	checker, err = checker.With(contract.WithServer(srv.URL("kuna"))) // for a base URL that has a path
	if err != nil {
		log.Fatal(err)
	}
	canary := contract.Transport(srv.Client().Transport, checker, func(r contract.Report) { // or contract.Slog(logger)
		for _, v := range r.Violations {
			fmt.Println(v)
		}
	})

	client, err := kuna.New(kuna.APIKey("fake-kuna-api-key"),
		kuna.WithBaseURL(srv.URL("kuna")), kuna.WithHTTPClient(&http.Client{Transport: canary}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.TransferPreRequest(context.Background(), kuna.TransferPreRequestRequest{Asset: "USDT"}); err != nil {
		log.Fatal(err)
	}
	// Output: kuna transferPreRequest response 200 /data/feeTier: is not documented (undocumented)
}
