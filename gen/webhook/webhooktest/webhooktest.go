// Package webhooktest runs the test vectors of the providers' webhooks.
package webhooktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// Kinds are the kinds of refusal by the names that vectors use.
var Kinds = map[string]error{
	"no_secret": webhook.ErrNoSecret,
	"method":    webhook.ErrMethod,
	"malformed": webhook.ErrMalformed,
	"signature": webhook.ErrSignature,
	"expired":   webhook.ErrExpired,
}

// Vector is one request and what must become of it.
type Vector struct {
	Name       string            `json:"name"`
	Method     string            `json:"method"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	BodyBase64 []byte            `json:"body_base64"`
	Secrets    []string          `json:"secrets"`
	Now        time.Time         `json:"now"`
	Want       string            `json:"want"` // "ok" or a key of Kinds
}

// Load reads a file of vectors.
func Load(tb testing.TB, file string) []Vector {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var all struct{ Vectors []Vector }
	if err := json.Unmarshal(text, &all); err != nil || len(all.Vectors) == 0 {
		tb.Fatalf("%s: %d vectors, %v", file, len(all.Vectors), err)
	}
	return all.Vectors
}

// Bytes is the body.
func (v Vector) Bytes() []byte {
	if v.BodyBase64 != nil {
		return v.BodyBase64
	}
	return []byte(v.Body)
}

// Request is the vector as a server receives it.
func (v Vector) Request() *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), v.Method, "/hook", bytes.NewReader(v.Bytes()))
	for name, value := range v.Headers {
		r.Header.Set(name, value)
	}
	return r
}

// Verifier has the vector's secrets and clock.
func (v Vector) Verifier() webhook.Verifier {
	return webhook.Verifier{Secrets: v.Secrets, Now: func() time.Time { return v.Now }}
}

// Run parses each vector of the file and compares what came out. A message that
// is refused must be refused for the one reason, and come back as nil.
func Run[E any](t *testing.T, file string, parse func(*http.Request, webhook.Verifier) (*E, error)) {
	t.Helper()
	for _, v := range Load(t, file) {
		t.Run(v.Name, func(t *testing.T) {
			e, err := parse(v.Request(), v.Verifier())
			if (err == nil) == (e == nil) {
				t.Fatalf("got %v and error %v: want one of them", e, err)
			}
			if got := kind(err); got != v.Want {
				t.Fatalf("got %s (%v), want %s", got, err, v.Want)
			}
			for _, s := range v.Secrets {
				if err != nil && s != "" && strings.Contains(err.Error(), s) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// kind names all kinds that err is of.
func kind(err error) string {
	if err == nil {
		return "ok"
	}
	var names []string
	for name, k := range Kinds {
		if errors.Is(err, k) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}
