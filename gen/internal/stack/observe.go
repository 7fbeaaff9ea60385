package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// observer waits for the limiters, and tells them, hooks and logger of each
// attempt.
type observer struct {
	base http.RoundTripper
	conf *Config
}

func (o *observer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	for i, l := range o.conf.Limiters {
		if err := l.Wait(ctx); err != nil {
			learn(ctx, o.conf.Limiters[:i], nil)
			return nil, unsent(req, fmt.Errorf("limiter: %w", err))
		}
	}
	start := time.Now()
	res, err := o.base.RoundTrip(req)
	duration := time.Since(start)
	var header http.Header
	if res != nil {
		header = res.Header
	}
	learn(ctx, o.conf.Limiters, header)
	if len(o.conf.Hooks) == 0 && o.conf.Logger == nil {
		return res, err
	}
	a := operation.Attempt{Number: operation.NextAttempt(ctx), Duration: duration, Err: call.Plain(req, err)}
	a.Operation, _ = operation.From(ctx)
	if res != nil {
		a.Status = res.StatusCode
	}
	for _, f := range o.conf.Hooks {
		f(ctx, a)
	}
	if o.conf.Logger != nil && o.conf.Logger.Enabled(ctx, slog.LevelDebug) {
		attrs := []slog.Attr{
			slog.String("operation", a.Operation.String()),
			slog.Int("attempt", a.Number),
			slog.Int("status", a.Status),
			slog.Duration("duration", a.Duration),
		}
		if a.Err != nil {
			attrs = append(attrs, slog.String("error", a.Err.Error()))
		}
		o.conf.Logger.LogAttrs(ctx, slog.LevelDebug, "payment API attempt", attrs...)
	}
	return res, err
}

func learn(ctx context.Context, limiters []operation.Limiter, header http.Header) {
	for _, l := range limiters {
		if l, ok := l.(operation.Learner); ok {
			l.Learn(ctx, header)
		}
	}
}
