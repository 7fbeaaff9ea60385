package stack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

func post(t *testing.T, ctx context.Context, url string, effect operation.Effect) *http.Request {
	t.Helper()
	ctx = operation.With(ctx, &operation.Operation{Provider: "p", ID: "o", Effect: effect})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("body"))
	require.NoError(t, err)
	return req
}

func TestWhatWasNotSentIsKnown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + l.Addr().String()
	l.Close()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	tlsServer := httptest.NewTLSServer(nil)
	defer tlsServer.Close()
	stranger := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("who knows") })
	hang := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	short, cancelShort := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelShort()
	for _, tc := range []struct {
		name string
		base http.RoundTripper
		ctx  context.Context
		url  string
		sent bool
	}{
		{"connection refused", &http.Transport{}, context.Background(), closed, false},
		{"context over before it began", &http.Transport{}, over, closed, false},
		{"dial hangs", hang, short, closed, false},
		{"unknown authority", &http.Transport{}, context.Background(), tlsServer.URL, false},
		{"no such scheme", &http.Transport{}, context.Background(), "gopher://h", false},
		{"a stranger fails", stranger, context.Background(), closed, true},
		{"a stranger around a transport", roundTripper((&http.Transport{}).RoundTrip), context.Background(), closed, false},
	} {
		for _, effect := range []operation.Effect{operation.Write, operation.Auth, ""} {
			_, err := newBottom(tc.base).RoundTrip(post(t, tc.ctx, tc.url, effect))
			require.Error(t, err, tc.name)
			require.Equal(t, tc.sent, !errors.Is(err, authn.ErrNotSent), "%s: %v", tc.name, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestHTTP2: connections of HTTP/2 are reused by other means.
func TestWhatWasSentOverHTTP2IsKnown(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler) // RST_STREAM after the request arrived
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	tr := srv.Client().Transport.(*http.Transport)
	b := newBottom(tr)
	require.True(t, b.traces)
	res, err := b.RoundTrip(post(t, context.Background(), srv.URL, operation.Write))
	require.NoError(t, err)
	require.Equal(t, 2, res.ProtoMajor)
	res.Body.Close()
	_, err = b.RoundTrip(post(t, context.Background(), srv.URL, operation.Write))
	require.Error(t, err)
	require.NotErrorIs(t, err, authn.ErrNotSent)
	require.EqualValues(t, 2, calls.Load())

	tr = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{}}
	_, err = newBottom(tr).RoundTrip(post(t, context.Background(), srv.URL, operation.Write))
	require.ErrorIs(t, err, authn.ErrNotSent, "a certificate that nobody knows")
}

// TestAStaleConnectionIsNoUnknownOutcome: the server closed the idle connection,
// and is gone; net/http tries another one, to which nothing can be sent.
func TestAStaleConnectionIsNoUnknownOutcome(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	tr := &http.Transport{}
	b := newBottom(tr)
	res, err := b.RoundTrip(post(t, context.Background(), srv.URL, operation.Write))
	require.NoError(t, err)
	res.Body.Close()
	srv.Close()
	_, err = b.RoundTrip(post(t, context.Background(), srv.URL, operation.Write))
	require.Error(t, err)
	// Either way net/http noticed: no byte of a write may have gone out.
	if !errors.Is(err, authn.ErrNotSent) {
		require.NotContains(t, err.Error(), "refused")
	}
}

func TestLimitersLearnOfEveryTurnTheyGave(t *testing.T) {
	var order []string
	first := &limiter{name: "first", order: &order}
	second := &limiter{name: "second", order: &order, err: context.DeadlineExceeded}
	o := &observer{base: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("lost") }), conf: &Config{Limiters: []operation.Limiter{first, second}}}
	_, err := o.RoundTrip(post(t, context.Background(), "https://h", operation.Write))
	require.ErrorIs(t, err, authn.ErrNotSent)
	require.Equal(t, []string{"first waits", "second waits", "first learns"}, order)
	second.err, order = nil, nil
	_, err = o.RoundTrip(post(t, context.Background(), "https://h", operation.Write))
	require.NotErrorIs(t, err, authn.ErrNotSent)
	require.Equal(t, []string{"first waits", "second waits", "first learns", "second learns"}, order)
}

type limiter struct {
	name  string
	order *[]string
	err   error
}

func (l *limiter) Wait(context.Context) error {
	*l.order = append(*l.order, l.name+" waits")
	return l.err
}
func (l *limiter) Learn(context.Context, http.Header) { *l.order = append(*l.order, l.name+" learns") }
