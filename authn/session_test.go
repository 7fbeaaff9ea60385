package authn_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

func TestThousandCallersWithoutTokenLogInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 200 * time.Millisecond}
		s := newSession(t, i.flow())
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { mustToken(t, s) })
		}
		wg.Wait()
		logins, refreshes, _ := i.counts()
		require.Equal(t, 1, logins+refreshes, "exchanges")
	})
}

func TestCancelledLeaderTakesNobodyWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 200 * time.Millisecond}
		s := newSession(t, i.flow())
		ctx, cancel := context.WithCancel(t.Context())
		leader := make(chan error)
		go func() {
			_, err := s.Token(ctx)
			leader <- err
		}()
		synctest.Wait() // the leader's exchange is under way
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := s.Token(t.Context()); err != nil {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		require.ErrorIs(t, <-leader, context.Canceled)
		require.Zero(t, time.Since(start), "the leader waited although its context had ended")
		wg.Wait()
		require.Zero(t, failed.Load(), "other callers failed")
		logins, _, _ := i.counts()
		require.Equal(t, 1, logins)
	})
}

func TestNobodyWaitsForRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: 30 * time.Second, takes: 200 * time.Millisecond}
		s := newSession(t, i.flow())
		mustToken(t, s) // the first one has to wait
		var calls, waited, refused atomic.Int64
		var wg sync.WaitGroup
		end := time.Now().Add(10 * time.Minute)
		for caller := range 4 { // 250 calls a second each
			wg.Go(func() {
				time.Sleep(time.Duration(caller) * time.Millisecond)
				for time.Now().Before(end) {
					start := time.Now()
					tok, err := s.Token(t.Context())
					calls.Add(1)
					if time.Since(start) > 0 {
						waited.Add(1)
					}
					if err != nil || !i.accepts(tok.Access) {
						refused.Add(1)
					}
					time.Sleep(4 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		logins, refreshes, replays := i.counts()
		require.Greater(t, calls.Load(), int64(599_000))
		require.Zero(t, waited.Load(), "calls that waited")
		require.Zero(t, refused.Load(), "calls with a dead token")
		require.Equal(t, 1, logins)
		require.InDelta(t, 25, refreshes, 7, "renewals in twenty lives")
		require.Zero(t, replays)
	})
}

func TestFailingEndpointIsAskedOnceForAllWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 2 * time.Second, noRefresh: true, onLogin: func() error { return errDown }}
		s := newSession(t, i.flow())
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				_, err := s.Token(t.Context())
				if !errors.Is(err, errDown) || !errors.Is(err, authn.ErrUnavailable) {
					t.Errorf("err = %v, want errDown and ErrUnavailable", err)
				}
				if got := time.Since(start); got != 2*time.Second {
					t.Errorf("left after %v, want one exchange time", got)
				}
			})
		}
		wg.Wait()
		logins, _, _ := i.counts()
		require.Equal(t, 1, logins)
	})
}

func TestFailureInTheAdvisoryWindowKeepsServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: 20 * time.Minute, takes: time.Second, noRefresh: true}
		s := newSession(t, i.flow())
		first := mustToken(t, s)
		start := time.Now()
		i.set(func() { i.onLogin = func() error { return errDown } })
		var lastGood time.Duration
		for time.Since(start) < 21*time.Minute {
			tok, err := s.Token(t.Context())
			if err == nil {
				require.Equal(t, first.Access, tok.Access)
				lastGood = time.Since(start)
			} else {
				require.ErrorIs(t, err, errDown)
				require.False(t, time.Now().Before(first.Expiry), "an error while the old token was good")
			}
			time.Sleep(time.Second)
		}
		// The life counts from the start of the exchange, a second before.
		require.InDelta(t, (20*time.Minute - time.Second).Seconds(), lastGood.Seconds(), 3, "served until real expiry")
		logins, _, _ := i.counts()
		require.Less(t, logins, 25, "back-off: 5 minutes of failing")
		require.Greater(t, logins, 8)

		i.set(func() { i.onLogin = nil })
		time.Sleep(40 * time.Second)
		mustToken(t, s)
	})
}

func TestRefusedPasswordIsNotTriedOverAndOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, onLogin: func() error {
			return &authn.Error{Provider: "acme", Op: "login", Status: 401, Kind: authn.ErrRejected}
		}}
		flow := i.flow()
		changed := false
		looks := 0
		flow.Changed = func(context.Context) bool { looks++; return changed }
		s := newSession(t, flow)
		for range 3600 {
			_, err := s.Token(t.Context())
			require.ErrorIs(t, err, authn.ErrRejected)
			time.Sleep(time.Second)
		}
		logins, _, _ := i.counts()
		require.LessOrEqual(t, logins, 6, "an hour of calls with a wrong password")
		require.GreaterOrEqual(t, logins, 4)
		require.InDelta(t, 700, looks, 100, "looks at the credentials, one in five seconds")

		changed = true
		i.set(func() { i.onLogin = nil })
		time.Sleep(6 * time.Second)
		mustToken(t, s) // at once, though the latch has half an hour to go
	})
}

func TestOutageDoesNotLengthenTheFirstLatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := error(&authn.Error{Provider: "acme", Op: "login", Status: 401, Kind: authn.ErrRejected})
		i := &issuer{life: time.Hour, onLogin: func() error { return errDown }}
		s := newSession(t, i.flow())
		logins := func() int { n, _, _ := i.counts(); return n }
		ask := func(until func() bool) time.Duration {
			start := time.Now()
			for !until() {
				_, _ = s.Token(t.Context())
				time.Sleep(100 * time.Millisecond)
			}
			return time.Since(start)
		}
		ask(func() bool { return logins() == 12 }) // a few minutes of 503
		i.set(func() { i.onLogin = func() error { return rejected } })
		ask(func() bool { return logins() == 13 })
		for n, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			waited := ask(func() bool { return logins() == 14+n })
			require.GreaterOrEqual(t, waited, want-time.Second, "refusal %d", n+1)
			require.LessOrEqual(t, waited, want*5/4+time.Second, "refusal %d", n+1)
		}

		i.set(func() { i.onLogin = func() error { return errDown } })
		ask(func() bool { return logins() == 17 })
		waited := ask(func() bool { return logins() == 18 })
		require.LessOrEqual(t, waited, 40*time.Second, "an outage is not a refusal")
		i.set(func() { i.onLogin = nil })
		time.Sleep(time.Minute)
		mustToken(t, s)
	})
}

func TestLate401DoesNotDropTheNewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		s := newSession(t, i.flow())
		old := mustToken(t, s)
		require.True(t, s.Invalidate(t.Context(), old))
		current := mustToken(t, s)
		require.NotEqual(t, old.Access, current.Access)
		for range 100 {
			require.True(t, s.Invalidate(t.Context(), old), "there is a newer token to try")
		}
		require.Equal(t, current, mustToken(t, s))
		logins, refreshes, _ := i.counts()
		require.Equal(t, 2, logins+refreshes)
	})
}

func TestThousand401sForOneTokenRenewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 100 * time.Millisecond}
		s := newSession(t, i.flow())
		old := mustToken(t, s)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				s.Invalidate(t.Context(), old)
				if tok := mustToken(t, s); tok.Access == old.Access {
					t.Error("the refused token came back")
				}
			})
		}
		wg.Wait()
		logins, refreshes, _ := i.counts()
		require.Equal(t, 2, logins+refreshes)
	})
}

func TestProviderThatRefusesEveryTokenGetsFewLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, noRefresh: true}
		s := newSession(t, i.flow())
		for range 6000 { // ten minutes
			s.Invalidate(t.Context(), mustToken(t, s))
			time.Sleep(100 * time.Millisecond)
		}
		logins, _, _ := i.counts()
		require.Less(t, logins, 25)
		s.Invalidate(t.Context(), mustToken(t, s))
		time.Sleep(2 * time.Minute)
		require.True(t, s.Invalidate(t.Context(), mustToken(t, s)), "muted for ever")
	})
}

func TestWallClockJumps(t *testing.T) {
	for _, c := range []struct {
		name string
		jump time.Duration
		want int
	}{
		{"forward a day renews once", 24 * time.Hour, 2},
		{"back a day does not prolong the token", -24 * time.Hour, 2}, // by the monotonic clock, an hour later
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{life: time.Hour}
				s := newSession(t, i.flow())
				mustToken(t, s)
				s.ShiftWallClock(c.jump)
				time.Sleep(100 * time.Millisecond) // the hot path looks at the wall clock so often
				if c.jump < 0 {
					time.Sleep(61 * time.Minute)
				}
				require.True(t, i.accepts(mustToken(t, s).Access))
				require.True(t, i.accepts(mustToken(t, s).Access))
				logins, refreshes, _ := i.counts()
				require.Equal(t, c.want, logins+refreshes)
			})
		})
	}
}

func TestWallClockJumpIsSeenByAllCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: time.Second}
		s := newSession(t, i.flow())
		old := mustToken(t, s)
		time.Sleep(time.Minute)
		s.ShiftWallClock(24 * time.Hour)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if tok := mustToken(t, s); tok.Access == old.Access {
					t.Error("a caller got the token that is over")
				}
			})
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
	})
}

func TestRefreshTokens(t *testing.T) {
	status := func(code int, kind error) func() error {
		return func() error { return &authn.Error{Provider: "acme", Op: "refresh", Status: code, Kind: kind} }
	}
	for _, c := range []struct {
		name              string
		idle              time.Duration
		onRefresh         func() error
		logins, refreshes int
		fails             bool
		thenRefreshes     int // once the provider is well again
	}{
		{name: "a good one is spent and replaced", refreshes: 1, logins: 1, thenRefreshes: 2},
		{name: "a refused one leads to a login", onRefresh: status(401, authn.ErrRejected), refreshes: 1, logins: 2, thenRefreshes: 2},
		{name: "one whose answer was lost is not sent again", onRefresh: func() error { return errDown }, refreshes: 1, logins: 2, thenRefreshes: 2},
		{name: "one that met a 503 is not sent again", onRefresh: status(503, authn.ErrUnavailable), refreshes: 1, logins: 2, thenRefreshes: 2},
		{name: "one that did not leave is kept", onRefresh: func() error { return authn.ErrNotSent }, refreshes: 1, logins: 1, fails: true, thenRefreshes: 2},
		{name: "one that met a 429 is kept", onRefresh: status(429, authn.ErrUnavailable), refreshes: 1, logins: 1, fails: true, thenRefreshes: 2},
		{name: "one that is over is not sent at all", idle: 49 * time.Hour, logins: 2, thenRefreshes: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{life: time.Hour, takes: time.Millisecond}
				if c.onRefresh != nil { // the issuer must not take it for spent
					i.onRefresh = func() error {
						err := c.onRefresh()
						i.set(func() { i.refresh["refresh-1"] = false })
						return err
					}
				}
				s := newSession(t, i.flow())
				mustToken(t, s)
				time.Sleep(max(c.idle, 61*time.Minute))
				_, err := s.Token(t.Context())
				require.Equal(t, c.fails, err != nil, "err = %v", err)
				logins, refreshes, _ := i.counts()
				require.Equal(t, c.logins, logins, "logins")
				require.Equal(t, c.refreshes, refreshes, "refreshes")

				i.set(func() { i.onRefresh = nil })
				time.Sleep(61 * time.Minute)
				mustToken(t, s)
				_, refreshes, replays := i.counts()
				require.Equal(t, c.thenRefreshes, refreshes, "refreshes in the end")
				require.Zero(t, replays)
			})
		})
	}
}

func TestRefreshTokenThatIsNotReplacedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := newSession(t, authn.Flow{
			Provider: "acme",
			Login: func(context.Context) (authn.Grant, error) {
				seen = append(seen, "login")
				return authn.Grant{Access: "a", Refresh: "r", Life: time.Hour, RefreshLife: 150 * time.Minute}, nil
			},
			Refresh: func(_ context.Context, r authn.Secret) (authn.Grant, error) {
				require.Equal(t, "r", r.Reveal())
				seen = append(seen, "refresh")
				return authn.Grant{Access: "b", Life: time.Hour}, nil
			},
		})
		for range 4 { // at 0, 61, 122 and 183 minutes; the refresh token ends at 150
			mustToken(t, s)
			time.Sleep(61 * time.Minute)
		}
		require.Equal(t, []string{"login", "refresh", "refresh", "login"}, seen)
	})
}

func TestGrantsThatAreNoTokens(t *testing.T) {
	jwt := jwtWith(t, `{"iat":1000000000,"exp":1000003600}`)
	for _, c := range []struct {
		name  string
		grant authn.Grant
		flow  time.Duration
		want  time.Duration // of life; 0: an error
	}{
		{"empty token", authn.Grant{Life: time.Hour}, 0, 0},
		{"no life anywhere", authn.Grant{Access: "opaque"}, 0, 0},
		{"negative life", authn.Grant{Access: "opaque", Life: -1}, time.Hour, 0},
		{"line break in the token", authn.Grant{Access: "a\r\nX-Admin: 1", Life: time.Hour}, 0, 0},
		{"space in the token", authn.Grant{Access: "Bearer a", Life: time.Hour}, 0, 0},
		{"documented life", authn.Grant{Access: "opaque"}, 2 * time.Hour, 2 * time.Hour},
		{"life from the JWT", authn.Grant{Access: authn.Secret(jwt)}, 2 * time.Hour, time.Hour},
		{"given life beats the JWT", authn.Grant{Access: authn.Secret(jwt), Life: time.Minute}, 0, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSession(t, authn.Flow{Provider: "acme", Life: c.flow, Login: func(context.Context) (authn.Grant, error) {
					return c.grant, nil
				}})
				tok, err := s.Token(t.Context())
				if c.want == 0 {
					require.ErrorIs(t, err, authn.ErrNoToken)
					var e *authn.Error
					require.ErrorAs(t, err, &e)
					require.Equal(t, authn.Token{}, tok)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.want, time.Until(tok.Expiry))
			})
		})
	}
}

func TestLifeCountsFromTheStartOfTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 10 * time.Second}
		store := new(authn.Memory)
		tok := mustToken(t, newSession(t, i.flow(), authn.WithStore(store, "k")))
		require.Equal(t, time.Hour-10*time.Second, time.Until(tok.Expiry))
		time.Sleep(time.Minute)
		tok = mustToken(t, newSession(t, i.flow(), authn.WithStore(store, "k")))
		require.Equal(t, time.Hour-70*time.Second, time.Until(tok.Expiry), "in the process that found it in the store")
	})
}

func TestExchangeHasItsOwnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: time.Hour}
		s := newSession(t, i.flow(), authn.WithExchangeTimeout(7*time.Second))
		start := time.Now()
		_, err := s.Token(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, authn.ErrUnavailable)
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

func TestLoginThatNeverReturnsItsGoroutine(t *testing.T) {
	s := newSession(t, authn.Flow{Provider: "acme", Login: func(context.Context) (authn.Grant, error) {
		runtime.Goexit()
		return authn.Grant{}, nil
	}})
	_, err := s.Token(t.Context())
	require.ErrorIs(t, err, authn.ErrUnavailable)
}

func TestCloseWaitsForTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: 5 * time.Second}
		store := new(authn.Memory)
		s := newSession(t, i.flow(), authn.WithStore(store, "k"))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = s.Token(ctx) }()
		synctest.Wait()
		cancel()
		start := time.Now()
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		require.ErrorIs(t, s.Close(short), context.DeadlineExceeded)
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, 5*time.Second, time.Since(start))
		rec, err := store.Load(t.Context(), stored)
		require.NoError(t, err)
		require.Equal(t, authn.Secret("access-1"), rec.Access)

		mustToken(t, s) // still good
		time.Sleep(2 * time.Hour)
		_, err = s.Token(t.Context())
		require.ErrorIs(t, err, authn.ErrClosed)
		require.NoError(t, s.Close(t.Context()))
	})
}

func TestNewSessionNamesWhatIsMissing(t *testing.T) {
	login := func(context.Context) (authn.Grant, error) { return authn.Grant{}, nil }
	for _, c := range []struct {
		want string
		flow authn.Flow
		opt  authn.SessionOption
	}{
		{"Flow.Provider is empty", authn.Flow{Login: login}, nil},
		{"Flow.Login is nil", authn.Flow{Provider: "acme"}, nil},
		{"needs a store and a key", authn.Flow{Provider: "acme", Login: login}, authn.WithStore(new(authn.Memory), "")},
		{"needs a store and a key", authn.Flow{Provider: "acme", Login: login}, authn.WithStore(nil, "k")},
		{"must be positive", authn.Flow{Provider: "acme", Login: login}, authn.WithExchangeTimeout(0)},
		{"must be https", authn.Flow{Provider: "acme", Login: login}, authn.WithOrigin("http://api.example.com")},
	} {
		opts := []authn.SessionOption{}
		if c.opt != nil {
			opts = append(opts, c.opt)
		}
		_, err := authn.NewSession(c.flow, opts...)
		require.ErrorContains(t, err, c.want)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	i := &issuer{life: time.Hour}
	s := newSession(t, i.flow())
	ctx := t.Context()
	mustToken(t, s)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := s.Token(ctx); err != nil {
			t.Error(err)
		}
	}))
}

func TestWindows(t *testing.T) {
	for _, c := range []struct{ life, advisory, mandatory time.Duration }{
		{10 * time.Second, 2500 * time.Millisecond, time.Second},
		{4 * time.Minute, time.Minute, 24 * time.Second},
		{20 * time.Minute, 5 * time.Minute, time.Minute},
		{30 * time.Minute, 5 * time.Minute, time.Minute},
		{time.Hour, 5 * time.Minute, time.Minute},
		{24 * time.Hour, time.Hour, time.Minute},
		{365 * 24 * time.Hour, 24 * time.Hour, time.Minute},
	} {
		advisory, mandatory := authn.Windows(c.life, 0)
		require.Equal(t, c.advisory, advisory, "advisory window of %v", c.life)
		require.Equal(t, c.mandatory, mandatory, "mandatory window of %v", c.life)
		jittered, _ := authn.Windows(c.life, 0.999)
		require.Greater(t, jittered, mandatory, "the windows of %v crossed", c.life)
		require.Less(t, jittered, advisory)
	}
}
