package sandbox

import (
	"context"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"strconv"
	"testing"
)

// Server is a sandbox behind an HTTP server of its own whose connections never
// leave the process. It works inside testing/synctest.
type Server struct {
	*Sandbox
	net    *network
	addr   string
	client *http.Client
	close  []func()
}

// Start serves a sandbox until the test ends.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	srv := Serve(opts...)
	t.Cleanup(srv.Close)
	return srv
}

// Serve is [Start] without a test. Close it.
func Serve(opts ...Option) *Server {
	srv := &Server{net: newNetwork()}
	srv.client = &http.Client{Transport: srv.transport(false)}
	hooks := &http.Client{Transport: srv.transport(true)}
	srv.Sandbox = New(append([]Option{WithWebhookClient(hooks), WithHistory(10_000)}, opts...)...)
	srv.addr = srv.serve(srv.Sandbox)
	srv.close = append(srv.close, srv.Sandbox.Close, srv.client.CloseIdleConnections, hooks.CloseIdleConnections)
	return srv
}

// serve opens an address for a handler.
func (srv *Server) serve(h http.Handler) string {
	l := srv.net.listen()
	s := &http.Server{Handler: h, ErrorLog: stdlog.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends when closed
	}()
	srv.close = append(srv.close, func() {
		_ = s.Close()
		<-done
	})
	return l.addr.String()
}

// transport dials the network in memory, and nothing else unless it may.
func (srv *Server) transport(outside bool) *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, proto, address string) (net.Conn, error) {
			c, here, err := srv.net.dial(address)
			if here {
				return c, err
			}
			if outside {
				return (&net.Dialer{}).DialContext(ctx, proto, address)
			}
			return nil, fmt.Errorf("sandbox: %s is not here; the client of a sandbox reaches nothing else", address)
		},
	}
}

// Client returns an HTTP client that reaches this server and nothing else. The
// caller may change it.
func (srv *Server) Client() *http.Client {
	c := *srv.client
	return &c
}

// Base is the server's address as a URL, for the controls.
func (srv *Server) Base() string { return "http://" + srv.addr }

// URL is the base URL of one provider, for its client's WithBaseURL.
func (srv *Server) URL(provider string) string { return srv.Base() + "/" + provider }

// Env lists base URLs and credentials as environment lines. The URLs are of
// use in this process only.
func (srv *Server) Env() []string { return srv.Sandbox.Env(srv.Base()) }

// Receive serves a webhook receiver on the same network in memory and returns
// the URL to give to a provider.
func (srv *Server) Receive(h http.Handler) string { return "http://" + srv.serve(h) }

// Close stops serving and drops all connections.
func (srv *Server) Close() {
	for _, f := range srv.close {
		f()
	}
	srv.close = nil
}

func itoa(n int) string { return strconv.Itoa(n) }
