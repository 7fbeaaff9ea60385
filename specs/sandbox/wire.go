package sandbox

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"
)

// wire is an answer on its way out, for faults of the transport.
type wire struct {
	w http.ResponseWriter
	r *http.Request
	a *answer
}

// send sends what a fault leaves of an answer.
func (f *Fault) send(w http.ResponseWriter, r *http.Request, a *answer, x *Exchange) {
	kind := faultKinds[f.Name]
	if kind.change != nil {
		kind.change(f, a)
	}
	x.Status, x.ResponseHeader, x.ResponseBody = a.status, a.header, a.body
	if kind.wire == nil {
		a.write(w)
		return
	}
	kind.wire(f, &wire{w: w, r: r, a: a})
}

// head is the answer as HTTP/1.1 writes it, up to its body.
func (w *wire) head(length int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", w.a.status, http.StatusText(w.a.status))
	_ = w.a.header.Write(&b) // a buffer does not fail
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", length)
	return b.Bytes()
}

// half is the head and half of the body.
func (w *wire) half() []byte {
	return append(w.head(len(w.a.body)), w.a.body[:len(w.a.body)/2]...)
}

// take takes the connection away from the server. Where that cannot be done
// (a recorder, HTTP/2) the handler is aborted, which is a reset too.
func (w *wire) take() net.Conn {
	if hj, ok := w.w.(http.Hijacker); ok {
		if c, _, err := hj.Hijack(); err == nil {
			return c
		}
	}
	panic(http.ErrAbortHandler)
}

// reset sends some bytes and resets the connection.
func (w *wire) reset(first []byte) {
	c := w.take()
	_, _ = c.Write(first) // it is about to die anyway
	switch c := c.(type) {
	case *conn:
		c.reset()
		return
	case *net.TCPConn:
		_ = c.SetLinger(0) // RST in place of FIN
	}
	_ = c.Close()
}

// cut sends half of the body and ends the connection in good order.
func (w *wire) cut() {
	c := w.take()
	_, _ = c.Write(w.half())
	_ = c.Close()
}

// wait lasts until the client has gone or time is up.
func (w *wire) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.r.Context().Done():
	}
}

func (w *wire) drip(over time.Duration) {
	h := w.w.Header()
	for k, v := range w.a.header {
		h[k] = v
	}
	h.Set("Content-Length", itoa(len(w.a.body)))
	w.w.WriteHeader(w.a.status)
	flush := http.NewResponseController(w.w)
	const pieces = 16
	for i := range pieces {
		if i > 0 {
			w.wait(over / (pieces - 1))
		}
		_, _ = w.w.Write(w.a.body[len(w.a.body)*i/pieces : len(w.a.body)*(i+1)/pieces])
		_ = flush.Flush()
		if w.r.Context().Err() != nil {
			return
		}
	}
}

// endless opens a JSON string and never closes it.
func (w *wire) endless() {
	h := w.w.Header()
	for k, v := range w.a.header {
		h[k] = v
	}
	w.w.WriteHeader(w.a.status)
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	_, err := w.w.Write([]byte(`{"x":"`))
	for n := 0; err == nil && n < 64<<20; n += len(chunk) {
		_, err = w.w.Write(chunk)
	}
}
