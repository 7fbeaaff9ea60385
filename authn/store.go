package authn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrHeld: somebody else has the lease and is about to store a new token.
var ErrHeld = errors.New("lease is held by another process")

// Store keeps tokens where several processes find them. Safety rests on Swap
// alone; the lease only saves needless exchanges. An error from any method other
// than [ErrHeld] means: the store cannot be reached.
//
// Package storetest tests an implementation of yours.
type Store interface {
	// Load returns what is stored under key, or the zero Record. Age is the age
	// that was written plus the time since, on the store's own clock: so the
	// clocks of the processes need not agree.
	Load(ctx context.Context, key string) (Record, error)

	// Swap writes next if the stored version is still old (0: nothing stored),
	// in one step, and reports whether it did.
	Swap(ctx context.Context, key string, old uint64, next Record) (bool, error)

	// Lease gives the key to one caller until it is released or ttl is over;
	// ErrHeld while another one has it. Release frees only the own lease.
	Lease(ctx context.Context, key string, ttl time.Duration) (Lease, error)
}

// Lease is the right to renew one key for a while.
type Lease interface {
	Release(ctx context.Context) error
}

// Record is a token as it is stored. There is no point in time in it.
type Record struct {
	Version     uint64 // grows by one with each Swap
	Access      Secret
	Refresh     Secret
	Life        time.Duration // of Access, from the start of its exchange
	RefreshLife time.Duration // of Refresh; 0: unknown
	Age         time.Duration // since the start of the exchange

	// Taken: somebody set out to spend Refresh. Whoever finds this and does not
	// know better must not send it, since it may be spent: log in instead.
	Taken bool
}

// Format prints no secret.
func (r Record) Format(f fmt.State, _ rune) {
	describe(f, "authn.Record", "Version", r.Version, "Life", r.Life, "Age", r.Age, "Taken", r.Taken)
}

type recordWire struct {
	Version     uint64        `json:"version"`
	Access      string        `json:"access"`
	Refresh     string        `json:"refresh,omitempty"`
	Life        time.Duration `json:"life_ns"`
	RefreshLife time.Duration `json:"refresh_life_ns,omitempty"`
	Age         time.Duration `json:"age_ns"`
	Taken       bool          `json:"taken,omitempty"`
}

func (r Record) wire() recordWire {
	return recordWire{r.Version, r.Access.Reveal(), r.Refresh.Reveal(), r.Life, r.RefreshLife, r.Age, r.Taken}
}

func (w recordWire) record() Record {
	return Record{w.Version, Secret(w.Access), Secret(w.Refresh), w.Life, w.RefreshLife, w.Age, w.Taken}
}

// Encode writes the record with its secrets in clear, for a store that protects
// them some other way; [Sealer] encrypts.
func (r Record) Encode() []byte {
	b, _ := json.Marshal(r.wire()) // strings and numbers
	return b
}

// DecodeRecord reads what [Record.Encode] wrote.
func DecodeRecord(b []byte) (Record, error) {
	var w recordWire
	if err := json.Unmarshal(b, &w); err != nil || w.Version == 0 { // the text of err may quote a token
		return Record{}, errors.New("authn: stored token is damaged")
	}
	return w.record(), nil
}

// Memory is a [Store] in this process: several sessions can share one token.
// The zero value is ready.
type Memory struct {
	mu     sync.Mutex
	stored map[string]memoryRecord
	leases map[string]memoryLease
}

type memoryRecord struct {
	rec Record
	at  time.Time
}

type memoryLease struct {
	m     *Memory
	key   string
	id    *byte
	until time.Time
}

// Load implements [Store].
func (m *Memory) Load(_ context.Context, key string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.stored[key]
	if !ok {
		return Record{}, nil
	}
	e.rec.Age += elapsed(e.at)
	return e.rec, nil
}

// Swap implements [Store].
func (m *Memory) Swap(_ context.Context, key string, old uint64, next Record) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored[key].rec.Version != old {
		return false, nil
	}
	if m.stored == nil {
		m.stored = make(map[string]memoryRecord)
	}
	m.stored[key] = memoryRecord{next, time.Now()}
	return true, nil
}

// Lease implements [Store].
func (m *Memory) Lease(_ context.Context, key string, ttl time.Duration) (Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if l, ok := m.leases[key]; ok && now.Before(l.until) {
		return nil, ErrHeld
	}
	if m.leases == nil {
		m.leases = make(map[string]memoryLease)
	}
	l := memoryLease{m, key, new(byte), now.Add(ttl)}
	m.leases[key] = l
	return l, nil
}

func (l memoryLease) Release(context.Context) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.leases[l.key].id == l.id { // not the lease of whoever came after us
		delete(l.m.leases, l.key)
	}
	return nil
}

// Format prints no token.
func (m *Memory) Format(f fmt.State, _ rune) { fmt.Fprint(f, "authn.Memory") }
