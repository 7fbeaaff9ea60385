package operation

import (
	"context"
	"net/http"
	"time"
)

// Attempt is one request that was sent, and how it went. A call that was
// repeated makes several.
type Attempt struct {
	Operation Operation
	Number    int           // 1 for the first
	Status    int           // 0 if no answer came
	Duration  time.Duration // until the answer's header, or the failure
	Err       error         // why no answer came; holds no credential
}

// Limiter delays attempts. *rate.Limiter of golang.org/x/time/rate is one.
//
// One that treats operations differently finds the operation with [From] in
// the context.
type Limiter interface {
	// Wait returns when the next attempt may start, or the context's error.
	// After an error the attempt is not made: nothing was sent.
	Wait(ctx context.Context) error
}

// Learner is a [Limiter] that wants to see the header of each answer, such as
// one that keeps to X-RateLimit-Remaining.
type Learner interface {
	Limiter
	// Learn is called for every attempt that Wait let pass: with nil if no
	// answer came. It must not keep or change the header.
	Learn(ctx context.Context, header http.Header)
}
