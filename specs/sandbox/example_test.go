package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/sandbox"
)

// A token that expires, without waiting and without a network.
func Example() {
	srv := sandbox.Serve(sandbox.WithProviders(specs.Kuna)) // in a test: sandbox.Start(t)
	defer srv.Close()
	cred := srv.Credentials(specs.Kuna)
	call := func(path, body string, headers ...string) {
		req, err := http.NewRequest(http.MethodPost, srv.URL(specs.Kuna)+path, strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(headers[0], headers[1])
		res, err := srv.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		fmt.Println(res.StatusCode, strings.SplitN(string(text), "\"", 3)[1])
	}
	call("/v2/auth/login", `{"token":"`+cred.Email+`","password":"`+cred.Password+`"}`, "merchant_id", cred.MerchantID)
	call("/v2/customer/find", `{}`, "Api-Key", cred.APIKey)

	srv.Inject(sandbox.Fault{Name: "503", Count: 1})
	call("/v2/customer/find", `{}`, "Api-Key", cred.APIKey)

	begin := srv.Now()
	srv.Advance(31 * time.Minute)
	fmt.Println(srv.Now().Sub(begin).Round(time.Minute))
	// Output:
	// 200 data
	// 200 data
	// 503 errors
	// 31m0s
}
