package contract_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// A request that a client is about to send, held against what Kuna documents.
func ExampleChecker_Request() {
	c, err := contract.For("kuna")
	if err != nil {
		fmt.Println(err)
		return
	}
	req, _ := http.NewRequest("POST", "https://api.example/v2/auth/login", strings.NewReader(`{"token":"a@b.example","password":12345}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("merchant_id", "b34555b7-dca4-5ec1-ade3-64a3ad545310")

	op, violations := c.Request(req)
	fmt.Println(op)
	for _, v := range violations {
		fmt.Println(v)
	}
	// Output:
	// login
	// kuna login request /password: is a number; expected a string
}
