package authn

import (
	"context"
	"log/slog"
	"time"
)

// EventKind says what happened to a token.
type EventKind string

// What happens to tokens.
const (
	EventLogin      EventKind = "login"      // a token came from credentials
	EventRefresh    EventKind = "refresh"    // a token came from a refresh token
	EventRotation   EventKind = "rotation"   // …and the refresh token was replaced
	EventAdopted    EventKind = "adopted"    // another process had stored a newer token
	EventInvalidate EventKind = "invalidate" // a call was refused with the current token
	EventAlone      EventKind = "alone"      // the store is down: logged in without it
	EventUnsaved    EventKind = "unsaved"    // a new token could not be stored
	EventFailure    EventKind = "failure"    // no new token; Err says why
)

// Event tells an observer what happened. It holds no secret.
type Event struct {
	Provider string
	Kind     EventKind
	Version  uint64        // of the stored token
	Life     time.Duration // what is left of the new token
	Took     time.Duration // how long the exchange took
	RetryIn  time.Duration // after a failure: nothing is tried before
	Err      error         // after a failure
}

// LogValue makes an Event a group of slog attributes.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("provider", e.Provider), slog.String("event", string(e.Kind))}
	if e.Version != 0 {
		attrs = append(attrs, slog.Uint64("version", e.Version))
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"life", e.Life}, {"took", e.Took}, {"retry_in", e.RetryIn}} {
		if d.d != 0 {
			attrs = append(attrs, slog.Duration(d.name, d.d))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

func (s *Session) emit(ctx context.Context, e Event) {
	e.Provider = s.flow.Provider
	if s.log != nil {
		level := slog.LevelDebug
		if e.Err != nil {
			level = slog.LevelWarn
		}
		s.log.LogAttrs(ctx, level, "authn", slog.Any("token", e))
	}
	if s.observe != nil {
		s.observe(ctx, e)
	}
}
