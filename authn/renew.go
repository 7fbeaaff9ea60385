package authn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	storeTimeout = 3 * time.Second
	pollFirst    = 10 * time.Millisecond
	pollMost     = 250 * time.Millisecond
)

// errAgain: the store or the refresh token was not as we thought; look again.
var errAgain = errors.New("look again")

// renew gets a token that is newer than the current one, by the protocol that a
// fleet shares:
//
//	look   somebody may have stored a newer one already
//	lease  saves exchanges; gives no safety by itself
//	look   again, under the lease
//	take   write down, by version, that the refresh token is about to be spent
//	spend  the exchange
//	store  by version
//
// Two holders of one lease cannot both get past "take". A process that dies after
// it leaves a taken record, and the next one logs in.
func (s *Session) renew(ctx context.Context) (*live, error) {
	giveUp := time.Now().Add(2 * s.leaseTime())
	poll := pollFirst
	for {
		rec, err := s.load(ctx)
		if err != nil {
			return s.withoutStore(ctx, err)
		}
		if l := s.adopt(ctx, rec); l != nil {
			return l, nil
		}
		lease, err := s.lease(ctx)
		switch {
		case err == nil:
			l, err := s.underLease(ctx)
			s.release(ctx, lease)
			if !errors.Is(err, errAgain) {
				return l, err
			}
		case errors.Is(err, ErrHeld):
			time.Sleep(poll + time.Duration(rand.Int64N(int64(poll))))
			poll = min(2*poll, pollMost)
		default:
			return s.withoutStore(ctx, err)
		}
		if time.Now().After(giveUp) {
			return nil, &Error{Provider: s.flow.Provider, Op: "store", Kind: ErrUnavailable, Err: ErrHeld}
		}
	}
}

func (s *Session) underLease(ctx context.Context) (*live, error) {
	rec, err := s.load(ctx)
	if err != nil {
		return s.withoutStore(ctx, err)
	}
	if l := s.adopt(ctx, rec); l != nil {
		return l, nil
	}
	if !s.canRefresh(rec) {
		return s.login(ctx, rec.Version)
	}
	taken := rec
	taken.Taken = true
	taken.Version++
	switch ok, err := s.swap(ctx, rec.Version, taken); {
	case err != nil: // it may have been written all the same: this refresh token is lost to us
		return s.withoutStore(ctx, err)
	case !ok:
		return nil, errAgain
	}
	return s.refresh(ctx, taken)
}

func (s *Session) canRefresh(rec Record) bool {
	return s.flow.Refresh != nil && rec.Refresh != "" && !rec.Taken &&
		(rec.RefreshLife == 0 || rec.Age < rec.RefreshLife-min(time.Minute, rec.RefreshLife/10))
}

func (s *Session) refresh(ctx context.Context, taken Record) (*live, error) {
	start := time.Now()
	grant, err := s.exchange(ctx, func(ctx context.Context) (Grant, error) {
		return s.flow.Refresh(ctx, taken.Refresh)
	})
	now := time.Now()
	if err == nil {
		rotated := grant.Refresh != "" && grant.Refresh != taken.Refresh
		if grant.Refresh == "" { // RFC 6749, section 6: the old one stays
			grant.Refresh = taken.Refresh
			if taken.RefreshLife > 0 {
				grant.RefreshLife = taken.RefreshLife - taken.Age // more than nothing, or we would not be here
			}
		}
		l := s.save(ctx, s.granted(grant, taken.Version, start))
		s.emit(ctx, Event{Kind: EventRefresh, Version: l.rec.Version, Life: l.rec.Life, Took: now.Sub(start)})
		if rotated {
			s.emit(ctx, Event{Kind: EventRotation, Version: l.rec.Version})
		}
		return l, nil
	}
	after := taken
	after.Age += now.Sub(start)
	after.Version++
	after.Taken = false
	if keep := unspent(err); !keep {
		after.Refresh, after.RefreshLife = "", 0
		s.emit(ctx, Event{Kind: EventFailure, Version: taken.Version, Took: now.Sub(start), Err: err})
		err = errAgain // and log in
	}
	_, swapErr := s.swap(ctx, taken.Version, after)
	if swapErr != nil && err == errAgain { // still taken, which says the same
		return s.login(ctx, taken.Version)
	}
	return nil, err
}

// unspent: the provider cannot have seen the refresh token, or says that it did
// not look at it.
func unspent(err error) bool {
	var e *Error
	return errors.Is(err, ErrNotSent) || errors.As(err, &e) && e.Status == 429 && e.Kind != ErrRejected
}

func (s *Session) login(ctx context.Context, version uint64) (*live, error) {
	l, took, err := s.loginOnly(ctx, version)
	if err != nil {
		return nil, err
	}
	l = s.save(ctx, l)
	s.emit(ctx, Event{Kind: EventLogin, Version: l.rec.Version, Life: l.rec.Life, Took: took})
	return l, nil
}

func (s *Session) loginOnly(ctx context.Context, version uint64) (*live, time.Duration, error) {
	start := time.Now()
	grant, err := s.exchange(ctx, s.flow.Login)
	if err != nil {
		return nil, 0, err
	}
	return s.granted(grant, version, start), time.Since(start), nil
}

// exchange runs one call of the flow and refuses a grant that cannot be used.
func (s *Session) exchange(ctx context.Context, call func(context.Context) (Grant, error)) (Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	grant, err := call(ctx)
	if err != nil {
		return Grant{}, s.typed(err)
	}
	if err := checkAccess(grant.Access); err != nil {
		return Grant{}, s.bad(err)
	}
	if grant.Life == 0 {
		grant.Life = lifeOf(grant.Access, "", time.Time{}, s.flow.Life)
	}
	if grant.Refresh != "" && grant.RefreshLife == 0 {
		grant.RefreshLife = lifeOf(grant.Refresh, "", time.Time{}, s.flow.RefreshLife)
	}
	if grant.Life <= 0 {
		return Grant{}, s.bad(errors.New("token without a life, or already over"))
	}
	grant.Life = min(grant.Life, maxLife)
	return grant, nil
}

func (s *Session) bad(err error) error {
	return &Error{Provider: s.flow.Provider, Op: "token", Kind: ErrNoToken, Err: err}
}

// typed gives an error of a user's own flow a kind, if it has none.
func (s *Session) typed(err error) error {
	for _, kind := range []error{ErrRejected, ErrUnavailable, ErrNoToken} {
		if errors.Is(err, kind) {
			return err
		}
	}
	return &Error{Provider: s.flow.Provider, Op: "token", Kind: ErrUnavailable, Err: err}
}

func (s *Session) granted(g Grant, base uint64, start time.Time) *live {
	now := time.Now()
	return s.newLive(Record{
		Version: base + 1, Access: g.Access, Refresh: g.Refresh,
		Life: g.Life, RefreshLife: max(g.RefreshLife, 0), Age: now.Sub(start),
	}, now)
}

// save stores a new token. It cannot fail: a token that the store does not take is
// served from memory, and its refresh token used if the store has not moved on.
func (s *Session) save(ctx context.Context, l *live) *live {
	s.unsaved = nil
	for wait := 20 * time.Millisecond; ; wait *= 4 {
		rec := l.rec
		rec.Age = elapsed(l.start)
		ok, err := s.swap(ctx, rec.Version-1, rec)
		if ok && err == nil {
			return l
		}
		if err == nil { // somebody moved on, or a write of ours arrived whose answer was lost
			stored, lerr := s.load(ctx)
			switch {
			case lerr != nil:
				err = lerr
			case s.good(stored): // the fleet has agreed on another token, or it is ours
				return s.newLive(stored, time.Now())
			default:
				l.rec.Version = stored.Version + 1
				l.tok.Version = l.rec.Version
				err = errAgain
			}
		}
		if wait > time.Second {
			s.unsaved = l
			s.emit(ctx, Event{Kind: EventUnsaved, Version: l.rec.Version, Err: err})
			return l
		}
		time.Sleep(wait)
	}
}

// adopt takes over a token that somebody else has stored, if it helps us.
func (s *Session) adopt(ctx context.Context, rec Record) *live {
	if !s.good(rec) {
		return nil
	}
	l := s.newLive(rec, time.Now())
	s.emit(ctx, Event{Kind: EventAdopted, Version: rec.Version, Life: rec.Life - rec.Age})
	return l
}

// good: rec is another token than ours, and is good for a while.
func (s *Session) good(rec Record) bool {
	if rec.Access == "" {
		return false
	}
	if cur := s.cur.Load(); cur != nil && cur.rec.Access == rec.Access {
		// Crypterium gives out one token again and again; it may have been prolonged.
		left := cur.rec.Life - elapsed(cur.start)
		if cur.rejected || rec.Life-rec.Age < left+time.Second {
			return false
		}
	}
	_, mandatory := windows(rec.Life, s.jitter)
	return rec.Age < rec.Life-mandatory
}

// withoutStore decides what to do when the store cannot be reached: a token that
// is still good is served by the callers; else log in without it, if allowed.
func (s *Session) withoutStore(ctx context.Context, cause error) (*live, error) {
	err := &Error{Provider: s.flow.Provider, Op: "store", Kind: ErrUnavailable, Err: cause}
	if s.cur.Load().usable(time.Now()) || s.flow.Refresh != nil && !s.alone {
		return nil, err
	}
	l, took, lerr := s.loginOnly(ctx, 0)
	if lerr != nil {
		return nil, fmt.Errorf("%w (and %w)", lerr, err)
	}
	s.emit(ctx, Event{Kind: EventAlone, Life: l.rec.Life, Took: took, Err: err})
	return l, nil
}

// elapsed is the time since at, by the clock that says more: the monotonic one
// stands still while the machine sleeps, the wall clock can be set back.
func elapsed(at time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

// The store's calls are limited in time one by one: a store that hangs must not
// use up the time of the exchange.

func (s *Session) load(ctx context.Context) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rec, err := s.store.Load(ctx, s.key)
	rec.Age = max(rec.Age, 0) // a wall clock that was set back
	if u := s.unsaved; err == nil && u != nil {
		if rec.Version == u.rec.Version-1 {
			version := rec.Version
			rec = u.rec
			rec.Version, rec.Age = version, elapsed(u.start)
		} else {
			s.unsaved = nil
		}
	}
	return rec, err
}

func (s *Session) swap(ctx context.Context, old uint64, next Record) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.store.Swap(ctx, s.key, old, next)
}

func (s *Session) lease(ctx context.Context) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.store.Lease(ctx, s.key, s.leaseTime())
}

// leaseTime is enough for one exchange and for storing what it brought. After a
// crash the others wait that long.
func (s *Session) leaseTime() time.Duration { return s.timeout + min(s.timeout/4, 2*time.Second) }

func (s *Session) release(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_ = l.Release(ctx) // else it runs out by itself
}
