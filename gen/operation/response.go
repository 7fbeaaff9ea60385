package operation

import (
	"context"
	"errors"
	"net/http"
)

// Response is what a call was answered, for whoever needs more than the
// decoded value: rate limit headers, the exact status, the body's own bytes.
type Response struct {
	Status int
	Header http.Header
	// Body is the whole body as received, not redacted: it may hold tokens.
	Body []byte
}

type captureKey struct{}

// Capture returns a request editor that fills r with the answer to this very
// call, whether the call succeeds or fails; without an answer r is zero. Give
// each call its own Response.
func Capture(r *Response) func(ctx context.Context, req *http.Request) error {
	return func(_ context.Context, req *http.Request) error {
		if r == nil {
			return errors.New("operation: Capture of a nil *Response")
		}
		*r = Response{}
		*req = *req.WithContext(context.WithValue(req.Context(), captureKey{}, r))
		return nil
	}
}

// Captured returns the Response that Capture put into a request's context, or
// nil.
func Captured(ctx context.Context) *Response {
	r, _ := ctx.Value(captureKey{}).(*Response)
	return r
}
