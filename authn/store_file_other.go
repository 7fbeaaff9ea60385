//go:build !unix || solaris || aix

package authn

import (
	"errors"
	"os"
)

const (
	fileLocks = false
	noFollow  = 0
)

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
