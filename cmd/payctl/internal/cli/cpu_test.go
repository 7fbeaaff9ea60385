//go:build unix

package cli_test

import (
	"syscall"
	"time"
)

// cpu is the processor time this process has used: unlike the clock on the
// wall it does not count what other processes do to a busy machine.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
