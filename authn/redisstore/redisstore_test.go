package redisstore_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/authn/internal/redistest"
	"github.com/seed-4fcf5cf3/payclients/authn/redisstore"
	"github.com/seed-4fcf5cf3/payclients/authn/storetest"
)

var key = bytes.Repeat([]byte{7}, 32)

func client(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func open(t *testing.T, c *redis.Client, prefix string, keys ...[]byte) *redisstore.Store {
	s, err := redisstore.New(c, prefix, keys...)
	require.NoError(t, err)
	return s
}

func TestStoreConforms(t *testing.T) {
	addr := redistest.Start(t)
	n := 0
	storetest.Run(t, func(t *testing.T) (a, b authn.Store) {
		n++
		prefix := fmt.Sprintf("test%d:", n)
		return open(t, client(t, addr), prefix, key), open(t, client(t, addr), prefix, key)
	})
}

func TestServerSeesNoSecret(t *testing.T) {
	c := client(t, redistest.Start(t))
	s := open(t, c, "p:", key)
	ok, err := s.Swap(t.Context(), "acme:1", 0, authn.Record{Version: 1, Access: "canary-access", Refresh: "canary-refresh", Life: time.Hour})
	require.NoError(t, err)
	require.True(t, ok)
	stored, err := c.HGetAll(t.Context(), "p:token:acme:1").Result()
	require.NoError(t, err)
	require.NotEmpty(t, stored["sealed"])
	require.NotContains(t, fmt.Sprint(stored), "canary")
	ttl, err := c.PTTL(t.Context(), "p:token:acme:1").Result()
	require.NoError(t, err)
	require.Greater(t, ttl, time.Hour, "an abandoned token must go some day")
}

func TestSealedRecordsStayWhereTheyWerePut(t *testing.T) {
	ctx := t.Context()
	c := client(t, redistest.Start(t))
	s := open(t, c, "p:", key)
	rec := authn.Record{Version: 1, Access: "one", Life: time.Hour}
	_, err := s.Swap(ctx, "alice", 0, rec)
	require.NoError(t, err)

	require.NoError(t, c.Copy(ctx, "p:token:alice", "p:token:bob", 0, true).Err())
	_, err = s.Load(ctx, "bob")
	require.ErrorContains(t, err, "does not open", "another account's token was accepted")

	require.NoError(t, c.HSet(ctx, "p:token:alice", "version", "2").Err())
	_, err = s.Load(ctx, "alice")
	require.ErrorContains(t, err, "does not open", "an old token was accepted as a new one")
}

func TestKeysRotate(t *testing.T) {
	ctx := t.Context()
	c := client(t, redistest.Start(t))
	newer := bytes.Repeat([]byte{8}, 32)
	_, err := open(t, c, "", key).Swap(ctx, "k", 0, authn.Record{Version: 1, Access: "one", Life: time.Hour})
	require.NoError(t, err)
	_, err = open(t, c, "", newer).Load(ctx, "k")
	require.Error(t, err)
	both := open(t, c, "", newer, key)
	rec, err := both.Load(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, authn.Secret("one"), rec.Access)
	_, err = both.Swap(ctx, "k", 1, authn.Record{Version: 2, Access: "two", Life: time.Hour})
	require.NoError(t, err)
	_, err = open(t, c, "", newer).Load(ctx, "k")
	require.NoError(t, err)
}

func TestNewRefuses(t *testing.T) {
	c := client(t, "127.0.0.1:1")
	_, err := redisstore.New(nil, "", key)
	require.Error(t, err)
	_, err = redisstore.New(c, "")
	require.Error(t, err)
	_, err = redisstore.New(c, "", key[:31])
	require.ErrorContains(t, err, "31 bytes")
}

func TestUnreachableServerIsNotHeld(t *testing.T) {
	s := open(t, client(t, "127.0.0.1:1"), "", key)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.Lease(ctx, "k", time.Second)
	require.Error(t, err)
	require.NotErrorIs(t, err, authn.ErrHeld)
}
