package authn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Session is a [Renewer] over a [Flow]: it renews its token before it ends, once
// for all callers, and nobody waits while the old one is still good.
//
// Renewal is detached from whoever asked for it. Once sent it is not cancelled,
// since its answer may hold the only valid refresh token.
type Session struct {
	flow    Flow
	store   Store
	key     string
	shared  bool // store is not our own Memory
	alone   bool
	timeout time.Duration
	jitter  float64
	origin  *url.URL
	log     *slog.Logger
	observe func(context.Context, Event)

	cur atomic.Pointer[live]

	mu       sync.Mutex // never held during an exchange
	flight   *flight
	closed   bool
	failures int  // in a row, that may pass by themselves
	refusals int  // in a row, that were a definite no
	latched  bool // the last failure was one
	lastErr  error
	retryAt  time.Time
	checkAt  time.Time
	strikes  int // 401s for tokens that were new
	muteTill time.Time
	past     [16]Secret // access tokens before the current one, as a ring
	pastAt   int

	// unsaved is a token that the store did not take. Only the running flight touches it.
	unsaved *live
}

// live is a token and its three deadlines. It is never changed, only replaced.
type live struct {
	rec              Record
	tok              Token
	start            time.Time // of the exchange; has a monotonic reading
	soft, firm, over deadline
	rejected         bool

	// For the hot path: soft again, counted from born.
	born   time.Time
	fresh  time.Duration
	looked atomic.Int64 // when it last looked at the wall clock, counted from born
}

// deadline is over when the monotonic or the wall clock says so, whichever is
// first: one stands still while the machine sleeps, the other can be set back.
type deadline struct {
	at   time.Time
	wall int64
}

func deadlineAt(t time.Time) deadline { return deadline{t, t.UnixNano()} }

func (d *deadline) ahead(now time.Time) bool {
	return now.Before(d.at) && now.UnixNano() < d.wall
}

func (s *Session) newLive(rec Record, now time.Time) *live {
	advisory, mandatory := windows(rec.Life, s.jitter)
	start := now.Add(-rec.Age)
	end := start.Add(rec.Life)
	return &live{
		rec:   rec,
		tok:   Token{rec.Access, end.Round(0), rec.Version},
		start: start,
		soft:  deadlineAt(end.Add(-advisory)),
		firm:  deadlineAt(end.Add(-mandatory)),
		over:  deadlineAt(end),
		born:  now,
		fresh: end.Add(-advisory).Sub(now),
	}
}

// refused is the same token after a provider said no to it. Its fresh is zero,
// which sends every caller to the slow path.
func (l *live) refused() *live {
	return &live{rec: l.rec, tok: l.tok, start: l.start, soft: l.soft, firm: l.firm, over: l.over, rejected: true}
}

// look asks both clocks, which costs twice what one does. Ten times a second is
// enough to notice that the machine slept.
func (l *live) look(age time.Duration) bool {
	if !l.soft.ahead(time.Now()) {
		return false
	}
	l.looked.Store(int64(age))
	return true
}

const lookEvery = 100 * time.Millisecond

func (l *live) usable(now time.Time) bool { return l != nil && !l.rejected && l.over.ahead(now) }

// flight is one renewal that any number of callers wait for.
type flight struct {
	done chan struct{}
	tok  Token
	err  error
}

// Token returns a token that is good for now. It waits only if there is none.
func (s *Session) Token(ctx context.Context) (Token, error) {
	if l := s.cur.Load(); l != nil {
		age := time.Since(l.born)
		if age < l.fresh && (age-time.Duration(l.looked.Load()) < lookEvery || l.look(age)) {
			return l.tok, nil
		}
	}
	return s.slow(ctx)
}

func (s *Session) slow(ctx context.Context) (Token, error) {
	s.mu.Lock()
	now := time.Now()
	l := s.cur.Load()
	usable := l.usable(now)
	if usable && l.soft.ahead(now) { // renewed while we came here
		s.mu.Unlock()
		return l.tok, nil
	}
	f := s.flight
	if f == nil {
		var err error
		switch {
		case s.closed:
			err = fmt.Errorf("%s: %w", s.flow.Provider, ErrClosed)
		case now.Before(s.retryAt) && !s.mayCheck(now):
			err = s.lastErr
		default:
			f = s.launch(ctx, now)
		}
		if err != nil {
			s.mu.Unlock()
			if usable {
				return l.tok, nil
			}
			return Token{}, err
		}
	}
	s.mu.Unlock()
	if usable && l.firm.ahead(now) {
		return l.tok, nil
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return Token{}, leave(ctx, s.flow.Provider)
	}
	if f.err == nil {
		return f.tok, nil
	}
	if l := s.cur.Load(); l.usable(time.Now()) {
		return l.tok, nil
	}
	return Token{}, f.err
}

// leave is the error of a caller whose context ended while it waited. It has the
// type of a failed exchange, so that a client can tell it from a call whose outcome
// nobody knows.
func leave(ctx context.Context, provider string) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return &Error{Provider: provider, Op: "wait", Kind: ErrUnavailable, Err: err}
}

// mayCheck: after a definite no, credentials that come from a function are looked
// at every few seconds, since somebody may have put them right.
func (s *Session) mayCheck(now time.Time) bool {
	return s.latched && s.flow.Changed != nil && !now.Before(s.checkAt)
}

// launch starts the one renewal. The caller holds s.mu.
func (s *Session) launch(ctx context.Context, now time.Time) *flight {
	f := &flight{done: make(chan struct{})}
	s.flight = f
	f.err = fmt.Errorf("%s: %w: login did not return", s.flow.Provider, ErrUnavailable) // runtime.Goexit
	onlyIfChanged := s.latched && now.Before(s.retryAt)
	ctx = context.WithoutCancel(ctx) // keeps trace values, loses the caller's patience
	go func() {
		var l *live
		defer func() { s.land(ctx, f, l) }()
		if onlyIfChanged && !s.changed(ctx) {
			f.err = errUnchanged
			return
		}
		l, f.err = s.renew(ctx)
	}()
	return f
}

func (s *Session) changed(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.flow.Changed(ctx)
}

// errUnchanged: a look at credentials that were refused found the same ones.
var errUnchanged = errors.New("credentials have not changed")

// land settles what a flight brought, then lets the waiters go.
func (s *Session) land(ctx context.Context, f *flight, l *live) {
	now := time.Now()
	var failed *Event
	s.mu.Lock()
	s.checkAt = now.Add(checkEvery)
	switch {
	case f.err == nil:
		if old := s.cur.Load(); old != nil && old.tok.Access != l.tok.Access {
			s.past[s.pastAt%len(s.past)] = old.tok.Access
			s.pastAt++
		}
		s.cur.Store(l) // before the flight goes, or a newcomer would start another
		f.tok = l.tok
		s.failures, s.refusals, s.latched, s.lastErr, s.retryAt = 0, 0, false, nil, time.Time{}
	case f.err == errUnchanged:
		f.err = s.lastErr
	default:
		s.latched = errors.Is(f.err, ErrRejected)
		count := &s.failures
		if s.latched { // an outage before it says nothing about the password
			count = &s.refusals
		}
		wait := backoff(*count, s.latched, f.err)
		*count++
		s.lastErr, s.retryAt = f.err, now.Add(wait)
		failed = &Event{Kind: EventFailure, Err: f.err, RetryIn: wait}
	}
	s.flight = nil
	s.mu.Unlock()
	if failed != nil {
		s.emit(ctx, *failed)
	}
	close(f.done)
}

const (
	checkEvery   = 5 * time.Second
	failureFirst = 100 * time.Millisecond
	failureMost  = 30 * time.Second
	latchFirst   = time.Minute
	latchMost    = time.Hour
)

// backoff doubles with each failure of its kind. After a definite no it is long, so
// that a bad secret cannot lock the account.
func backoff(failures int, latched bool, err error) time.Duration {
	first, most := failureFirst, failureMost
	if latched {
		first, most = latchFirst, latchMost
	}
	wait := min(first<<min(failures, 20), most)
	var e *Error
	if errors.As(err, &e) {
		wait = max(wait, min(e.RetryAfter, 5*time.Minute))
	}
	return wait + time.Duration(rand.Int64N(int64(wait)/4+1))
}

// Invalidate drops the token that a provider refused, if it is still the current
// one: a late 401 for an old token does nothing to its successor. It reports
// whether another token can be had; false for a token that is none of the last
// that this session handed out, and while new tokens are refused in a row, so that
// a provider which refuses everything does not get a login per call.
func (s *Session) Invalidate(ctx context.Context, rejected Token) bool {
	now := time.Now()
	s.mu.Lock()
	l := s.cur.Load()
	if l == nil || l.tok.Access != rejected.Access || l.rejected {
		ours := rejected.Access != "" &&
			(l != nil && l.tok.Access == rejected.Access || slices.Contains(s.past[:], rejected.Access))
		s.mu.Unlock()
		return ours
	}
	if now.Before(s.muteTill) {
		s.mu.Unlock()
		return false
	}
	if now.Sub(l.start) > time.Minute {
		s.strikes = 0
	}
	if s.strikes++; s.strikes > 2 {
		s.muteTill = now.Add(min(time.Second<<(s.strikes-3), time.Minute))
	}
	s.cur.Store(l.refused())
	s.mu.Unlock()
	s.emit(ctx, Event{Kind: EventInvalidate, Version: l.rec.Version})
	return true
}

// Close waits for a renewal that is under way, so that a new refresh token reaches
// the store before the process ends. A token that is still good keeps working.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	f := s.flight
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: close: %w", s.flow.Provider, context.Cause(ctx))
	}
}

// Format prints no token.
func (s *Session) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "authn.Session("+s.flow.Provider+")")
}
