package authn_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/authn/storetest"
)

func TestMemoryConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) (a, b authn.Store) {
		m := new(authn.Memory)
		return m, m
	})
}

func newFile(t *testing.T, dir string) *authn.File {
	f, err := authn.NewFile(dir)
	require.NoError(t, err)
	return f
}

func TestFileConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (a, b authn.Store) {
		dir := filepath.Join(t.TempDir(), "tokens")
		return newFile(t, dir), newFile(t, dir)
	})
}

func swapOne(t *testing.T, s authn.Store, version uint64) error {
	_, err := s.Swap(t.Context(), "k", version-1, authn.Record{Version: version, Access: "a", Life: time.Hour})
	return err
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	f := newFile(t, dir)
	require.NoError(t, swapOne(t, f, 1))
	_, err := f.Lease(t.Context(), "k", time.Minute)
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3, "token, lock and lease, and no temporary file")
	for _, e := range files {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
}

func TestFileRefusesWhatOthersCouldReach(t *testing.T) {
	find := func(t *testing.T, dir, suffix string) string {
		found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found[0]
	}
	load := func(t *testing.T, f *authn.File) error {
		_, err := f.Load(t.Context(), "k")
		return err
	}
	t.Run("a directory that others may read", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o750))
		_, err := authn.NewFile(dir)
		require.ErrorContains(t, err, "open to others (mode 0750)")
	})
	t.Run("a directory that is a symbolic link", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o700))
		link := filepath.Join(t.TempDir(), "link")
		require.NoError(t, os.Symlink(dir, link))
		_, err := authn.NewFile(link)
		require.ErrorContains(t, err, "not a directory")
	})
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		t.Run(fmt.Sprintf("a token file of mode %o", mode), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tokens")
			f := newFile(t, dir)
			require.NoError(t, swapOne(t, f, 1))
			require.NoError(t, os.Chmod(find(t, dir, ".json"), mode))
			require.ErrorContains(t, load(t, f), "open to others")
			require.ErrorContains(t, swapOne(t, f, 2), "open to others")
		})
	}
	for _, suffix := range []string{".json", ".lock"} {
		t.Run("a symbolic link in place of "+suffix, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tokens")
			f := newFile(t, dir)
			require.NoError(t, swapOne(t, f, 1))
			path := find(t, dir, suffix)
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			require.NoError(t, os.Rename(path, elsewhere))
			require.NoError(t, os.Symlink(elsewhere, path))
			before, err := os.ReadFile(elsewhere)
			require.NoError(t, err)
			require.Error(t, swapOne(t, f, 2))
			after, err := os.ReadFile(elsewhere)
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
	t.Run("a directory in place of the token file", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "tokens")
		f := newFile(t, dir)
		require.NoError(t, swapOne(t, f, 1))
		path := find(t, dir, ".json")
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
		require.ErrorContains(t, load(t, f), "not a regular file")
	})
	t.Run("a damaged token file", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "tokens")
		f := newFile(t, dir)
		require.NoError(t, swapOne(t, f, 1))
		for _, content := range []string{"", "{", `{"key":"other","record":{"version":1}}`, `{"key":"k"}`} {
			require.NoError(t, os.WriteFile(find(t, dir, ".json"), []byte(content), 0o600))
			require.ErrorContains(t, load(t, f), "damaged", content)
		}
	})
}

func TestFileLeaseIsFreeAfterTheClockWasSetBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	f := newFile(t, dir)
	_, err := f.Lease(t.Context(), "k", time.Minute)
	require.NoError(t, err)
	_, err = f.Lease(t.Context(), "k", time.Minute)
	require.ErrorIs(t, err, authn.ErrHeld)
	path, err := filepath.Glob(filepath.Join(dir, "*.lease"))
	require.NoError(t, err)
	tomorrow := time.Now().Add(24 * time.Hour).Format(time.RFC3339Nano)
	require.NoError(t, os.WriteFile(path[0], []byte(`{"id":"x","at":"`+tomorrow+`","ttl_ns":60000000000}`), 0o600))
	_, err = f.Lease(t.Context(), "k", time.Minute)
	require.NoError(t, err)
}

func TestFileSweepsWhatAKilledProcessLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	newFile(t, dir)
	old, young := filepath.Join(dir, ".tmp-old"), filepath.Join(dir, ".tmp-young")
	for _, path := range []string{old, young} {
		require.NoError(t, os.WriteFile(path, []byte("half a token"), 0o600))
	}
	past := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(old, past, past))
	newFile(t, dir)
	require.NoFileExists(t, old)
	require.FileExists(t, young, "somebody may be writing it now")
}

func TestSealer(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	s, err := authn.NewSealer(key)
	require.NoError(t, err)
	rec := authn.Record{Version: 3, Access: "canary-a", Refresh: "canary-r", Life: time.Hour, Taken: true}
	sealed := s.Seal("acme", rec)
	require.NotContains(t, string(sealed), "canary")
	require.NotEqual(t, sealed, s.Seal("acme", rec), "the nonce is not random")
	got, err := s.Open("acme", 3, sealed)
	require.NoError(t, err)
	require.True(t, got == rec)
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err := s.Open("acme", 3, bad)
		require.Error(t, err, "byte %d was changed and nobody noticed", i)
	}
	_, err = s.Open("acme", 2, sealed)
	require.Error(t, err)
	_, err = s.Open("acme2", 3, sealed)
	require.Error(t, err)
	_, err = authn.NewSealer()
	require.Error(t, err)
	_, err = authn.NewSealer([]byte(strings.Repeat("x", 16)))
	require.ErrorContains(t, err, "16 bytes")
}
