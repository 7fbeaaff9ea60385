package contract

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Checker judges traffic against one OpenAPI 3.0 document. It is immutable
// and safe for concurrent use.
type Checker struct {
	provider string
	doc      *openapi3.T
	source   []byte
	ops      []*operation
	byID     map[string]*operation
	routes   *router
	shapes   map[*openapi3.Schema]*shape
	names    map[string]struct{} // every documented name, fit to print
	limit    int64

	asRequest, asResponse []openapi3.SchemaValidationOption

	lenientOnce sync.Once
	lenientC    *Checker
}

// Option changes how a document is read.
type Option func(*config)

type config struct {
	provider   string
	server     string
	limit      int64
	unchecked  bool
	noRequired bool
}

// WithServer sets the server under test, such as "http://127.0.0.1:8080/v2",
// in place of the document's own servers. Only its path matters, because
// routing does not look at hosts.
func WithServer(server string) Option { return func(c *config) { c.server = server } }

// WithProvider sets the name that violations carry. Without it, it is the
// document's title.
func WithProvider(name string) Option { return func(c *config) { c.provider = name } }

// WithBodyLimit sets how many bytes of a body are read; a longer one is
// reported as unjudged. The default is 10 MiB.
func WithBodyLimit(n int64) Option { return func(c *config) { c.limit = n } }

// withoutRequired makes every member optional, for samples that were cut.
func withoutRequired() Option { return func(c *config) { c.noRequired = true } }

// withoutValidation skips the check of the document itself, which tests do
// once for the embedded ones.
func withoutValidation() Option { return func(c *config) { c.unchecked = true } }

const defaultLimit = 10 << 20

var embedded = func() map[string]func() (*Checker, error) {
	m := make(map[string]func() (*Checker, error))
	for _, p := range specs.Providers() {
		m[p] = sync.OnceValues(func() (*Checker, error) {
			doc, err := specs.Document(p)
			if err != nil {
				return nil, fmt.Errorf("contract: %s: %w", p, err)
			}
			return New(doc, WithProvider(p), withoutValidation())
		})
	}
	return m
}()

// For returns the checker of a provider's embedded document. It is loaded
// once and shared.
func For(provider string) (*Checker, error) {
	load, ok := embedded[provider]
	if !ok {
		return nil, fmt.Errorf("contract: unknown provider %q (known: %v)", provider, specs.Providers())
	}
	return load()
}

// Load reads an OpenAPI 3.0 document from a file. References to other files
// beside it are followed, references to the network are not.
func Load(path string, opts ...Option) (*Checker, error) {
	doc, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return load(doc, &url.URL{Path: filepath.ToSlash(abs)}, opts)
}

// New reads an OpenAPI 3.0 document, as YAML or JSON.
func New(doc []byte, opts ...Option) (*Checker, error) {
	return load(doc, nil, opts)
}

func load(source []byte, at *url.URL, opts []Option) (*Checker, error) {
	cfg := config{limit: defaultLimit}
	for _, o := range opts {
		o(&cfg)
	}
	loader := openapi3.NewLoader()
	var doc *openapi3.T
	var err error
	if at == nil {
		doc, err = loader.LoadFromData(source)
	} else {
		loader.IsExternalRefsAllowed = true
		loader.ReadFromURIFunc = func(_ *openapi3.Loader, u *url.URL) ([]byte, error) {
			if u.Scheme != "" && u.Scheme != "file" {
				return nil, errors.New("references to the network are not followed")
			}
			return os.ReadFile(filepath.FromSlash(u.Path))
		}
		doc, err = loader.LoadFromDataWithPath(source, at)
	}
	if err != nil {
		return nil, fmt.Errorf("contract: read document: %w", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.0.") {
		return nil, fmt.Errorf("contract: document is OpenAPI %q; only 3.0 is supported", doc.OpenAPI)
	}
	if !cfg.unchecked {
		if err := doc.Validate(context.Background()); err != nil {
			return nil, fmt.Errorf("contract: document is not valid OpenAPI: %w", err)
		}
	}
	if cfg.provider == "" && doc.Info != nil {
		cfg.provider = doc.Info.Title
	}
	c := &Checker{provider: cfg.provider, doc: doc, source: source, limit: cfg.limit}
	c.asRequest = validationOptions(openapi3.VisitAsRequest())
	c.asResponse = validationOptions(openapi3.VisitAsResponse())
	if err := c.prepare(cfg); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return c, nil
}

func validationOptions(direction openapi3.SchemaValidationOption) []openapi3.SchemaValidationOption {
	return []openapi3.SchemaValidationOption{
		openapi3.MultiErrors(),
		openapi3.DisableSchemaErrorDetails(), // our messages are our own; should kin's ever get out, without values
		openapi3.WithStringFormatValidators(formats),
		direction,
	}
}

// With returns a checker of the same document under other options, such as
// the server of one test. The original is not changed.
func (c *Checker) With(opts ...Option) (*Checker, error) {
	cfg := config{provider: c.provider, limit: c.limit}
	for _, o := range opts {
		o(&cfg)
	}
	d := &Checker{
		provider: cfg.provider, doc: c.doc, source: c.source, ops: c.ops, byID: c.byID, routes: c.routes,
		shapes: c.shapes, names: c.names, limit: cfg.limit, asRequest: c.asRequest, asResponse: c.asResponse,
	}
	if cfg.server != "" {
		if err := d.route(cfg.server); err != nil {
			return nil, fmt.Errorf("contract: %w", err)
		}
	}
	return d, nil
}

// Provider is the name that violations carry.
func (c *Checker) Provider() string { return c.provider }

// Servers lists the document's servers, variables replaced by their defaults.
func (c *Checker) Servers() []string { return serverURLs(c.doc.Servers) }

func serverURLs(servers openapi3.Servers) []string {
	var out []string
	for _, s := range servers {
		u := s.URL
		for name, v := range s.Variables {
			u = strings.ReplaceAll(u, "{"+name+"}", v.Default)
		}
		out = append(out, u)
	}
	return out
}

// lenient is the same document with every member optional, made on first use.
func (c *Checker) lenient() *Checker {
	c.lenientOnce.Do(func() {
		l, err := New(c.source, WithProvider(c.provider), WithBodyLimit(c.limit), withoutValidation(), withoutRequired())
		if err != nil { // a document from several files cannot be read again from its bytes
			l = c
		}
		c.lenientC = l
	})
	return c.lenientC
}
