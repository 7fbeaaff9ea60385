package stack

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

// observer waits for the limiter, and tells hooks and logger of each attempt.
type observer struct {
	base http.RoundTripper
	conf *Config
}

func (o *observer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if o.conf.Limiter != nil {
		if err := o.conf.Limiter.Wait(ctx); err != nil {
			return nil, err
		}
	}
	if len(o.conf.Hooks) == 0 && o.conf.Logger == nil {
		return o.base.RoundTrip(req)
	}
	a := operation.Attempt{Number: operation.NextAttempt(ctx)}
	a.Operation, _ = operation.From(ctx)
	start := time.Now()
	res, err := o.base.RoundTrip(req)
	a.Duration = time.Since(start)
	if res != nil {
		a.Status = res.StatusCode
	}
	var u *url.Error
	if a.Err = err; errors.As(err, &u) {
		a.Err = u.Err // its text without the URL, whose query may hold secrets
	}
	for _, f := range o.conf.Hooks {
		f(ctx, a)
	}
	if o.conf.Logger != nil {
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
