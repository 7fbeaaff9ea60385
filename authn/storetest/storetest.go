// Package storetest tests an implementation of authn.Store.
//
//	func TestMyStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) (a, b authn.Store) {
//			db := emptyDatabase(t)
//			return mystore.New(db), mystore.New(db)
//		})
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// Run checks what authn's fleet protocol relies on. open makes an empty storage
// and returns two handles to it, as two processes would have. It takes about a
// second, most of it waiting for a lease to run out.
func Run(t *testing.T, open func(t *testing.T) (a, b authn.Store)) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, a, b authn.Store)
	}{
		{"nothing stored is the zero record and no error", empty},
		{"what one handle writes the other reads, every field", roundTrip},
		{"swap refuses any version but the stored one", versions},
		{"of 32 swaps at once exactly one is done", race},
		{"age goes on in the store", age},
		{"keys do not mix", keys},
		{"a lease is one caller's until released", lease},
		{"a lease runs out", leaseRunsOut},
		{"of 32 leases at once exactly one is given", leaseRace},
		{"releasing late does not free the next one's lease", lateRelease},
		{"a lease does not stop swaps", leaseIsAdvice},
		{"an ended context ends the call", ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := open(t)
			c.run(t, a, b)
		})
	}
}

const key = "acme:0123 ключ/..%00*" // stores must take any text

func record(version uint64) authn.Record {
	return authn.Record{
		Version:     version,
		Access:      authn.Secret(fmt.Sprintf("access-%d", version)),
		Refresh:     authn.Secret(fmt.Sprintf("refresh-%d", version)),
		Life:        30 * time.Minute,
		RefreshLife: 48 * time.Hour,
		Age:         250 * time.Millisecond,
	}
}

func mustLoad(t *testing.T, s authn.Store, key string) authn.Record {
	t.Helper()
	rec, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return rec
}

func mustSwap(t *testing.T, s authn.Store, key string, old uint64, next authn.Record, want bool) {
	t.Helper()
	got, err := s.Swap(t.Context(), key, old, next)
	if err != nil {
		t.Fatalf("Swap %d to %d: %v", old, next.Version, err)
	}
	if got != want {
		t.Fatalf("Swap %d to %d = %t, want %t", old, next.Version, got, want)
	}
}

func empty(t *testing.T, a, _ authn.Store) {
	if got := mustLoad(t, a, key); got != (authn.Record{}) {
		t.Errorf("Load of nothing: version %d, access %d bytes; want the zero record", got.Version, len(got.Access))
	}
	mustSwap(t, a, key, 7, record(8), false)
	if got := mustLoad(t, a, key); got.Version != 0 {
		t.Errorf("version after a refused swap = %d, want 0", got.Version)
	}
}

func roundTrip(t *testing.T, a, b authn.Store) {
	want := record(1)
	want.Taken = true
	want.Access += "\x00\xf0\x9f\x94\x91\n" // a token is the provider's business
	mustSwap(t, a, key, 0, want, true)
	got := mustLoad(t, b, key)
	if got.Age < want.Age || got.Age > want.Age+time.Minute {
		t.Errorf("age = %v, want a little over %v", got.Age, want.Age)
	}
	got.Age = want.Age
	if got != want {
		t.Errorf("a field changed on the way: access %t refresh %t life %t refresh life %t taken %t version %t",
			got.Access == want.Access, got.Refresh == want.Refresh, got.Life == want.Life,
			got.RefreshLife == want.RefreshLife, got.Taken == want.Taken, got.Version == want.Version)
	}
	bare := authn.Record{Version: 2, Access: "bare", Life: time.Hour}
	mustSwap(t, b, key, 1, bare, true)
	got = mustLoad(t, a, key)
	got.Age = 0
	if got != bare {
		t.Error("a field of the earlier record survived in the next one")
	}
}

func versions(t *testing.T, a, b authn.Store) {
	mustSwap(t, a, key, 0, record(1), true)
	mustSwap(t, b, key, 0, record(1), false)
	mustSwap(t, b, key, 1, record(2), true)
	mustSwap(t, a, key, 1, record(2), false)
	mustSwap(t, a, key, 3, record(4), false)
	if got := mustLoad(t, a, key); got.Version != 2 || got.Access != "access-2" {
		t.Errorf("stored version = %d, want 2", got.Version)
	}
	const big = 1<<63 + 1 // beyond what a float64 can count
	mustSwap(t, a, key, 2, record(big), true)
	mustSwap(t, a, key, big-1, record(big+1), false)
	mustSwap(t, a, key, big, record(big+1), true)
}

func race(t *testing.T, a, b authn.Store) {
	mustSwap(t, a, key, 0, record(1), true)
	var won atomic.Int32
	at32(func(i int) {
		s := [...]authn.Store{a, b}[i%2]
		next := record(2)
		next.Access = authn.Secret(fmt.Sprint("from ", i))
		ok, err := s.Swap(t.Context(), key, 1, next)
		if err != nil {
			t.Errorf("Swap: %v", err)
		}
		if ok {
			won.Add(1)
		}
	})
	if got := won.Load(); got != 1 {
		t.Errorf("swaps done = %d, want 1", got)
	}
}

func age(t *testing.T, a, b authn.Store) {
	first := record(1)
	mustSwap(t, a, key, 0, first, true)
	before := mustLoad(t, b, key).Age
	time.Sleep(60 * time.Millisecond)
	if grown := mustLoad(t, b, key).Age - before; grown < 40*time.Millisecond || grown > time.Minute {
		t.Errorf("in 60 ms the age grew by %v", grown)
	}
	second := record(2)
	second.Age = time.Hour
	mustSwap(t, a, key, 1, second, true)
	if got := mustLoad(t, b, key).Age; got < time.Hour || got > time.Hour+time.Minute {
		t.Errorf("age = %v, want a little over 1h", got)
	}
}

func keys(t *testing.T, a, b authn.Store) {
	mustSwap(t, a, key, 0, record(1), true)
	for _, other := range []string{key + "2", "x", "acme:", "ACME:0123"} {
		if got := mustLoad(t, b, other); got.Version != 0 {
			t.Errorf("key %q has version %d, want nothing", other, got.Version)
		}
	}
	mustSwap(t, b, "x", 0, record(1), true)
	held, err := a.Lease(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	defer release(t, held)
	other, err := b.Lease(t.Context(), "x", time.Minute)
	if err != nil {
		t.Fatalf("Lease of another key: %v", err)
	}
	release(t, other)
}

func lease(t *testing.T, a, b authn.Store) {
	held, err := a.Lease(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	for _, s := range []authn.Store{a, b} {
		if _, err := s.Lease(t.Context(), key, time.Minute); !errors.Is(err, authn.ErrHeld) {
			t.Fatalf("second lease: %v, want ErrHeld", err)
		}
	}
	release(t, held)
	again, err := b.Lease(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatalf("Lease after release: %v", err)
	}
	release(t, again)
}

func leaseRunsOut(t *testing.T, a, b authn.Store) {
	if _, err := a.Lease(t.Context(), key, 150*time.Millisecond); err != nil {
		t.Fatalf("Lease: %v", err)
	}
	start := time.Now()
	held := awaitLease(t, b)
	if got := time.Since(start); got < 50*time.Millisecond {
		t.Errorf("a lease of 150 ms was over after %v", got)
	}
	release(t, held)
}

func leaseRace(t *testing.T, a, b authn.Store) {
	var won atomic.Int32
	at32(func(i int) {
		_, err := [...]authn.Store{a, b}[i%2].Lease(t.Context(), key, time.Minute)
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, authn.ErrHeld):
			t.Errorf("Lease: %v", err)
		}
	})
	if got := won.Load(); got != 1 {
		t.Errorf("leases given = %d, want 1", got)
	}
}

func lateRelease(t *testing.T, a, b authn.Store) {
	late, err := a.Lease(t.Context(), key, 100*time.Millisecond)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	held := awaitLease(t, b)
	release(t, late)
	if _, err := a.Lease(t.Context(), key, time.Minute); !errors.Is(err, authn.ErrHeld) {
		t.Errorf("Lease while another has it: %v, want ErrHeld", err)
	}
	release(t, held)
}

func leaseIsAdvice(t *testing.T, a, b authn.Store) {
	held, err := a.Lease(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	defer release(t, held)
	mustSwap(t, b, key, 0, record(1), true)
}

func ended(t *testing.T, a, _ authn.Store) {
	mustSwap(t, a, key, 0, record(1), true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan struct{})
	go func() { // a store may ignore ctx if it never waits, but it must come back
		defer close(done)
		_, _ = a.Load(ctx, key)
		_, _ = a.Swap(ctx, key, 0, record(1))
		_, _ = a.Lease(ctx, key, time.Minute)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("calls with an ended context had not returned after 10 s")
	}
}

func awaitLease(t *testing.T, s authn.Store) authn.Lease {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		held, err := s.Lease(t.Context(), key, time.Minute)
		switch {
		case err == nil:
			return held
		case !errors.Is(err, authn.ErrHeld):
			t.Fatalf("Lease: %v", err)
		case time.Now().After(end):
			t.Fatal("the lease had not run out after 10 s")
		}
	}
}

func release(t *testing.T, l authn.Lease) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Errorf("Release: %v", err)
	}
}

func at32(do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 32 {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}
