// Package stack assembles the layers between a generated client and the
// network. They stand in one function, in one order, and each says why there.
package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
)

// Doer sends requests.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Config is what the options of a client set.
type Config struct {
	Provider  string
	Timeout   time.Duration // of a whole call; 0 means the caller's http.Client's, else DefaultTimeout
	UserAgent string        // put before our own
	Retry     *retry.Policy // nil means retry.Default
	Logger    *slog.Logger
	Hooks     []func(context.Context, operation.Attempt)
	Limiters  []operation.Limiter // all of them are waited for, in this order
	Store     authn.Store
	Observe   func(context.Context, authn.Event)
	Wrap      func(http.RoundTripper) http.RoundTripper

	LoginWhenStoreIsDown bool
	StoreKey             string
}

// DefaultTimeout bounds a call when nobody said anything.
const DefaultTimeout = 60 * time.Second

const maxRedirects = 5

// Env is what a provider's credentials are given to become an Auth.
type Env struct {
	Config  authn.Config // base URL, HTTP client for token calls, store, logger, user agent
	BaseURL *url.URL
}

// Auth is what credentials become.
type Auth struct {
	// Schemes maps a security scheme of the document to what sets it. An
	// operation gets the first of its schemes that is here, and no credential
	// if none is: a login call must go without, and the few calls with
	// credentials of their own take them as an editor of the call.
	Schemes map[string]authn.Editor
	// Always runs on every request, with and without credentials. May be nil.
	Always authn.Editor
	// Renew, if not nil, gets a new token when an answer says that the old one
	// is over, and sends the request once more.
	Renew *authn.Transport
}

func (a Auth) edit(ctx context.Context, req *http.Request) error {
	if a.Always != nil {
		if err := a.Always(ctx, req); err != nil {
			return err
		}
	}
	op, _ := operation.From(req.Context())
	for _, scheme := range op.Security {
		if edit := a.Schemes[scheme]; edit != nil {
			return edit(ctx, req)
		}
	}
	return nil
}

// Authenticate turns credentials into an Auth. It validates them.
type Authenticate func(Env) (Auth, error)

// Misuse is the error of an option that cannot be meant.
func Misuse(provider, what string) error { return fmt.Errorf("%s: %s", provider, what) }

// Layers are what a client sends through.
type Layers struct {
	Doer Doer
	// Edit sets User-Agent and credentials, and refuses other origins.
	Edit authn.Editor
	// Close waits for a renewal that is under way and closes the connections
	// that are ours.
	Close func(context.Context) error
}

// Build puts the layers together. It never writes to the caller's doer.
func Build(server string, doer Doer, conf *Config, auth Authenticate) (*Layers, error) {
	if server == "" {
		return nil, fmt.Errorf("%s: no base URL: the provider documents none for production, so give WithBaseURL", conf.Provider)
	}
	base, err := authn.ParseBaseURL(server)
	if err != nil {
		return nil, fmt.Errorf("%s: base URL: %w", conf.Provider, err)
	}
	agent := userAgent(conf.UserAgent)
	if strings.ContainsFunc(agent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fmt.Errorf("%s: WithUserAgent: %q has bytes that no header may carry", conf.Provider, conf.UserAgent)
	}

	var rt http.RoundTripper
	var own interface{ CloseIdleConnections() }
	outer := http.Client{Timeout: DefaultTimeout}
	switch d := doer.(type) {
	case nil:
		rt, own = newTransport()
	case *http.Client:
		if d == nil {
			return nil, fmt.Errorf("%s: WithHTTPClient: nil *http.Client", conf.Provider)
		}
		outer.Jar = d.Jar
		if d.Timeout > 0 {
			outer.Timeout = d.Timeout
		}
		if rt = d.Transport; rt == nil {
			rt, own = newTransport()
		}
	default:
		rt = doerTransport{d}
	}
	if conf.Timeout > 0 {
		outer.Timeout = conf.Timeout
	}

	if conf.Wrap != nil {
		if rt = conf.Wrap(rt); rt == nil {
			return nil, fmt.Errorf("%s: WithTransport: the function returned nil", conf.Provider)
		}
	}

	// Innermost: sees whether anything was sent, of token calls as well.
	rt = newBottom(rt)
	// A token call is not the call that needs the token, and must not be taken
	// for it by a transport that decides by the operation.
	tokens := &tagged{rt, &operation.Operation{Provider: conf.Provider, ID: "token", Effect: operation.Auth}}
	// One attempt is what a limiter delays and a hook sees.
	if len(conf.Limiters) > 0 || len(conf.Hooks) > 0 || conf.Logger != nil {
		rt = &observer{base: rt, conf: conf}
	}
	// Inside re-authentication: a repeat must not log in again.
	policy := retry.Default()
	if conf.Retry != nil {
		policy = *conf.Retry
	}
	rt = &retry.Transport{Base: rt, Policy: policy, Budget: retry.NewBudget()}

	var a Auth
	if auth != nil {
		// Token calls do not pass the layers above: the engine in package
		// authn has its own timeout, back-off and rules for repeating.
		a, err = auth(Env{BaseURL: base, Config: authn.Config{
			BaseURL:   base.String(),
			HTTP:      &http.Client{Transport: tokens}, // authn limits it in time and follows no redirect
			Store:     conf.Store,
			StoreKey:  conf.StoreKey,
			Logger:    conf.Logger,
			UserAgent: agent,
			Observe:   conf.Observe,

			LoginWhenStoreIsDown: conf.LoginWhenStoreIsDown,
		}})
		if err != nil {
			return nil, err
		}
		if a.Renew != nil {
			// Outside the repeats: it sees only the final 401.
			a.Renew.Base, a.Renew.Origin = rt, base
			rt = a.Renew
		}
	}
	// Outermost: editors of the call run after the credentials are set.
	outer.Transport = &sameOrigin{rt, base}
	outer.CheckRedirect = checkRedirect(base)

	return &Layers{
		Doer: &outer,
		// Credentials leave for the origin they were made for only.
		Edit: authn.Bind(base, func(ctx context.Context, req *http.Request) error {
			if req.Header.Get("User-Agent") == "" {
				req.Header.Set("User-Agent", agent)
			}
			return a.edit(ctx, req)
		}),
		Close: func(ctx context.Context) error {
			var err error
			if a.Renew != nil {
				if s, ok := a.Renew.Source.(interface{ Close(context.Context) error }); ok {
					err = s.Close(ctx)
				}
			}
			if own != nil {
				own.CloseIdleConnections()
			}
			return err
		},
	}, nil
}

// newTransport is http.DefaultTransport with the limits that a service needs:
// its two idle connections per host make every burst dial anew. If the program
// has put something else in its place, that is what it wants to be used.
func newTransport() (http.RoundTripper, interface{ CloseIdleConnections() }) {
	d, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport, nil
	}
	t := d.Clone()
	t.MaxIdleConns = 128
	t.MaxIdleConnsPerHost = 32
	t.ResponseHeaderTimeout = 30 * time.Second
	return t, t
}

// checkRedirect follows a redirect only for a read, only with the method and
// body unchanged, and only to the same origin. net/http would forward the
// Api-Key header and, on 307, a body with a password to any host. What is not
// followed is an answer, so that its status is kept.
func checkRedirect(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if operation.EffectOf(via[0].Context()) != operation.Read || req.Method != via[0].Method ||
			req.URL.User != nil || !authn.SameOrigin(base, req.URL) || len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// tagged gives every request another operation.
type tagged struct {
	base http.RoundTripper
	op   *operation.Operation
}

func (t *tagged) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.base.RoundTrip(req.WithContext(operation.With(req.Context(), t.op)))
}

// doerTransport lets any HttpRequestDoer stand at the bottom.
type doerTransport struct{ doer Doer }

func (t doerTransport) RoundTrip(req *http.Request) (*http.Response, error) { return t.doer.Do(req) }

func userAgent(product string) string {
	ours := "payclients/" + version()
	if product == "" {
		return ours
	}
	return product + " " + ours
}

// version is this module's version in the program that imports it.
var version = sync.OnceValue(func() string {
	const module = "github.com/seed-4fcf5cf3/payclients"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
})
