package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// MaxBody is how long a message may be.
const MaxBody = 1 << 20

// Body reads the body of a POST, at most MaxBody bytes, and puts a fresh reader
// over the same bytes in its place. An empty body is ErrMalformed.
func Body(r *http.Request) ([]byte, error) {
	buf, err := AnyBody(r)
	if err == nil && len(buf) == 0 {
		return nil, Refuse(ErrMalformed, "the body is empty, or something read it before")
	}
	return buf, err
}

// AnyBody is [Body] for a callback whose body may be empty for all we know.
func AnyBody(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, &Error{Kind: ErrMethod}
	}
	if r.ContentLength > MaxBody {
		return nil, Refuse(ErrTooLarge, "more than %d bytes announced", MaxBody)
	}
	if r.Body == nil {
		return nil, nil
	}
	buf, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge): // a smaller cap of the caller's own
		return nil, Refuse(ErrTooLarge, "more than %d bytes", tooLarge.Limit)
	case err != nil:
		return nil, &Error{Kind: ErrUnavailable, Reason: "read body", Err: err}
	case len(buf) > MaxBody:
		return nil, Refuse(ErrTooLarge, "more than %d bytes", MaxBody)
	}
	r.Body = &restored{bytes.NewReader(buf), r.Body}
	return buf, nil
}

type restored struct {
	io.Reader
	io.Closer
}
