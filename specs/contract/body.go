package contract

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// body judges a whole body against the media types documented for its place.
func (j *judgement) body(content openapi3.Content, required bool, h http.Header, body []byte, opts []openapi3.SchemaValidationOption) {
	if len(body) == 0 {
		if required {
			j.broken("body", "body", "is empty", "one of "+strings.Join(sortedKeys(content), ", "))
		}
		return
	}
	if len(content) == 0 {
		j.broken("body", "body", "is there, "+strconv.Itoa(len(body))+" bytes", "none")
		return
	}
	if int64(len(body)) > j.c.limit {
		j.add(Unjudged, "limit", "body", "is longer than "+strconv.FormatInt(j.c.limit, 10)+" bytes and was not judged", "")
		return
	}
	body, ok := j.inflate(h, body)
	if !ok {
		return
	}
	label := h.Get("Content-Type")
	mt, params, err := mime.ParseMediaType(label)
	m := content.Get(label)
	switch {
	case label == "":
		j.broken("content-type", "header Content-Type", "is missing", strings.Join(sortedKeys(content), ", "))
	case err != nil:
		j.broken("content-type", "header Content-Type", "cannot be read", strings.Join(sortedKeys(content), ", "))
		m = nil
	case m == nil:
		j.broken("content-type", "header Content-Type", "is "+j.mediaType(mt), strings.Join(sortedKeys(content), ", "))
	}
	if m == nil {
		// The label is wrong, which has been said. A body that looks like JSON
		// is judged all the same.
		if mt, m = jsonMedia(content); m == nil || !looksJSON(body) {
			return
		}
	}
	j.media(mt, params, m, body, opts)
}

func (j *judgement) media(mt string, params map[string]string, m *openapi3.MediaType, body []byte, opts []openapi3.SchemaValidationOption) {
	var s *openapi3.Schema
	if m.Schema != nil {
		s = m.Schema.Value
	}
	switch {
	case isJSON(mt):
		v, ok := j.json(body)
		if ok && s != nil {
			j.closed(s, v, opts)
		}
	case s == nil:
	case mt == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			j.broken("syntax", "body", "cannot be read as form data", "")
			return
		}
		j.form(s, values, opts)
	case mt == "multipart/form-data":
		if values, ok := j.multipart(params["boundary"], body); ok {
			j.form(s, values, opts)
		}
	case s.Type.Includes(openapi3.TypeString) && s.Format != "binary":
		j.schema(s, string(body), opts)
	}
}

// closed judges a value by its schema and by the closed world.
func (j *judgement) closed(s *openapi3.Schema, v any, opts []openapi3.SchemaValidationOption) {
	j.schema(s, v, opts)
	j.undocumented(s, v)
}

func (j *judgement) json(body []byte) (any, bool) {
	v, faults, ok := parseJSON(body)
	for _, f := range faults {
		where := "body"
		if len(f.path) > 0 {
			where = j.c.pointer(f.path)
		}
		j.broken(f.rule, where, f.what, "")
	}
	return v, ok
}

// form judges form data as an object. Form values carry no types, so that a
// text that reads as the documented type is one.
func (j *judgement) form(s *openapi3.Schema, values url.Values, opts []openapi3.SchemaValidationOption) {
	j.closed(s, j.formObject(s, values), opts)
}

func (j *judgement) formObject(s *openapi3.Schema, values url.Values) map[string]any {
	props := map[string]*openapi3.Schema{}
	for _, f := range flatten(nil, s) {
		for name, r := range f.Properties {
			props[name] = r.Value
		}
	}
	obj := make(map[string]any, len(values))
	for name, vs := range values {
		p := props[name]
		if p == nil && len(vs[0]) == 0 {
			name = masked(name) // a text without "=" might be anything, even a secret
		}
		if p != nil && p.Type.Is(openapi3.TypeArray) {
			var item *openapi3.Schema
			if p.Items != nil {
				item = p.Items.Value
			}
			list := make([]any, len(vs))
			for i, v := range vs {
				list[i] = formValue(item, v)
			}
			obj[name] = list
			continue
		}
		if len(vs) > 1 {
			j.broken("duplicate", j.c.pointer([]string{name}), "is there "+strconv.Itoa(len(vs))+" times", "")
		}
		obj[name] = formValue(p, vs[0])
	}
	return obj
}

func formValue(s *openapi3.Schema, v string) any {
	if s == nil || s.Type == nil || s.Type.Includes(openapi3.TypeString) {
		return v
	}
	if out, faults, ok := parseJSON([]byte(v)); ok && len(faults) == 0 {
		return out // numbers, booleans, and objects written as JSON
	}
	if v == "" && s.Nullable {
		return nil
	}
	return v
}

func (j *judgement) multipart(boundary string, body []byte) (url.Values, bool) {
	values := url.Values{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return values, true
		}
		if err == nil {
			var b []byte
			if b, err = io.ReadAll(p); err == nil {
				values.Add(p.FormName(), string(b))
				continue
			}
		}
		j.broken("syntax", "body", "cannot be read as multipart form data", "")
		return nil, false
	}
}

// inflate undoes a content encoding, which is there only if the client asked
// for it by hand.
func (j *judgement) inflate(h http.Header, body []byte) ([]byte, bool) {
	enc := strings.ToLower(h.Get("Content-Encoding"))
	if enc == "" || enc == "identity" {
		return body, true
	}
	if enc == "gzip" {
		if len(body) < 2 || body[0] != 0x1f || body[1] != 0x8b {
			return body, true // recordings keep the header and store plain text
		}
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			plain, err := io.ReadAll(io.LimitReader(r, j.c.limit+1))
			if err == nil && int64(len(plain)) <= j.c.limit {
				return plain, true
			}
		}
	} else if looksJSON(body) {
		return body, true
	}
	j.add(Unjudged, "encoding", "body", "has a content encoding that could not be undone", "")
	return nil, false
}

func (j *judgement) mediaType(mt string) string {
	for i := range len(mt) {
		if c := mt[i]; c <= ' ' || c >= 0x7f {
			return "something else"
		}
	}
	if len(mt) > 60 {
		return "something else"
	}
	return mt
}

func isJSON(mt string) bool {
	return mt == "application/json" || strings.HasSuffix(mt, "+json") || mt == "text/json"
}

func looksJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

func jsonMedia(content openapi3.Content) (string, *openapi3.MediaType) {
	for _, mt := range sortedKeys(content) {
		if isJSON(mt) {
			return mt, content[mt]
		}
	}
	return "", nil
}

func sortedKeys(content openapi3.Content) []string {
	out := make([]string, 0, len(content))
	for k := range content {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// scalar reads a header's value as its schema's type, for judging.
func scalar(s *openapi3.Schema, v string) any {
	switch {
	case s.Type.Includes(openapi3.TypeString), s.Type == nil:
	case s.Type.Includes(openapi3.TypeInteger), s.Type.Includes(openapi3.TypeNumber):
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			return json.Number(v)
		}
	case s.Type.Includes(openapi3.TypeBoolean):
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	return v
}
