package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// state is everything a sandbox remembers about its merchants. It is plain
// data, so that a snapshot is its JSON.
type state struct {
	Seed     int64             `json:"seed"`
	Serials  map[string]int    `json:"serials"`
	Tables   map[string]*table `json:"tables"`
	Tokens   map[string]*token `json:"tokens"`
	Balances map[string]string `json:"balances"` // "kuna/<wallet>/USDT"
	Settings map[string]string `json:"settings"` // passwords that were changed, webhook URLs, times of last calls
}

// row is one object a client made, and what the sandbox knows beside it.
type row struct {
	ID   string            `json:"id"`
	Doc  *object           `json:"doc"`
	Meta map[string]string `json:"meta,omitempty"`
}

// table holds the rows of one kind in the order of their creation.
type table struct {
	Rows  []*row `json:"rows"`
	index map[string]*row
}

// maxRows bounds a table, so that a load test does not eat the machine; the
// oldest rows go first.
const maxRows = 5_000

func newState(seed int64) *state {
	return &state{
		Seed: seed, Serials: map[string]int{}, Tables: map[string]*table{}, Tokens: map[string]*token{},
		Balances: map[string]string{}, Settings: map[string]string{},
	}
}

// table returns the rows of a kind, such as "kuna.customers".
func (st *state) table(kind string) *table {
	t := st.Tables[kind]
	if t == nil {
		t = &table{index: map[string]*row{}}
		st.Tables[kind] = t
	}
	if t.index == nil { // after Restore
		t.index = make(map[string]*row, len(t.Rows))
		for _, r := range t.Rows {
			t.index[r.ID] = r
		}
	}
	return t
}

func (t *table) add(id string, doc *object, meta ...string) *row {
	r := &row{ID: id, Doc: doc}
	for i := 0; i+1 < len(meta); i += 2 {
		r.put(meta[i], meta[i+1])
	}
	t.Rows = append(t.Rows, r)
	t.index[id] = r
	if len(t.Rows) > maxRows {
		delete(t.index, t.Rows[0].ID)
		t.Rows = slices.Delete(t.Rows, 0, maxRows/10)
		t.reindex()
	}
	return r
}

func (t *table) reindex() {
	clear(t.index)
	for _, r := range t.Rows {
		t.index[r.ID] = r
	}
}

func (t *table) get(id string) *row { return t.index[id] }

func (t *table) remove(id string) {
	if r := t.index[id]; r != nil {
		delete(t.index, id)
		t.Rows = slices.DeleteFunc(t.Rows, func(x *row) bool { return x == r })
	}
}

// where lists the rows that pass, oldest first.
func (t *table) where(keep func(*row) bool) []*row {
	var out []*row
	for _, r := range t.Rows {
		if keep == nil || keep(r) {
			out = append(out, r)
		}
	}
	return out
}

func (r *row) meta(name string) string { return r.Meta[name] }

func (r *row) put(name, value string) {
	if r.Meta == nil {
		r.Meta = map[string]string{}
	}
	r.Meta[name] = value
}

// Ids come from the seed, the kind and a count per kind: the third customer is
// the third customer, whatever else happened before.

func (st *state) bytes(kind string) []byte {
	st.Serials[kind]++
	sum := sha256.Sum256([]byte(fmt.Sprintf("%d/%s/%d", st.Seed, kind, st.Serials[kind])))
	return sum[:]
}

// serial counts up from first.
func (st *state) serial(kind string, first int) int {
	st.Serials[kind]++
	return first + st.Serials[kind] - 1
}

// hexID is n lower-case hex digits.
func (st *state) hexID(kind string, n int) string { return hex.EncodeToString(st.bytes(kind))[:n] }

// codeID is n upper-case letters and digits.
func (st *state) codeID(kind string, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	out, b := make([]byte, n), st.bytes(kind)
	for i := range out {
		out[i] = alphabet[int(b[i%len(b)])%len(alphabet)]
	}
	return string(out)
}

func (st *state) uuid(kind string) string {
	b := st.bytes(kind)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}

// digits is n decimal digits, the first of them not zero.
func (st *state) digits(kind string, n int) string {
	out, b := make([]byte, n), st.bytes(kind)
	for i := range out {
		out[i] = '0' + b[i%len(b)]%10
	}
	if out[0] == '0' {
		out[0] = '1'
	}
	return string(out)
}

func (st *state) balance(account string) *big.Rat { return rat(st.Balances[account]) }

// move adds to an account; a negative amount takes from it.
func (st *state) move(account string, amount *big.Rat) {
	st.Balances[account] = decimal(add(st.balance(account), amount), 18)
}

func (st *state) integer(setting string) int64 {
	n, _ := strconv.ParseInt(st.Settings[setting], 10, 64)
	return n
}

// Snapshot is the whole state as JSON: everything made so far, tokens,
// balances and the counters of the ids. Faults, logs and the clock are not in
// it.
func (s *Sandbox) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.Marshal(s.st)
	if err != nil {
		panic("sandbox: snapshot: " + err.Error()) // plain data always encodes
	}
	return b
}

// Restore goes back to a snapshot.
func (s *Sandbox) Restore(snapshot []byte) error {
	st := newState(0)
	if err := json.Unmarshal(snapshot, st); err != nil {
		return fmt.Errorf("sandbox: restore: %w", err)
	}
	for name, t := range st.Tables {
		if t == nil {
			delete(st.Tables, name)
		}
	}
	if st.Serials == nil || st.Tables == nil || st.Tokens == nil || st.Balances == nil || st.Settings == nil {
		return fmt.Errorf("sandbox: restore: the snapshot lacks a part")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st = st
	return nil
}

// Reset forgets everything, as if the sandbox had just been made: state,
// faults, requests, violations, webhooks and the clock's offset.
func (s *Sandbox) Reset() { s.Seed(s.seed()) }

// Seed resets the sandbox and chooses the seed of its ids.
func (s *Sandbox) Seed(seed int64) {
	s.mu.Lock()
	s.begin(seed)
	s.mu.Unlock()
	s.clock.offset.Store(0)
	s.faults.reset(seed)
	s.log.reset()
	s.hooks.reset()
}

func (s *Sandbox) seed() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st.Seed
}

func (s *Sandbox) begin(seed int64) {
	s.st = newState(seed)
	for _, p := range s.providers {
		if p.open != nil {
			p.open(s)
		}
	}
}
