package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"go.yaml.in/yaml/v4"
)

// fixtures prints {"<provider>/<fixture>": [what is wrong, …]} for every
// fixture. An empty list is a pass. What was expected is not decided here.
func fixtures(specs string) error {
	documents, err := filepath.Glob(filepath.Join(specs, "*", "openapi.yaml"))
	if err != nil {
		return err
	}
	verdicts := map[string][]string{}
	for _, name := range documents {
		dir := filepath.Dir(name)
		judges := map[manner]*judge{}
		var exceptions struct {
			Partial map[string]string `json:"partial"`
		}
		if data, err := os.ReadFile(filepath.Join(dir, "exceptions.json")); err != nil {
			return err
		} else if err := json.Unmarshal(data, &exceptions); err != nil {
			return err
		}
		files, err := os.ReadDir(filepath.Join(dir, "fixtures"))
		if err != nil {
			return err
		}
		for _, f := range files {
			body, err := os.ReadFile(filepath.Join(dir, "fixtures", f.Name()))
			if err != nil {
				return err
			}
			_, partial := exceptions.Partial[f.Name()]
			m := manner{partial: partial, form: strings.HasSuffix(f.Name(), ".form")}
			if judges[m] == nil {
				if judges[m], err = newJudge(name, m); err != nil {
					return err
				}
			}
			wrong, err := judges[m].fixture(f.Name(), body)
			if err != nil {
				return err
			}
			verdicts[filepath.Base(dir)+"/"+f.Name()] = wrong
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(verdicts)
}

type object = map[string]any

// manner is how a fixture has to be judged. Of one that its source cut off,
// missing members prove nothing; in a form, numbers are text.
type manner struct{ partial, form bool }

// judge is one document behind libopenapi-validator.
type judge struct {
	doc       object
	validator validator.Validator
}

// newJudge reads a document. Every schema becomes a request body below
// /jury/, so that webhooks are judged like any request.
func newJudge(name string, m manner) (*judge, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var doc object
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if m.partial {
		dropRequired(doc)
	}
	for schema := range doc["components"].(object)["schemas"].(object) {
		body := object{"schema": object{"$ref": "#/components/schemas/" + schema}}
		doc["paths"].(object)["/jury/"+schema] = object{"post": object{
			"requestBody": object{"required": true, "content": object{
				"application/json": body, "application/x-www-form-urlencoded": body,
			}},
			"responses": object{"200": object{"description": "Judged."}},
		}}
	}
	if data, err = json.Marshal(doc); err != nil {
		return nil, err
	}
	parsed, err := libopenapi.NewDocument(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	options := []config.Option{config.WithStrictMode(), config.WithFormatAssertions(), config.WithStandardBodyDecoders(), config.WithRejectUndeclaredRequestBody()}
	if m.form {
		options = append(options, config.WithScalarCoercion())
	}
	v, errs := validator.NewValidator(parsed, options...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("%s: %v", name, errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		return nil, fmt.Errorf("%s: %v", name, errs)
	}
	return &judge{doc, v}, nil
}

// fixture says what is wrong with a fixture in any of its places.
func (j *judge) fixture(name string, body []byte) ([]string, error) {
	wrong, places := []string{}, 0
	parts := strings.Split(name, ".")
	form := strings.HasSuffix(name, ".form")
	if parts[1] == "webhook" {
		path := "/jury/" + strings.ToUpper(parts[0][:1]) + parts[0][1:]
		return append(wrong, j.request("POST", path, mediaType(nil, form), body)...), nil
	}
	for path, item := range j.doc["paths"].(object) {
		for method, op := range item.(object) {
			op, ok := op.(object)
			if !ok || op["operationId"] != parts[0] && !strings.HasPrefix(parts[0], "any") {
				continue
			}
			if parts[1] == "request" {
				places++
				declared, _ := op["requestBody"].(object)
				wrong = append(wrong, j.request(method, path, mediaType(declared, form), body)...)
				continue
			}
			for status, response := range op["responses"].(object) {
				if status == parts[2] || strings.HasSuffix(parts[2], "xx") && status[0] == parts[2][0] {
					places++
					wrong = append(wrong, j.response(method, path, status, mediaType(j.deref(response), form), body)...)
				}
			}
		}
	}
	if places == 0 {
		return nil, fmt.Errorf("%s belongs nowhere", name)
	}
	sort.Strings(wrong)
	return wrong, nil
}

func (j *judge) request(method, path, media string, body []byte) []string {
	req := newRequest(method, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", media)
	if strings.HasPrefix(media, "multipart/") { // the fixture shows name=value pairs, whatever carries them
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	_, errs := j.validator.GetRequestBodyValidator().ValidateRequestBody(req)
	return lines(errs)
}

func (j *judge) response(method, path, status, media string, body []byte) []string {
	var code int
	fmt.Sscan(status, &code)
	res := &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(bytes.NewReader(body))}
	_, errs := j.validator.GetResponseBodyValidator().ValidateResponseBody(newRequest(method, path, nil), res)
	return lines(errs)
}

func newRequest(method, path string, body io.Reader) *http.Request {
	req, err := http.NewRequest(strings.ToUpper(method), "http://jury"+parameter.ReplaceAllString(path, "1"), body)
	if err != nil {
		panic(err) // a path of a document that was just parsed
	}
	return req
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// mediaType picks JSON for JSON and form data for forms if they are declared,
// else the one that is.
func mediaType(body object, form bool) string {
	want := "application/json"
	if form {
		want = "application/x-www-form-urlencoded"
	}
	content, _ := body["content"].(object)
	if _, ok := content[want]; ok || len(content) == 0 {
		return want
	}
	names := make([]string, 0, len(content))
	for name := range content {
		names = append(names, name)
	}
	sort.Strings(names)
	return names[0]
}

func (j *judge) deref(v any) object {
	o := v.(object)
	if ref, ok := o["$ref"].(string); ok {
		parts := strings.Split(ref, "/")
		return j.doc[parts[1]].(object)[parts[2]].(object)[parts[3]].(object)
	}
	return o
}

func dropRequired(v any) {
	switch v := v.(type) {
	case object:
		if _, ok := v["required"].([]any); ok {
			delete(v, "required")
		}
		for _, child := range v {
			dropRequired(child)
		}
	case []any:
		for _, child := range v {
			dropRequired(child)
		}
	}
}

// lines says where and why, and never prints a body.
func lines(errs []*errors.ValidationError) []string {
	var out []string
	for _, e := range errs {
		if len(e.SchemaValidationErrors) == 0 {
			out = append(out, e.Message)
		}
		for _, s := range e.SchemaValidationErrors {
			out = append(out, strings.TrimSpace(s.FieldPath+" "+s.Reason))
		}
	}
	return out
}
