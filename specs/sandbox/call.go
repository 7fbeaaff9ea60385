package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// call is one request on its way through a provider.
type call struct {
	sandbox  *Sandbox
	provider *provider
	op       contract.OperationInfo
	req      *http.Request
	body     []byte
	in       *object // the JSON body; empty, never nil
	query    url.Values
	path     map[string]string
	now      time.Time
	skew     time.Duration // what the "clock-skew" fault adds to the claims of tokens
	who      string        // whom the credentials belong to
}

// st is the state; the sandbox's lock is held while a call is answered.
func (c *call) st() *state { return c.sandbox.st }

// table is one of this provider's own kinds of row.
func (c *call) table(kind string) *table { return c.st().table(c.provider.name + "." + kind) }

// kind names a row, a counter or an account of this provider.
func (c *call) kind(name string) string { return c.provider.name + "." + name }

// find is a row by id: one that was made here, or one that the documentation
// prints, so that its samples work as printed.
func (c *call) find(kind, id string) *row {
	if r := c.table(kind).get(id); r != nil {
		return r
	}
	return c.st().table(c.kind(kind) + samplesOf).get(id)
}

// samplesOf marks tables of documented rows, which are found but not listed.
const samplesOf = " (samples)"

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte
	// guess says what about this answer no page documents; such an answer may
	// leave its document.
	guess string
}

func reply(status int, v any) *answer {
	return &answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: encode(v)}
}

func success(v any) *answer { return reply(http.StatusOK, v) }

// guessed marks an answer as ours, not theirs.
func (a *answer) guessed(what string) *answer {
	a.guess = what
	return a
}

type handler func(*call) *answer

// provider is how one provider behaves. Everything is optional but the name.
type provider struct {
	name     string
	check    *contract.Checker
	ops      map[string]contract.OperationInfo
	handlers map[string]handler
	payloads map[string][]byte // documented success of operations without behaviour
	// open fills a new state: opening balances, documented rows.
	open func(*Sandbox)
	// admit checks the credentials; nil lets the call pass.
	admit func(*call) *answer
	// refuse answers a request that breaks its document.
	refuse func(*call, []contract.Violation) *answer
	// problem words an error of any status as this provider would.
	problem func(status int, code, message string) *answer
	// expired is the answer to a token that is over.
	expired func(*call) *answer
	// finish sees every answer last, before it is judged.
	finish func(*call, *answer)
}

// needs reports whether an operation can only be called with credentials.
func needs(op contract.OperationInfo) bool {
	return len(op.Security) > 0 && !slices.ContainsFunc(op.Security, func(alt []string) bool { return len(alt) == 0 })
}

// pathValues matches a documented path against a request's and returns the
// parameters.
func pathValues(template, path string) map[string]string {
	if !strings.Contains(template, "{") {
		return nil
	}
	out := map[string]string{}
	have := strings.Split(path, "/")
	for i, t := range strings.Split(template, "/") {
		if !strings.HasPrefix(t, "{") || i >= len(have) {
			continue
		}
		v, err := url.PathUnescape(have[i])
		if err != nil {
			v = have[i]
		}
		out[strings.Trim(t, "{}")] = v
	}
	return out
}
