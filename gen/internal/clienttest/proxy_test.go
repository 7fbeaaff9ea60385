package clienttest_test

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// fault is what the proxy does to one exchange.
type fault struct {
	kind     string // reset, stall or half-close
	response bool   // in the answer; else in the request
	offset   int64  // after how many bytes of it
}

// proxy stands between one client and the server, and breaks one exchange when
// it is told to. Connections are kept alive through it.
type proxy struct {
	net.Listener
	target string
	work   sync.WaitGroup

	mu      sync.Mutex
	armed   *fault
	sent    [2]int64 // bytes of request and answer since arm
	open    map[net.Conn]struct{}
	closing bool
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{Listener: l, target: target, open: map[net.Conn]struct{}{}}
	p.work.Go(p.accept)
	return p, nil
}

// arm begins to count, and breaks the exchange at f; nil only counts.
func (p *proxy) arm(f *fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.sent = f, [2]int64{}
}

func (p *proxy) counted() (request, response int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[0], p.sent[1]
}

// stop ends everything and waits for it.
func (p *proxy) stop() {
	p.mu.Lock()
	p.closing = true
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.Close()
	p.work.Wait()
}

// drop cuts the connections that a fault left hanging, so that the server sees
// the end of them before its count is read.
func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *proxy) forget(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *proxy) accept() {
	for {
		c, err := p.Accept()
		if err != nil {
			return
		}
		if !p.track(c) {
			return
		}
		p.work.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *proxy) serve(client *net.TCPConn) {
	defer p.forget(client)
	var d net.Dialer
	s, err := d.DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer p.forget(s)
	if !p.track(s) {
		return
	}
	server := s.(*net.TCPConn)
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, false) })
	both.Go(func() { p.copy(client, server, true) })
	both.Wait()
}

// copy moves bytes from src to dst until the end or the fault.
func (p *proxy) copy(dst, src *net.TCPConn, response bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		pass, f := p.admit(int64(n), response)
		if pass > 0 {
			if _, werr := dst.Write(buf[:pass]); werr != nil {
				err = werr
			}
		}
		if f != nil {
			switch f.kind {
			case "reset":
				_ = dst.SetLinger(0)
				_ = src.SetLinger(0)
				dst.Close()
				src.Close()
			case "half-close":
				_ = dst.CloseWrite()
				_, _ = io.Copy(io.Discard, src)
			case "stall":
				_, _ = io.Copy(io.Discard, src) // swallowed; dst waits
				dst.Close()
			}
			return
		}
		if err != nil {
			_ = dst.CloseWrite()
			return
		}
	}
}

// admit says how many of n bytes may pass, and which fault comes after them.
func (p *proxy) admit(n int64, response bool) (int64, *fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	side := 0
	if response {
		side = 1
	}
	f := p.armed
	if f == nil || f.response != response || p.sent[side]+n < f.offset || n == 0 {
		p.sent[side] += n
		return n, nil
	}
	// At offset 0 the first byte that would pass sets it off.
	pass := f.offset - p.sent[side]
	p.sent[side] += pass
	p.armed = nil
	return pass, f
}

// patience is how long a stalled call may wait.
const patience = 200 * time.Millisecond
