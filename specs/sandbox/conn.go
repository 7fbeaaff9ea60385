package sandbox

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// network is a loopback of our own: listeners by address, connections in
// memory. Everything blocks on condition variables only, so that time can pass
// in a testing/synctest bubble.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	next      int
}

func newNetwork() *network { return &network{listeners: map[string]*listener{}, next: 8710} }

// listen opens the next free address.
func (n *network) listen() *listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{network: n, addr: addr(net.JoinHostPort("127.0.0.1", itoa(n.next)))}
	l.cond.L = &l.mu
	n.next++
	n.listeners[string(l.addr)] = l
	return l
}

// dial connects to an address of this network; ok is false if it has none such.
func (n *network) dial(address string) (c net.Conn, ok bool, err error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, false, nil
	}
	c, err = l.connect()
	return c, true, err
}

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

// listener hands the far ends of its connections to Accept.
type listener struct {
	network *network
	addr    addr
	mu      sync.Mutex
	cond    sync.Cond
	waiting []net.Conn
	closed  bool
}

func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.cond.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

func (l *listener) connect() (net.Conn, error) {
	near, far := pipe(addr("127.0.0.1:49152"), l.addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: l.addr, Err: syscall.ECONNREFUSED}
	}
	l.waiting = append(l.waiting, far)
	l.cond.Signal()
	return near, nil
}

func (l *listener) Close() error {
	l.network.mu.Lock()
	delete(l.network.listeners, string(l.addr))
	l.network.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.waiting {
		_ = c.Close()
	}
	l.cond.Broadcast()
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

// pipe makes two connected ends, each with a buffer to write into.
func pipe(near, far net.Addr) (*conn, *conn) {
	a, b := newHalf(), newHalf()
	return &conn{in: a, out: b, local: near, remote: far}, &conn{in: b, out: a, local: far, remote: near}
}

type conn struct {
	in, out       *half
	local, remote net.Addr
}

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *conn) LocalAddr() net.Addr         { return c.local }
func (c *conn) RemoteAddr() net.Addr        { return c.remote }

func (c *conn) Close() error {
	c.in.fail(net.ErrClosed, io.ErrClosedPipe)
	c.out.fail(io.EOF, io.ErrClosedPipe)
	return nil
}

// reset ends a connection as a peer that died does: what was written may be
// read, then comes "connection reset by peer".
func (c *conn) reset() {
	gone := &net.OpError{Op: "read", Net: "tcp", Source: c.remote, Addr: c.local, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	c.out.fail(gone, gone)
	c.in.fail(net.ErrClosed, gone)
}

func (c *conn) SetDeadline(t time.Time) error {
	c.in.deadline(t, true)
	c.out.deadline(t, false)
	return nil
}
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.deadline(t, true); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.out.deadline(t, false); return nil }

// half is one direction of a connection: a bounded buffer.
type half struct {
	mu         sync.Mutex
	cond       sync.Cond
	buf        []byte
	rerr, werr error // what readers and writers get once the buffer has nothing for them
	rend, wend limit
}

const halfSize = 64 << 10

func newHalf() *half {
	h := &half{}
	h.cond.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case errors.Is(h.rerr, net.ErrClosed):
			return 0, h.rerr
		case h.rend.over():
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			if len(h.buf) == 0 {
				h.buf = nil
			}
			h.cond.Broadcast()
			return n, nil
		case h.rerr != nil:
			return 0, h.rerr
		case len(p) == 0:
			return 0, nil
		}
		h.cond.Wait()
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.werr != nil:
			return n, h.werr
		case h.wend.over():
			return n, os.ErrDeadlineExceeded
		}
		k := min(len(p), halfSize-len(h.buf))
		h.buf = append(h.buf, p[:k]...)
		p, n = p[k:], n+k
		if k > 0 {
			h.cond.Broadcast()
		}
		if len(p) == 0 {
			return n, nil
		}
		h.cond.Wait()
	}
}

// fail sets what readers and writers get from now on; the first word counts.
func (h *half) fail(rerr, werr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rerr == nil || errors.Is(rerr, net.ErrClosed) {
		h.rerr = rerr
	}
	if h.werr == nil {
		h.werr = werr
	}
	h.cond.Broadcast()
}

func (h *half) deadline(t time.Time, reads bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := &h.wend
	if reads {
		end = &h.rend
	}
	end.set(t, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.cond.Broadcast()
	})
	h.cond.Broadcast()
}

// limit is a deadline that wakes those who wait when it comes.
type limit struct {
	at    time.Time
	timer *time.Timer
}

func (l *limit) set(t time.Time, wake func()) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.at = t
	if d := time.Until(t); !t.IsZero() && d > 0 {
		l.timer = time.AfterFunc(d, wake)
	}
}

func (l *limit) over() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }
