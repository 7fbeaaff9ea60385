package cryptocloud

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/pace"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// WithdrawalInterval is the documented time between two withdrawals.
const WithdrawalInterval = 12 * time.Second

// WithWithdrawalPacing sends withdrawals one at a time, each at least
// [WithdrawalInterval] after the answer to the one before; all else passes. The
// waiting counts against [WithTimeout] and the context: a call whose turn comes
// too late fails at once, unsent, as [ErrRateLimited] with RetryAfter.
//
// Clients that get the same option value share the pace. Other processes do not.
func WithWithdrawalPacing() ClientOption {
	return WithLimiter(&withdrawalPace{turn: make(chan struct{}, 1)})
}

type withdrawalPace struct {
	turn     chan struct{} // holds one value while a withdrawal is under way
	answered time.Time     // guarded by turn
}

func (p *withdrawalPace) Wait(ctx context.Context) error {
	if !withdrawal(ctx) {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.answered.IsZero() {
		return nil
	}
	err := pace.Sleep(ctx, WithdrawalInterval-time.Since(p.answered))
	if err != nil {
		<-p.turn
	}
	return err
}

// Learn implements operation.Learner.
func (p *withdrawalPace) Learn(ctx context.Context, _ http.Header) {
	if withdrawal(ctx) {
		p.answered = time.Now()
		<-p.turn
	}
}

func withdrawal(ctx context.Context) bool {
	op, _ := operation.From(ctx)
	return op.ID == opCreateWithdrawal.ID
}
