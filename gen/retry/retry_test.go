package retry_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/gen/retry"
)

type script struct {
	answers []answer // the last one repeats
	bodies  []string
	closed  int
	at      []time.Duration
	start   time.Time
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.start.IsZero() {
		s.start = time.Now()
	}
	s.at = append(s.at, time.Since(s.start))
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		body = string(b)
	}
	s.bodies = append(s.bodies, body)
	a := s.answers[min(len(s.bodies), len(s.answers))-1]
	if a.err != nil {
		return nil, a.err
	}
	h := a.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: &closer{strings.NewReader(a.body), s}, Request: req}, nil
}

type closer struct {
	io.Reader
	s *script
}

func (c *closer) Close() error { c.s.closed++; return nil }

func request(t *testing.T, ctx context.Context, effect operation.Effect, body string) *http.Request {
	t.Helper()
	if effect != "" {
		ctx = operation.With(ctx, &operation.Operation{Provider: "p", ID: "o", Effect: effect})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example.com/", strings.NewReader(body))
	require.NoError(t, err)
	return req
}

func TestWhatIsRepeated(t *testing.T) {
	lost, unsent := errors.New("reset"), fmt.Errorf("refused: %w", authn.ErrNotSent)
	cert := &tls.CertificateVerificationError{Err: errors.New("expired")}
	timeout := fmt.Errorf("awaiting headers: %w", context.DeadlineExceeded) // of the attempt, not of the caller
	for _, tc := range []struct {
		name   string
		effect operation.Effect
		answer answer
		want   int
	}{
		{"read lost", operation.Read, answer{err: lost}, 3},
		{"read unsent", operation.Read, answer{err: unsent}, 3},
		{"read, attempt timed out", operation.Read, answer{err: timeout}, 3},
		{"read, bad certificate", operation.Read, answer{err: cert}, 1},
		{"read, other origin", operation.Read, answer{err: authn.ErrOrigin}, 1},
		{"auth lost: its token may be spent", operation.Auth, answer{err: lost}, 1},
		{"auth unsent", operation.Auth, answer{err: unsent}, 3},
		{"auth 503", operation.Auth, answer{status: 503}, 3},
		{"write lost", operation.Write, answer{err: lost}, 1},
		{"write unsent", operation.Write, answer{err: unsent}, 1},
		{"write 429", operation.Write, answer{status: 429}, 1},
		{"write 503", operation.Write, answer{status: 503}, 1},
		{"unknown operation 503", "", answer{status: 503}, 1},
		{"unknown effect 503", "other", answer{status: 503}, 1},
		{"read 429", operation.Read, answer{status: 429}, 3},
		{"read 500", operation.Read, answer{status: 500}, 3},
		{"read 502", operation.Read, answer{status: 502}, 3},
		{"read 503", operation.Read, answer{status: 503}, 3},
		{"read 504", operation.Read, answer{status: 504}, 3},
		{"read 200", operation.Read, answer{status: 200}, 1},
		{"read 400", operation.Read, answer{status: 400}, 1},
		{"read 401", operation.Read, answer{status: 401}, 1},
		{"read 404", operation.Read, answer{status: 404}, 1},
		{"read 501", operation.Read, answer{status: 501}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tc.answer}}
				tr := &retry.Transport{Base: s, Policy: retry.Default(), Budget: retry.NewBudget()}
				res, err := tr.RoundTrip(request(t, t.Context(), tc.effect, "body"))
				require.Len(t, s.bodies, tc.want)
				for _, b := range s.bodies {
					require.Equal(t, "body", b, "each attempt sends the whole body")
				}
				require.ErrorIs(t, err, tc.answer.err)
				if err == nil {
					require.Equal(t, tc.answer.status, res.StatusCode)
					require.Equal(t, tc.want-1, s.closed, "answers nobody sees are closed")
				}
			})
		})
	}
}

func TestZeroPolicyAndUnrewindableBodyAreSentOnce(t *testing.T) {
	s := &script{answers: []answer{{status: 503}}}
	_, err := (&retry.Transport{Base: s}).RoundTrip(request(t, t.Context(), operation.Read, ""))
	require.NoError(t, err)
	require.Len(t, s.bodies, 1)

	req := request(t, t.Context(), operation.Read, "body")
	req.GetBody = nil
	_, err = (&retry.Transport{Base: s, Policy: retry.Default()}).RoundTrip(req)
	require.NoError(t, err)
	require.Len(t, s.bodies, 2)
}

func TestBackoffIsJitteredAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second []time.Duration
		for range 300 {
			s := &script{answers: []answer{{status: 503}}}
			tr := &retry.Transport{Base: s, Policy: retry.Policy{Attempts: 8, Base: 500 * time.Millisecond, Cap: 7 * time.Second}}
			_, err := tr.RoundTrip(request(t, t.Context(), operation.Read, ""))
			require.NoError(t, err)
			require.Len(t, s.at, 8)
			for i := 1; i < len(s.at); i++ {
				wait := s.at[i] - s.at[i-1]
				require.Positive(t, wait)
				require.LessOrEqual(t, wait, min(500*time.Millisecond<<(i-1), 7*time.Second))
			}
			first, second = append(first, s.at[1]), append(second, s.at[7]-s.at[6])
		}
		require.Less(t, slowest(first, -1), 50*time.Millisecond, "full jitter begins at zero")
		require.Greater(t, slowest(first, 1), 450*time.Millisecond)
		require.Greater(t, slowest(second, 1), 6*time.Second, "the cap is reached")
	})
}

// slowest is the largest of ds, or for a negative sign the smallest.
func slowest(ds []time.Duration, sign time.Duration) time.Duration {
	best := ds[0]
	for _, d := range ds {
		if sign*d > sign*best {
			best = d
		}
	}
	return best
}

func TestTheProvidersHintIsKept(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer answer
		wait   time.Duration // 0: returned at once
	}{
		{"seconds", answer{status: 429, header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second},
		{"seconds of a 503", answer{status: 503, header: http.Header{"Retry-After": {"9"}}}, 9 * time.Second},
		{"date", answer{status: 503, header: http.Header{"Retry-After": {"Thu, 01 Jan 2026 00:00:11 GMT"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}}}, 11 * time.Second},
		{"body", answer{status: 429, body: `{"error":{"code":"RATE_LIMITED"},"retry_after": 12}`}, 12 * time.Second},
		{"header before body", answer{status: 429, header: http.Header{"Retry-After": {"5"}}, body: `{"retry_after":12}`}, 5 * time.Second},
		{"thirty", answer{status: 429, header: http.Header{"Retry-After": {"30"}}}, 30 * time.Second},
		{"too long", answer{status: 429, header: http.Header{"Retry-After": {"31"}}}, 0},
		{"too long in the body", answer{status: 429, body: `{"retry_after":60}`}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tc.answer, {status: 200}}}
				res, err := (&retry.Transport{Base: s, Policy: retry.Default(), Budget: retry.NewBudget()}).RoundTrip(request(t, t.Context(), operation.Read, ""))
				require.NoError(t, err)
				if tc.wait == 0 {
					require.Equal(t, 429, res.StatusCode)
					b, err := io.ReadAll(res.Body)
					require.NoError(t, err)
					require.Equal(t, tc.answer.body, string(b), "the body is whole although it was looked at")
					require.Zero(t, time.Since(s.start))
					return
				}
				require.Equal(t, 200, res.StatusCode)
				require.Equal(t, tc.wait, s.at[1])
			})
		})
	}
}

func TestNoTimeLeftReturnsTheAnswerAtHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := &script{answers: []answer{{status: 503, header: http.Header{"Retry-After": {"20"}}}}}
		res, err := (&retry.Transport{Base: s, Policy: retry.Default()}).RoundTrip(request(t, ctx, operation.Read, ""))
		require.NoError(t, err)
		require.Equal(t, 503, res.StatusCode)
		require.Zero(t, time.Since(s.start))
	})
}

func TestTheContextEndsTheWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		s := &script{answers: []answer{{status: 503, header: http.Header{"Retry-After": {"20"}}}}}
		_, err := (&retry.Transport{Base: s, Policy: retry.Default()}).RoundTrip(request(t, ctx, operation.Read, ""))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2*time.Second, time.Since(s.start))
		require.Len(t, s.bodies, 1)
		require.Equal(t, 1, s.closed)
	})
}

func TestTheBudgetDrainsAndRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := retry.NewBudget()
		sent := func(status, calls int) int {
			s := &script{answers: []answer{{status: status}}}
			tr := &retry.Transport{Base: s, Policy: retry.Default(), Budget: budget}
			for range calls {
				_, err := tr.RoundTrip(request(t, t.Context(), operation.Read, ""))
				require.NoError(t, err)
			}
			return len(s.bodies)
		}
		require.Equal(t, 100+10, sent(503, 100), "an outage costs ten retries, not two hundred")
		require.Equal(t, 20, sent(200, 20), "twenty successes give two back")
		require.Equal(t, 10+2, sent(503, 10))
		sent(200, 1000)
		require.Equal(t, 100+10, sent(503, 100), "never more than ten")
	})
}
