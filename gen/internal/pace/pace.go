// Package pace is what the limiters of the providers share: waiting that gives
// up at once when it cannot end in time.
package pace

import (
	"context"
	"fmt"
	"time"
)

// TooLong says that the caller's deadline comes before the turn of the call. A
// client turns it into an error that is ErrRateLimited, with RetryAfter.
type TooLong struct{ Wait time.Duration }

func (e *TooLong) Error() string {
	return fmt.Sprintf("its turn comes in %s, after the deadline of the call", e.Wait.Round(time.Millisecond))
}

// RetryAfter is how long to wait before calling again.
func (e *TooLong) RetryAfter() time.Duration { return e.Wait }

// Is makes it a context.DeadlineExceeded, as waiting till the end would be.
func (e *TooLong) Is(target error) bool { return target == context.DeadlineExceeded }

// Sleep waits for d or for the end of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	if at, ok := ctx.Deadline(); ok && time.Until(at) <= d {
		return &TooLong{d}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
