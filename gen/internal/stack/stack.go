// Package stack assembles the layers between a generated client and the
// network. They stand in one function, in one order, and each says why there.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
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
	Limiter   operation.Limiter
	Store     authn.Store
	StoreKey  string
}

// DefaultTimeout bounds a call when nobody said anything.
const DefaultTimeout = 60 * time.Second

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

// Build returns the Doer that a client sends through and the editor that sets
// its credentials. It never writes to the caller's doer.
func Build(server string, doer Doer, conf *Config, auth Authenticate) (Doer, authn.Editor, error) {
	if server == "" {
		return nil, nil, fmt.Errorf("%s: no base URL: the provider documents none for production, so give WithBaseURL", conf.Provider)
	}
	base, err := authn.ParseBaseURL(server)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: base URL: %w", conf.Provider, err)
	}
	agent := userAgent(conf.UserAgent)

	var rt http.RoundTripper
	outer := http.Client{Timeout: DefaultTimeout}
	switch d := doer.(type) {
	case nil:
		rt = newTransport()
	case *http.Client:
		if d == nil {
			return nil, nil, fmt.Errorf("%s: WithHTTPClient: nil *http.Client", conf.Provider)
		}
		outer.Jar = d.Jar
		if d.Timeout > 0 {
			outer.Timeout = d.Timeout
		}
		if rt = d.Transport; rt == nil {
			rt = newTransport()
		}
	default:
		rt = doerTransport{d}
	}
	if conf.Timeout > 0 {
		outer.Timeout = conf.Timeout
	}

	// Innermost: our headers, so that token calls carry them too.
	rt = &agentTransport{base: rt, agent: agent}
	network := rt
	// One attempt is what a limiter delays and a hook sees.
	rt = &observer{base: rt, conf: conf}
	// Inside re-authentication: a repeat must not log in again.
	policy := retry.Default()
	if conf.Retry != nil {
		policy = *conf.Retry
	}
	rt = &retry.Transport{Base: rt, Policy: policy, Budget: retry.NewBudget()}

	var edit authn.Editor
	if auth != nil {
		// Token calls do not pass the layers above: the engine in package
		// authn has its own timeout, back-off and rules for repeating.
		a, err := auth(Env{BaseURL: base, Config: authn.Config{
			BaseURL:   base.String(),
			HTTP:      &http.Client{Transport: network, Timeout: 30 * time.Second, CheckRedirect: noRedirect},
			Store:     conf.Store,
			StoreKey:  conf.StoreKey,
			Logger:    conf.Logger,
			UserAgent: agent,
		}})
		if err != nil {
			return nil, nil, err
		}
		// Credentials leave for the origin they were made for only.
		edit = authn.Bind(base, a.edit)
		if a.Renew != nil {
			// Outermost: it sees only the final 401.
			a.Renew.Base, a.Renew.Origin = rt, base
			rt = a.Renew
		}
	}
	outer.Transport = rt
	outer.CheckRedirect = checkRedirect(base)
	return &outer, edit, nil
}

// newTransport is http.DefaultTransport with the limits that a service needs:
// its two idle connections per host make every burst dial anew.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 128
	t.MaxIdleConnsPerHost = 32
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}

// noRedirect makes a redirect an answer instead of following it.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// checkRedirect follows a redirect only for a read, only with the method and
// body unchanged, and only to the same origin. net/http would forward the
// Api-Key header and, on 307, a body with a password to any host.
func checkRedirect(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		op, ok := operation.From(via[0].Context())
		if !ok || op.Effect != operation.Read || req.Method != via[0].Method ||
			req.URL.Scheme != base.Scheme || !strings.EqualFold(req.URL.Host, base.Host) {
			return http.ErrUseLastResponse
		}
		if len(via) >= 5 {
			return errors.New("stopped after 5 redirects")
		}
		return nil
	}
}

// doerTransport lets any HttpRequestDoer stand at the bottom.
type doerTransport struct{ doer Doer }

func (t doerTransport) RoundTrip(req *http.Request) (*http.Response, error) { return t.doer.Do(req) }

type agentTransport struct {
	base  http.RoundTripper
	agent string
}

func (t *agentTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("User-Agent") == "" {
		req = req.Clone(req.Context())
		req.Header.Set("User-Agent", t.agent)
	}
	return t.base.RoundTrip(req)
}

func userAgent(product string) string {
	ours := "payclients/" + version()
	if product == "" {
		return ours
	}
	return product + " " + ours
}

// version is this module's version in the program that imports it.
func version() string {
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
}
