package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// ListenAndServe serves a sandbox on a TCP address until the context ends, and
// tells ready its base URL ("http://127.0.0.1:8710") once it listens. It
// refuses addresses that are not loopback: the credentials are public and the
// controls have no password.
func ListenAndServe(ctx context.Context, address string, s *Sandbox, ready func(baseURL string)) error {
	// Looked up before it is listened on: not even for a moment elsewhere.
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if !a.IP.IsLoopback() {
		return fmt.Errorf("sandbox: %s is not a loopback address", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.String())
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	defer s.Close()
	if ready != nil {
		ready("http://" + l.Addr().String())
	}
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}
