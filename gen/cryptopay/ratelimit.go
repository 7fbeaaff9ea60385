package cryptopay

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/pace"
)

// WithRateLimit keeps to the X-RateLimit headers of the answers: when no call
// is left in the hour, calls wait for the next one. The waiting counts against
// [WithTimeout] and the context: a call whose turn comes too late fails at once,
// unsent, as [ErrRateLimited] with RetryAfter.
//
// Clients that get the same option value share the count. Token calls are not
// counted, and other processes show up with the next answer only.
func WithRateLimit() ClientOption { return WithLimiter(&hourly{}) }

// hourly is what the answers told about the hour.
type hourly struct {
	mu       sync.Mutex
	known    bool
	left     int       // calls that may still be sent before end
	end      time.Time // by the local clock
	underway int
}

func (h *hourly) Wait(ctx context.Context) error {
	for {
		h.mu.Lock()
		wait := time.Duration(0)
		if h.known && h.left <= 0 {
			if wait = time.Until(h.end); wait <= 0 {
				h.known = false // a new hour: its first answer tells more
			}
		}
		if wait <= 0 {
			h.left--
			h.underway++
			h.mu.Unlock()
			return nil
		}
		h.mu.Unlock()
		if err := pace.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Learn implements operation.Learner.
func (h *hourly) Learn(_ context.Context, header http.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.underway--
	left, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	if err != nil {
		return
	}
	reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return
	}
	// The time is the provider's: measure it from the provider's own Date.
	now := time.Now()
	sent, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		sent = now
	}
	life := min(time.Unix(reset, 0).Sub(sent), maxWindow)
	if life <= 0 {
		return // told about an hour that is over
	}
	// Calls that are under way may not be in the provider's count yet.
	h.known, h.left, h.end = true, left-h.underway, now.Add(life)
}

// maxWindow bounds what a wrong Reset can do: the documented window is an hour.
const maxWindow = time.Hour
