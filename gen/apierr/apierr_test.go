package apierr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

func sample() *apierr.Error {
	return &apierr.Error{
		Operation: operation.Operation{Provider: "shop", ID: "pay", Effect: operation.Write, Outcome: "look it up"},
		Status:    502, Kinds: []error{apierr.ErrServer, apierr.ErrOutcomeUnknown}, Code: "X1", Message: "two\nlines \x1b[31m",
		Fields: map[string][]string{"b": {"2"}, "a": {"1", "0"}}, RetryAfter: 90 * time.Second, RequestID: "r",
		Body: []byte("body"), Err: context.Canceled,
	}
}

func TestErrorIsOneLine(t *testing.T) {
	require.Equal(t, "shop: pay: 502 Bad Gateway: X1: two lines  [31m; a: 1, 0; b: 2: context canceled: outcome unknown, do not repeat: look it up", sample().Error())
}

func TestKindsAndCauseAreFound(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", sample())
	require.ErrorIs(t, err, apierr.ErrServer)
	require.ErrorIs(t, err, apierr.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, apierr.ErrConflict)
	e := sample()
	e.Add(apierr.ErrServer)
	e.Add(nil)
	require.Len(t, e.Kinds, 2)
}

func TestFactsForLoggers(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Error("x", "err", sample())
	for _, want := range []string{`"operation":"shop.pay"`, `"status":502`, `"code":"X1"`, `"kind":"server error, outcome unknown"`, `"retry_after":90000000000`, `"request_id":"r"`, `"cause":"context canceled"`} {
		require.Contains(t, b.String(), want)
	}
	require.NotContains(t, b.String(), "body")
	j, err := json.Marshal(sample())
	require.NoError(t, err)
	require.JSONEq(t, `{"operation":"shop.pay","status":502,"kinds":["server error","outcome unknown"],"code":"X1","message":"two\nlines \u001b[31m",
		"fields":{"a":["1","0"],"b":["2"]},"retry_after_seconds":90,"request_id":"r","cause":"context canceled"}`, string(j))
}

func TestKindOf(t *testing.T) {
	for status, want := range map[int]error{
		200: nil, 302: nil, 400: apierr.ErrValidation, 401: apierr.ErrUnauthorized, 403: apierr.ErrForbidden, 404: apierr.ErrNotFound,
		409: apierr.ErrConflict, 410: apierr.ErrNotFound, 418: nil, 422: apierr.ErrValidation, 429: apierr.ErrRateLimited, 500: apierr.ErrServer, 599: apierr.ErrServer,
	} {
		require.True(t, errors.Is(apierr.KindOf(status), want), "%d", status)
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // local time: midnight 2000-01-01 UTC
		for _, tc := range []struct {
			header http.Header
			body   string
			want   time.Duration
			ok     bool
		}{
			{http.Header{"Retry-After": {"120"}}, "", 2 * time.Minute, true},
			{http.Header{"Retry-After": {" 1.5 "}}, "", 1500 * time.Millisecond, true},
			{http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:00 GMT"}}, "", time.Minute, true},
			{http.Header{"Retry-After": {"Thu, 01 Jan 2026 00:01:00 GMT"}, "Date": {"Thu, 01 Jan 2026 00:00:30 GMT"}}, "", 30 * time.Second, true},
			{http.Header{"Retry-After": {"Thu, 01 Jan 1998 00:00:00 GMT"}}, "", 0, true},
			{http.Header{"Retry-After": {"-5"}}, "", 0, false},
			{http.Header{"Retry-After": {"NaN"}}, "", 0, false},
			{http.Header{"Retry-After": {"soon"}}, `{"retry_after":3}`, 3 * time.Second, true},
			{http.Header{"Retry-After": {"99999999999999999999"}}, "", 365 * 24 * time.Hour, true},
			{nil, `{"error":{"retry_after":9},"retry_after":60}`, time.Minute, true},
			{nil, `{"retry_after":"60"}`, time.Minute, true},
			{nil, `{"retry_after":null}`, 0, false},
			{nil, `{"retry_after":60`, 0, false},
			{nil, `<html>`, 0, false},
			{nil, ``, 0, false},
		} {
			got, ok := apierr.RetryAfter(tc.header, []byte(tc.body))
			require.Equal(t, tc.ok, ok, "%v %s", tc.header, tc.body)
			require.Equal(t, tc.want, got, "%v %s", tc.header, tc.body)
		}
	})
}
