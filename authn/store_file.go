package authn

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is a [Store] of files in a directory that only their owner can read. Tokens
// are in them in clear. Processes on one machine may share it; a network file
// system may not keep its promises about locks.
//
// It refuses symbolic links, and files or directories that others may read. It
// works on Unix.
type File struct{ dir string }

// NewFile keeps tokens in dir, which it makes if it is missing.
func NewFile(dir string) (*File, error) {
	if !fileLocks {
		return nil, errors.New("authn: file store needs a Unix system")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authn: file store: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("authn: file store: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("authn: file store: %s is not a directory", dir)
	}
	if err := private(info, dir); err != nil {
		return nil, err
	}
	sweep(dir)
	return &File{dir}, nil
}

// sweep removes what a process that was killed while writing left behind.
func sweep(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	for _, path := range old {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(path)
		}
	}
}

// fileContent is what one file holds.
type fileContent struct {
	Key     string     `json:"key"`
	Record  recordWire `json:"record"`
	Written time.Time  `json:"written"`
}

// fileLease is beside it: who may renew, since when, and for how long. A start in
// the future means that the clock was set back, and nobody's lease.
type fileLease struct {
	ID  string        `json:"id"`
	At  time.Time     `json:"at"`
	TTL time.Duration `json:"ttl_ns"`
}

func (l fileLease) held() bool {
	age := time.Since(l.At)
	return l.ID != "" && age >= 0 && age < l.TTL
}

// Load implements [Store].
func (f *File) Load(_ context.Context, key string) (Record, error) {
	return f.read(key) // no lock: the file is replaced in one step
}

func (f *File) read(key string) (Record, error) {
	b, err := readPrivate(f.path(key, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, err
	}
	var c fileContent
	if json.Unmarshal(b, &c) != nil || c.Key != key || c.Record.Version == 0 {
		return Record{}, errors.New("authn: file store: " + f.path(key, ".json") + " is damaged")
	}
	rec := c.Record.record()
	rec.Age += max(time.Since(c.Written), 0) // the clock may have been set back
	return rec, nil
}

// Swap implements [Store].
func (f *File) Swap(ctx context.Context, key string, old uint64, next Record) (swapped bool, err error) {
	err = f.locked(ctx, key, func() error {
		rec, err := f.read(key)
		if err != nil || rec.Version != old {
			return err
		}
		b, err := json.Marshal(fileContent{key, next.wire(), time.Now()})
		if err == nil {
			err = f.write(f.path(key, ".json"), b)
		}
		swapped = err == nil
		return err
	})
	return swapped, err
}

// Lease implements [Store].
func (f *File) Lease(ctx context.Context, key string, ttl time.Duration) (Lease, error) {
	id := rand.Text()
	err := f.locked(ctx, key, func() error {
		old, err := f.readLease(key)
		if err != nil {
			return err
		}
		if old.held() {
			return ErrHeld
		}
		b, err := json.Marshal(fileLease{id, time.Now(), ttl})
		if err != nil {
			return err
		}
		return f.write(f.path(key, ".lease"), b)
	})
	if err != nil {
		return nil, err
	}
	return &heldFile{f, key, id}, nil
}

type heldFile struct {
	f       *File
	key, id string
}

func (h *heldFile) Release(ctx context.Context) error {
	return h.f.locked(ctx, h.key, func() error {
		held, err := h.f.readLease(h.key)
		if err != nil || held.ID != h.id {
			return err
		}
		return os.Remove(h.f.path(h.key, ".lease"))
	})
}

func (f *File) readLease(key string) (held fileLease, err error) {
	b, err := readPrivate(f.path(key, ".lease"))
	if errors.Is(err, fs.ErrNotExist) {
		return fileLease{}, nil
	}
	if err == nil && json.Unmarshal(b, &held) != nil {
		held = fileLease{} // half a lease is nobody's
	}
	return held, err
}

// path names a key's file by its hash: a key may hold any byte.
func (f *File) path(key, suffix string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(f.dir, hex.EncodeToString(sum[:16])+suffix)
}

// locked runs do while no other process does.
func (f *File) locked(ctx context.Context, key string, do func() error) error {
	lock, err := openPrivate(f.path(key, ".lock"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	defer lock.Close() // frees the lock; the file stays, or two could hold two of them
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		ok, err := tryLock(lock)
		switch {
		case err != nil:
			return fmt.Errorf("authn: file store: lock: %w", err)
		case ok:
			return do()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("authn: file store: lock: %w", context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// write replaces a file in one step that survives a crash: whoever reads sees the
// old content or the new one.
func (f *File) write(path string, b []byte) (err error) {
	tmp, err := os.CreateTemp(f.dir, ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("authn: file store: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("authn: file store: %w", err)
		}
	}()
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync() // before the rename, or the name may outlive the bytes
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func readPrivate(path string) ([]byte, error) {
	file, err := openPrivate(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, 4*tokenBodyCap))
	if err != nil {
		return nil, fmt.Errorf("authn: file store: %w", err)
	}
	return b, nil
}

// openPrivate opens a regular file that is its owner's alone.
func openPrivate(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("authn: file store: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("authn: file store: %s is not a regular file", path)
	}
	if err == nil {
		err = private(info, path)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func private(info fs.FileInfo, path string) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("authn: file store: %s is open to others (mode %04o)", path, mode)
	}
	return nil
}
