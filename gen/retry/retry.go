// Package retry decides which requests may be sent again, and when. A request
// that an operation marks as a write is never repeated, whatever the policy:
// none of the providers documents an idempotency key.
package retry

import (
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// Policy says how often and how fast. The zero Policy repeats nothing.
type Policy struct {
	// Attempts is the number of requests at the most, the first included.
	Attempts int
	// Base and Cap bound the full-jitter delay: a random time up to
	// Base, 2·Base, 4·Base …, and never above Cap.
	Base, Cap time.Duration
	// MaxWait is the longest wait that a provider may ask for. A longer one
	// is not slept: the caller gets the error, with RetryAfter in it.
	MaxWait time.Duration
}

// Default repeats a read or a token call up to twice, after random waits of up
// to 0.5 and 1 seconds, and waits up to 30 seconds where the provider says so.
func Default() Policy {
	return Policy{Attempts: 3, Base: 500 * time.Millisecond, Cap: 8 * time.Second, MaxWait: 30 * time.Second}
}

// Budget keeps retries from multiplying an outage: each costs a token, each
// success gives a tenth back. Share one between all calls of a client.
type Budget struct {
	mu     sync.Mutex
	tokens float64
}

const budgetSize = 10

// NewBudget returns a full budget of ten retries.
func NewBudget() *Budget { return &Budget{tokens: budgetSize} }

func (b *Budget) take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *Budget) give() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(budgetSize, b.tokens+0.1)
}

// peekLimit bounds how much of an answer's body is read to look for a hint.
const peekLimit = 16 << 10

// Transport repeats what may be repeated. It needs the operation in the
// request's context: a request without one is passed on once.
//
//   - A read is repeated after a failure, and after the statuses 429, 500, 502,
//     503 and 504.
//   - A token call, too, but not when its answer was lost; and one that spends a
//     code or a refresh token only after 429: any other answer may come from a
//     proxy that lost the provider's, and to show a spent one again can end the
//     session.
//   - A write never.
//
// What it sees of an answer is its header: a body that breaks off later is an
// error, of a read too.
type Transport struct {
	Base   http.RoundTripper // nil: [http.DefaultTransport]
	Policy Policy
	Budget *Budget // nil: none
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	effect := operation.EffectOf(req.Context())
	op, _ := operation.From(req.Context())
	again := (effect == operation.Read || effect == operation.Auth) && t.Policy.Attempts > 1 &&
		(req.Body == nil || req.Body == http.NoBody || req.GetBody != nil)
	if !again {
		return base.RoundTrip(req)
	}
	ctx := req.Context()
	try := req
	for n := 1; ; n++ {
		res, err := base.RoundTrip(try)
		if err == nil && (!transient(res.StatusCode) || (op.SingleUse && res.StatusCode != http.StatusTooManyRequests)) {
			t.Budget.give()
			return res, nil
		}
		if n >= t.Policy.Attempts || ctx.Err() != nil || (err != nil && !passing(err, effect)) {
			return res, err
		}
		wait := t.backoff(n)
		if err == nil {
			if hint, ok := t.hint(res); ok {
				if hint > t.Policy.MaxWait {
					return res, nil
				}
				wait = max(wait, hint)
			}
		}
		// No time left for the wait: better the answer at hand than none.
		if at, ok := ctx.Deadline(); ok && time.Until(at) <= wait {
			return res, err
		}
		next, rewindErr := clone(req)
		if rewindErr != nil || !t.Budget.take() {
			return res, err
		}
		if res != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, peekLimit))
			_ = res.Body.Close()
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		try = next
	}
}

// passing reports whether a failure without an answer may pass by itself, and
// may be repeated. The caller's context is not asked here: a timeout of one
// attempt is also a DeadlineExceeded.
func passing(err error, effect operation.Effect) bool {
	var cert *tls.CertificateVerificationError
	var final interface{ Final() bool } // a limiter that said no
	switch {
	case errors.As(err, &cert), errors.Is(err, authn.ErrOrigin), errors.As(err, &final) && final.Final():
		return false
	case effect == operation.Auth:
		return errors.Is(err, authn.ErrNotSent)
	}
	return true
}

// transient lists the statuses that may pass by themselves.
func transient(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff is the wait after attempt n: up to Base, 2·Base, 4·Base … Cap.
func (t *Transport) backoff(n int) time.Duration {
	top := t.Policy.Base
	for i := 1; i < n && top < t.Policy.Cap; i++ {
		top *= 2
	}
	if top = min(top, t.Policy.Cap); top <= 0 {
		return 0
	}
	return rand.N(top) + 1
}

// hint looks for what the provider asks, in the header or the start of the
// body, and puts the body back.
func (t *Transport) hint(res *http.Response) (time.Duration, bool) {
	var body []byte
	if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") == "" && res.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(res.Body, peekLimit))
		res.Body = &rest{start: body, err: err, rest: res.Body}
	}
	return apierr.RetryAfter(res.Header, body)
}

// rest is a body whose start was read already.
type rest struct {
	start []byte
	err   error
	rest  io.ReadCloser
}

func (r *rest) Read(p []byte) (int, error) {
	if len(r.start) > 0 {
		n := copy(p, r.start)
		r.start = r.start[n:]
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.rest.Read(p)
}

func (r *rest) Close() error { return r.rest.Close() }

func clone(req *http.Request) (*http.Request, error) {
	next := req.Clone(req.Context())
	if req.GetBody == nil {
		return next, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	next.Body = body
	return next, nil
}
