package specs

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Kind says what a fixture is a sample of.
type Kind string

// The three kinds of payload a document describes.
const (
	Request  Kind = "request"
	Response Kind = "response"
	Webhook  Kind = "webhook"
)

// AnyPrefix begins the operation of a fixture that the documentation shows
// once for all operations, such as the answer to an expired token. It belongs
// to every operation that declares its status.
const AnyPrefix = "any"

// Fixture is one documented payload. Everything but Body is read from the
// file name:
//
//	<operationId>.request[.<variant>].<ext>
//	<operationId>.response.<status>[.<variant>].<ext>
//	<operationId>.webhook.<event>.<ext>
//
// The extension is json for JSON and form for key=value pairs joined by "&".
type Fixture struct {
	Provider  string
	Name      string // the file's name
	Operation string // the operationId, or one that begins with AnyPrefix
	Kind      Kind
	Status    string // of a response: "200", or "2xx" and "4xx" where the documentation shows a body and no status
	Event     string // of a webhook; may hold dots, as in "payment.confirmed"
	Variant   string // tells apart several samples of the same thing; may be empty
	Form      bool   // Body is form data, not JSON
	Body      []byte
}

// ParseFixtureName reads everything but the body from a file's name.
func ParseFixtureName(provider, name string) (Fixture, error) {
	f := Fixture{Provider: provider, Name: name}
	ext := path.Ext(name)
	switch ext {
	case ".json":
	case ".form":
		f.Form = true
	default:
		return f, fmt.Errorf("specs: fixture %s/%s: extension %q is neither .json nor .form", provider, name, ext)
	}
	parts := strings.Split(strings.TrimSuffix(name, ext), ".")
	if len(parts) < 2 || parts[0] == "" {
		return f, fmt.Errorf("specs: fixture %s/%s: want <operationId>.<request|response|webhook>…", provider, name)
	}
	f.Operation, f.Kind = parts[0], Kind(parts[1])
	rest := parts[2:]
	switch f.Kind {
	case Request:
		f.Variant = strings.Join(rest, ".")
	case Response:
		if len(rest) == 0 {
			return f, fmt.Errorf("specs: fixture %s/%s: a response needs a status", provider, name)
		}
		f.Status, f.Variant = rest[0], strings.Join(rest[1:], ".")
		if !validStatus(f.Status) {
			return f, fmt.Errorf("specs: fixture %s/%s: %q is no HTTP status", provider, name, f.Status)
		}
	case Webhook:
		if len(rest) == 0 {
			return f, fmt.Errorf("specs: fixture %s/%s: a webhook needs an event", provider, name)
		}
		f.Event = strings.Join(rest, ".")
	default:
		return f, fmt.Errorf("specs: fixture %s/%s: kind %q is none of request, response, webhook", provider, name, f.Kind)
	}
	return f, nil
}

// Any reports whether the fixture belongs to every operation that declares
// its status.
func (f Fixture) Any() bool { return strings.HasPrefix(f.Operation, AnyPrefix) }

// MatchesStatus reports whether the fixture is a sample of an answer with the
// given HTTP status.
func (f Fixture) MatchesStatus(status string) bool {
	if strings.HasSuffix(f.Status, "xx") {
		return len(status) == 3 && status[:1] == f.Status[:1]
	}
	return f.Status == status
}

// FixturesFS reads every fixture in the root of a file system by the same
// naming. Use it for your own recorded payloads.
func FixturesFS(provider string, fsys fs.FS) ([]Fixture, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var out []Fixture
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		f, err := ParseFixtureName(provider, e.Name())
		if err != nil {
			return nil, err
		}
		if f.Body, err = fs.ReadFile(fsys, e.Name()); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func validStatus(s string) bool {
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return false
	}
	return s[1:] == "xx" || (s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9')
}
