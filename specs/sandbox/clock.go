package sandbox

import (
	"sync/atomic"
	"time"
)

// clock is the caller's clock moved by an offset.
type clock struct {
	base   func() time.Time
	offset atomic.Int64
}

func (c *clock) now() time.Time {
	return c.base().Add(time.Duration(c.offset.Load())).UTC()
}

// Now is the time at the providers.
func (s *Sandbox) Now() time.Time { return s.clock.now() }

// Advance moves the providers' clock, and only theirs: tokens and invoices
// grow older, webhooks that become due are sent. Inside testing/synctest use
// time.Sleep to move your own clock too; Advance alone is how a token dies
// earlier than its owner thinks. It may be negative.
func (s *Sandbox) Advance(d time.Duration) {
	s.clock.offset.Add(int64(d))
	s.wake()
}
