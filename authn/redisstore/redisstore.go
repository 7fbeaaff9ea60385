// Package redisstore keeps authn's tokens in Redis, so that a fleet of processes
// shares one token per account.
//
// Everything but versions and times is sealed with AES-256-GCM under your key:
// who reads the Redis server, or a dump of it, reads no token.
//
// Redis replicates asynchronously. A failover that loses the last write can bring
// back a refresh token that was spent; the provider then refuses it, and the next
// process logs in.
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// Store is an [authn.Store] in Redis 6 or newer.
type Store struct {
	client redis.Cmdable
	prefix string
	sealer *authn.Sealer
}

// New keeps records under prefix. Keys are 32 random bytes each, see
// [authn.NewSealer]. Set ContextTimeoutEnabled in the client's options, or a
// server that hangs is waited for longer than authn wants to.
func New(client redis.Cmdable, prefix string, keys ...[]byte) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: client is nil")
	}
	sealer, err := authn.NewSealer(keys...)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	return &Store{client, prefix, sealer}, nil
}

// Times are the server's, so that the clocks of the processes need not agree.
var (
	load = redis.NewScript(`
local r = redis.call('HMGET', KEYS[1], 'version', 'at', 'sealed')
if not r[1] then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return {r[1], r[3], now - r[2]}`)

	swap = redis.NewScript(`
local have = redis.call('HGET', KEYS[1], 'version') or '0'
if have ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'at', string.format('%.0f', now), 'sealed', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`)

	release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)
)

// Load implements [authn.Store].
func (s *Store) Load(ctx context.Context, key string) (authn.Record, error) {
	got, err := load.Run(ctx, s.client, []string{s.record(key)}).Slice()
	if err != nil {
		return authn.Record{}, fmt.Errorf("redisstore: load: %w", err)
	}
	if len(got) == 0 {
		return authn.Record{}, nil
	}
	if len(got) != 3 {
		return authn.Record{}, errors.New("redisstore: load: stored token is damaged")
	}
	version, _ := got[0].(string)
	sealed, _ := got[1].(string)
	age, _ := got[2].(int64)
	v, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return authn.Record{}, errors.New("redisstore: load: stored token is damaged")
	}
	rec, err := s.sealer.Open(key, v, []byte(sealed))
	if err != nil {
		return authn.Record{}, fmt.Errorf("redisstore: load: %w", err)
	}
	rec.Age += max(time.Duration(age)*time.Millisecond, 0)
	return rec, nil
}

// Swap implements [authn.Store].
func (s *Store) Swap(ctx context.Context, key string, old uint64, next authn.Record) (bool, error) {
	n, err := swap.Run(ctx, s.client, []string{s.record(key)},
		strconv.FormatUint(old, 10), strconv.FormatUint(next.Version, 10),
		s.sealer.Seal(key, next), keepFor(next).Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("redisstore: swap: %w", err)
	}
	return n == 1, nil
}

// keepFor lets the tokens of accounts that nobody uses any more disappear.
func keepFor(rec authn.Record) time.Duration {
	keep := max(rec.Life, rec.RefreshLife)
	if rec.Refresh != "" && rec.RefreshLife == 0 {
		keep = max(keep, 90*24*time.Hour)
	}
	return keep + 24*time.Hour
}

// Lease implements [authn.Store].
func (s *Store) Lease(ctx context.Context, key string, ttl time.Duration) (authn.Lease, error) {
	id := rand.Text()
	err := s.client.SetArgs(ctx, s.lease(key), id, redis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, authn.ErrHeld
	case err != nil:
		return nil, fmt.Errorf("redisstore: lease: %w", err)
	}
	return &held{s, key, id}, nil
}

type held struct {
	s       *Store
	key, id string
}

func (h *held) Release(ctx context.Context) error {
	if err := release.Run(ctx, h.s.client, []string{h.s.lease(h.key)}, h.id).Err(); err != nil {
		return fmt.Errorf("redisstore: release: %w", err)
	}
	return nil
}

func (s *Store) record(key string) string { return s.prefix + "token:" + key }
func (s *Store) lease(key string) string  { return s.prefix + "lease:" + key }

// Format prints no key.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "redisstore.Store") }
