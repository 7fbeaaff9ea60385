package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
)

// formOf reads a body that is urlencoded or multipart.
func formOf(c *call) (url.Values, error) {
	kind, params, err := mime.ParseMediaType(c.req.Header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("sandbox: content type: %w", err)
	}
	if kind != "multipart/form-data" {
		return url.ParseQuery(string(c.body))
	}
	out := url.Values{}
	r := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := r.NextPart()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("sandbox: form: %w", err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("sandbox: form: %w", err)
		}
		out.Add(part.FormName(), string(b))
	}
}
