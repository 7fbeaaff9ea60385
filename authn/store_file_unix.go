//go:build unix && !solaris && !aix

package authn

import (
	"errors"
	"os"
	"syscall"
)

const (
	fileLocks = true
	noFollow  = syscall.O_NOFOLLOW
)

// tryLock takes the lock that the kernel frees when the process dies.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
