package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// Sandbox plays the providers. It is an http.Handler that serves each of them
// under its name ("/kuna/v2/auth/login") and its own controls under
// /__sandbox/. All methods are safe for concurrent use.
type Sandbox struct {
	clock       clock
	providers   map[string]*provider
	names       []string
	credentials map[string]Credentials
	faults      *faults
	log         *log
	hooks       *hooks
	control     http.Handler

	mu sync.Mutex // guards st and is held while a call is answered
	st *state
}

// Option changes a sandbox at its making.
type Option func(*config)

type config struct {
	seed        int64
	now         func() time.Time
	names       []string
	credentials map[string]Credentials
	keep        int
	anywhere    bool
	client      *http.Client
}

// WithSeed chooses the seed of ids and of faults with a probability; 1 is the
// default.
func WithSeed(seed int64) Option { return func(c *config) { c.seed = seed } }

// WithClock sets the clock that [Sandbox.Advance] moves; the default is
// time.Now, which inside testing/synctest is the bubble's own.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithProviders loads these providers only. One document loads in a fraction
// of the time of five.
func WithProviders(names ...string) Option { return func(c *config) { c.names = names } }

// WithCredentials replaces the credentials a provider accepts.
func WithCredentials(provider string, cred Credentials) Option {
	return func(c *config) { c.credentials[provider] = cred }
}

// WithHistory sets how many requests and deliveries are kept for inspection:
// 1,000 by default, and 10,000 by [Start] and [Serve].
func WithHistory(n int) Option { return func(c *config) { c.keep = n } }

// WithWebhooksAnywhere lets webhooks leave the machine. Without it they are
// sent to loopback addresses only, and others are recorded as refused.
func WithWebhooksAnywhere() Option { return func(c *config) { c.anywhere = true } }

// WithWebhookClient sets the client that delivers webhooks.
func WithWebhookClient(client *http.Client) Option { return func(c *config) { c.client = client } }

// New makes a sandbox. It panics if an embedded document cannot be read or a
// provider is unknown, which is a mistake in the program.
func New(opts ...Option) *Sandbox {
	cfg := config{seed: 1, now: time.Now, names: specs.Providers(), credentials: map[string]Credentials{}, keep: 1000}
	for _, o := range opts {
		o(&cfg)
	}
	s := &Sandbox{
		clock: clock{base: cfg.now}, providers: map[string]*provider{}, names: slices.Clone(cfg.names),
		credentials: map[string]Credentials{}, faults: newFaults(cfg.seed), log: newLog(cfg.keep),
	}
	var load sync.WaitGroup // reading the documents takes most of a cold start
	for _, name := range s.names {
		load.Go(func() { _, _ = contract.For(name) }) // errors come back below
	}
	load.Wait()
	for _, name := range s.names {
		p, err := newProvider(name)
		if err != nil {
			panic("sandbox: " + err.Error())
		}
		s.providers[name] = p
		s.credentials[name] = defaults[name]
		if cred, ok := cfg.credentials[name]; ok {
			s.credentials[name] = cred
		}
	}
	s.hooks = newHooks(s, cfg)
	s.control = s.controls()
	s.mu.Lock()
	s.begin(cfg.seed)
	s.mu.Unlock()
	return s
}

func newProvider(name string) (*provider, error) {
	behaviour, ok := behaviours[name]
	if !ok {
		return nil, fmt.Errorf("unknown provider %q (known: %v)", name, specs.Providers())
	}
	p := behaviour()
	p.name = name
	check, err := contract.For(name)
	if err != nil {
		return nil, err
	}
	if p.check, err = check.With(contract.WithServer("http://sandbox.invalid/" + name)); err != nil {
		return nil, err
	}
	p.ops = map[string]contract.OperationInfo{}
	for _, op := range p.check.Operations() {
		p.ops[op.ID] = op
	}
	if p.payloads, err = documentedPayloads(name); err != nil {
		return nil, err
	}
	return p, nil
}

var behaviours = map[string]func() *provider{
	specs.CryptoCloud: cryptocloud,
	specs.CryptoPay:   cryptopay,
	specs.Crypterium:  crypterium,
	specs.EcartPay:    ecartpay,
	specs.Kuna:        kuna,
}

// Providers lists the providers this sandbox plays.
func (s *Sandbox) Providers() []string { return slices.Clone(s.names) }

// ServeHTTP answers a provider's client, or a call to the controls.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if path == "/" || path == "/__sandbox" || strings.HasPrefix(path, "/__sandbox/") {
		s.control.ServeHTTP(w, r)
		return
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	p := s.providers[name]
	if p == nil {
		http.Error(w, "sandbox: the path must begin with one of /"+strings.Join(s.names, "/, /")+"/", http.StatusNotFound)
		return
	}
	s.serve(w, r, p)
}
