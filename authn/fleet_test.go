package authn_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

func TestFleetSpendsEachRefreshTokenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Minute, takes: 200 * time.Millisecond}
		store := new(authn.Memory)
		var wg sync.WaitGroup
		var refused atomic.Int64
		end := time.Now().Add(30 * time.Minute)
		for range 4 {
			s := newSession(t, i.flow(), authn.WithStore(store, "k"))
			for range 64 {
				wg.Go(func() {
					for time.Now().Before(end) {
						tok, err := s.Token(t.Context())
						if err != nil || !i.accepts(tok.Access) {
							refused.Add(1)
						}
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
		}
		wg.Wait()
		logins, refreshes, replays := i.counts()
		require.Zero(t, refused.Load())
		require.Zero(t, replays)
		require.Equal(t, 1, logins)
		// A renewal comes 45 to 49 s after the last one, whoever does it.
		require.LessOrEqual(t, refreshes, 40, "renewals in thirty lives")
		require.GreaterOrEqual(t, refreshes, 34)
	})
}

func TestNextProcessLogsInAfterACrashBetweenTakeAndStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		store := new(authn.Memory)
		mustToken(t, newSession(t, i.flow(), authn.WithStore(store, "k")))
		rec, err := store.Load(t.Context(), stored)
		require.NoError(t, err)
		dead := rec // what a process leaves that died after it had sent the refresh token
		dead.Taken = true
		dead.Version++
		ok, err := store.Swap(t.Context(), stored, rec.Version, dead)
		require.NoError(t, err)
		require.True(t, ok)
		_, err = store.Lease(t.Context(), stored, 17*time.Second)
		require.NoError(t, err)

		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		require.Equal(t, rec.Access, mustToken(t, s).Access, "its access token is still good")
		time.Sleep(time.Hour)
		require.True(t, i.accepts(mustToken(t, s).Access))
		logins, refreshes, replays := i.counts()
		require.Equal(t, 2, logins)
		require.Zero(t, refreshes, "nobody may send a refresh token that was taken")
		require.Zero(t, replays)
	})
}

func TestHeldLeaseIsWaitedForAndThenTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		store := new(authn.Memory)
		_, err := store.Lease(t.Context(), stored, 17*time.Second) // somebody died at once
		require.NoError(t, err)
		start := time.Now()
		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		mustToken(t, s)
		require.InDelta(t, 17, time.Since(start).Seconds(), 1)

		_, err = store.Lease(t.Context(), stored, time.Hour) // somebody hangs
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		_, err = store.Lease(t.Context(), stored, time.Hour)
		require.NoError(t, err)
		start = time.Now()
		_, err = s.Token(t.Context())
		require.ErrorIs(t, err, authn.ErrHeld)
		require.ErrorIs(t, err, authn.ErrUnavailable)
		require.Less(t, time.Since(start), 36*time.Second)
	})
}

func TestStoreThatIsDown(t *testing.T) {
	down := errors.New("connection refused")
	for _, c := range []struct {
		name      string
		noRefresh bool
		opts      []authn.SessionOption
		ops       string // which calls of the store fail
		alone     bool
	}{
		{name: "a flow without refresh tokens goes alone", noRefresh: true, alone: true},
		{name: "a rotating flow does not"},
		{name: "a rotating flow goes alone if told to", opts: []authn.SessionOption{authn.WithLoginWhenStoreIsDown()}, alone: true},
		{name: "lease unavailable", ops: "lease"},
		{name: "take unavailable", ops: "take"},
		{name: "lease unavailable, told to go alone", ops: "lease", opts: []authn.SessionOption{authn.WithLoginWhenStoreIsDown()}, alone: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{life: time.Hour, noRefresh: c.noRefresh}
				store := &brokenStore{Store: new(authn.Memory)}
				s := newSession(t, i.flow(), append(c.opts, authn.WithStore(store, "k"))...)
				start := time.Now()
				first := mustToken(t, s)
				store.set(func(op string) error {
					if c.ops == "" || c.ops == op {
						return down
					}
					return nil
				})
				for time.Since(start) < 59*time.Minute+50*time.Second {
					require.Equal(t, first.Access, mustToken(t, s).Access, "the living token is served")
					time.Sleep(10 * time.Second)
				}
				time.Sleep(time.Minute)
				tok, err := s.Token(t.Context())
				if c.alone {
					require.NoError(t, err)
					require.True(t, i.accepts(tok.Access))
				} else {
					require.ErrorIs(t, err, down)
					require.ErrorIs(t, err, authn.ErrUnavailable)
				}
				logins, refreshes, _ := i.counts()
				require.Zero(t, refreshes, "a refresh token was spent without the store")
				require.LessOrEqual(t, logins, 2)

				store.set(nil)
				time.Sleep(62 * time.Minute)
				require.True(t, i.accepts(mustToken(t, s).Access))
				_, _, replays := i.counts()
				require.Zero(t, replays)
			})
		})
	}
}

func TestTokenThatCouldNotBeStoredIsServedAndItsRefreshTokenUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		store := &brokenStore{Store: new(authn.Memory)}
		var events []authn.EventKind
		s := newSession(t, i.flow(), authn.WithStore(store, "k"), authn.WithObserver(func(_ context.Context, e authn.Event) {
			events = append(events, e.Kind)
		}))
		mustToken(t, s)
		time.Sleep(61 * time.Minute)
		store.set(func(op string) error { // dies between taking and storing
			if op == "save" {
				return errDown
			}
			return nil
		})
		second := mustToken(t, s)
		require.True(t, i.accepts(second.Access))
		require.Contains(t, events, authn.EventUnsaved)
		rec, err := store.Load(t.Context(), stored)
		require.NoError(t, err)
		require.True(t, rec.Taken)

		store.set(nil)
		time.Sleep(61 * time.Minute)
		require.True(t, i.accepts(mustToken(t, s).Access))
		logins, refreshes, replays := i.counts()
		require.Equal(t, 1, logins, "the refresh token that only this process has was forgotten")
		require.Equal(t, 2, refreshes)
		require.Zero(t, replays)
		rec, err = store.Load(t.Context(), stored)
		require.NoError(t, err)
		require.Equal(t, authn.Secret("access-3"), rec.Access)
	})
}

func TestUnsavedTokenYieldsToTheFleets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		memory := new(authn.Memory)
		store := &brokenStore{Store: memory}
		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		mustToken(t, s)
		time.Sleep(61 * time.Minute)
		store.set(func(op string) error {
			if op == "save" {
				return errDown
			}
			return nil
		})
		mustToken(t, s)
		time.Sleep(20 * time.Minute)
		other := newSession(t, i.flow(), authn.WithStore(memory, "k"))
		theirs := mustToken(t, other) // finds a taken record: logs in
		store.set(nil)
		time.Sleep(40*time.Minute - time.Second)
		require.Equal(t, theirs.Access, mustToken(t, s).Access)
		logins, refreshes, replays := i.counts()
		require.Equal(t, 2, logins)
		require.Equal(t, 1, refreshes)
		require.Zero(t, replays)
	})
}

func TestSwapWhoseAnswerWasLostIsRecognised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		memory := new(authn.Memory)
		store := &lostAnswers{Store: memory}
		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		mustToken(t, s)
		require.Equal(t, 1, store.lost)
		rec, err := memory.Load(t.Context(), stored)
		require.NoError(t, err)
		require.Equal(t, uint64(1), rec.Version)
		time.Sleep(61 * time.Minute)
		mustToken(t, s)
		logins, refreshes, replays := i.counts()
		require.Equal(t, []int{1, 1, 0}, []int{logins, refreshes, replays})
	})
}

// lostAnswers does the first swap and reports a failure.
type lostAnswers struct {
	authn.Store
	lost int
}

func (l *lostAnswers) Swap(ctx context.Context, key string, old uint64, next authn.Record) (bool, error) {
	ok, err := l.Store.Swap(ctx, key, old, next)
	if l.lost == 0 {
		l.lost++
		return false, errDown
	}
	return ok, err
}

func TestOneProcessSeesThatAnotherReplacedARefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		store := new(authn.Memory)
		a := newSession(t, i.flow(), authn.WithStore(store, "k"))
		b := newSession(t, i.flow(), authn.WithStore(store, "k"))
		old := mustToken(t, a)
		require.Equal(t, old.Access, mustToken(t, b).Access, "b logged in though a had stored a token")
		i.revoke(old.Access)
		require.True(t, a.Invalidate(t.Context(), old))
		renewed := mustToken(t, a)
		require.True(t, b.Invalidate(t.Context(), old))
		require.Equal(t, renewed.Access, mustToken(t, b).Access)
		logins, refreshes, _ := i.counts()
		require.Equal(t, 2, logins+refreshes)
	})
}

func TestFleetSurvivesAFlushedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		memory := new(authn.Memory)
		store := &brokenStore{Store: memory}
		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		mustToken(t, s)
		store.Store = new(authn.Memory)
		time.Sleep(61 * time.Minute)
		require.True(t, i.accepts(mustToken(t, s).Access))
		logins, _, replays := i.counts()
		require.Equal(t, 2, logins)
		require.Zero(t, replays)
	})
}

func TestTokenThatIsProlonged(t *testing.T) {
	// Crypterium gives out the same token with less and less life left.
	synctest.Test(t, func(t *testing.T) {
		made := time.Now()
		logins := 0
		s := newSession(t, authn.Flow{Provider: "acme", Login: func(context.Context) (authn.Grant, error) {
			logins++
			left := 24*time.Hour - time.Since(made)
			if left < time.Second {
				made, left = time.Now(), 24*time.Hour
			}
			return authn.Grant{Access: authn.Secret("since " + made.Format("15:04:05"))[6:], Life: left.Truncate(time.Second)}, nil
		}})
		for range 48 * 60 {
			tok, err := s.Token(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, tok.Access)
			time.Sleep(time.Minute)
		}
		require.Less(t, logins, 40, "logins in two days with one token a day")
	})
}

func TestStoreIsReadAgainUnderTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		memory := new(authn.Memory)
		a := newSession(t, i.flow(), authn.WithStore(memory, "k"))
		store := &brokenStore{Store: memory}
		b := newSession(t, i.flow(), authn.WithStore(store, "k"))
		store.set(func(op string) error {
			if op == "lease" { // between b's look and b's lease, a does it all
				mustToken(t, a)
			}
			return nil
		})
		mustToken(t, b)
		logins, refreshes, _ := i.counts()
		require.Equal(t, 1, logins+refreshes)
	})
}

// everybodysLease gives the lease to all who ask: what is left is the swap.
type everybodysLease struct{ authn.Store }

func (e everybodysLease) Load(ctx context.Context, key string) (authn.Record, error) {
	rec, err := e.Store.Load(ctx, key)
	time.Sleep(5 * time.Millisecond) // enough for another one to come between
	return rec, err
}

func (everybodysLease) Lease(context.Context, string, time.Duration) (authn.Lease, error) {
	return noLease{}, nil
}

type noLease struct{}

func (noLease) Release(context.Context) error { return nil }

func TestRefreshTokensAreSafeWithoutAnyLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Minute, takes: 200 * time.Millisecond}
		store := everybodysLease{new(authn.Memory)}
		var wg sync.WaitGroup
		end := time.Now().Add(30 * time.Minute)
		for range 4 {
			s := newSession(t, i.flow(), authn.WithStore(store, "k"))
			wg.Go(func() {
				for time.Now().Before(end) {
					if tok := mustToken(t, s); !i.accepts(tok.Access) {
						t.Error("a dead token")
					}
					time.Sleep(61 * time.Second) // all come when the token is over
				}
			})
		}
		wg.Wait()
		_, refreshes, replays := i.counts()
		require.Zero(t, replays)
		require.Positive(t, refreshes)
	})
}
