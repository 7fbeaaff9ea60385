package kuna

import (
	"context"
	"net/http"

	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// UnverifiedCallback is a callback of which nothing is documented.
type UnverifiedCallback struct {
	// ContentType is the header as it came.
	ContentType string
	// Body is the payload as it came, at most 1 MiB. It may be empty: nothing says
	// that it is not.
	Body []byte
}

// ParseUnverifiedCallback returns the bytes of a callback that anyone on the
// internet may have written. Kuna posts to the callbackUrl of an exchange, a
// transfer or a withdrawal when the operation changes, and documents neither
// payload nor signature nor event names, so there is nothing to decode and
// nothing to check; Kuna Pay's scheme is another product's.
//
// What works without any of that: give every operation a callbackUrl of its own
// that holds your externalId, and when it is called read the operation with
// [Client.FindOperations] and [Client.GetOperationDetails]. Decide on what those
// say. See https://docs.kunacore.io/docs/details-of-operation
func ParseUnverifiedCallback(r *http.Request) (*UnverifiedCallback, error) {
	body, err := webhook.AnyBody(r)
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return &UnverifiedCallback{ContentType: r.Header.Get("Content-Type"), Body: body}, nil
}

// UnverifiedHandler calls f with every callback that [ParseUnverifiedCallback]
// returns and with the request, whose URL tells which operation it is about. It
// answers an empty 200 if f returns nil, else 500; what Kuna wants to be
// answered is not documented. onError, which may be nil, is told of every
// refusal and every error of f.
func UnverifiedHandler(f func(r *http.Request, c *UnverifiedCallback) error, onError func(ctx context.Context, err error)) http.Handler {
	if f == nil {
		panic(provider.Name + ": UnverifiedHandler: the function is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle := func(_ context.Context, c *UnverifiedCallback) error { return f(r, c) }
		webhook.Serve(ParseUnverifiedCallback, handle, webhook.Reply{Provider: provider.Name}, onError).ServeHTTP(w, r)
	})
}
