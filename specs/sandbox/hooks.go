package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// Delivery is one attempt to deliver a webhook.
type Delivery struct {
	N        int         `json:"n"` // counts from 1
	Provider string      `json:"provider"`
	Event    string      `json:"event"`
	ID       string      `json:"id"` // of the invoice, order or operation
	URL      string      `json:"url"`
	Attempt  int         `json:"attempt"` // counts from 1
	Time     time.Time   `json:"time"`
	Status   int         `json:"status"` // what the receiver answered; 0 if nothing
	Error    string      `json:"error,omitempty"`
	Fault    string      `json:"fault,omitempty"`
	Header   http.Header `json:"-"`
	Body     []byte      `json:"-"`
}

// hook is a webhook that waits to be sent.
type hook struct {
	provider, event, id, url string
	// build signs anew for every attempt. bad asks for a signature that does
	// not fit, old for one of an hour ago.
	build   func(now time.Time, bad, old bool) (http.Header, []byte)
	schema  string // in the document; empty where no payload is documented
	retries []time.Duration
	timeout time.Duration
	// again says whether an answer asks for another attempt.
	again func(status int) bool

	attempt int
	due     time.Time
	seq     int
	fault   *Fault
}

// hooks sends webhooks one after the other, when the providers' clock says so.
type hooks struct {
	s        *Sandbox
	client   *http.Client
	anywhere bool
	limit    int

	mu      sync.Mutex
	idle    sync.Cond
	queue   []*hook
	held    []*hook // waits for the next one to go first
	done    []Delivery
	n, seq  int
	running bool
	closed  bool
	timer   *time.Timer
}

func newHooks(s *Sandbox, cfg config) *hooks {
	h := &hooks{s: s, anywhere: cfg.anywhere, limit: max(cfg.keep, 1)}
	h.idle.L = &h.mu
	client := cfg.client
	if client == nil {
		client = &http.Client{}
	}
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.client = &c
	return h
}

// send queues a webhook. The sandbox's lock may be held.
func (h *hooks) send(k *hook) {
	if k.url == "" {
		return
	}
	k.due = h.s.Now()
	if f := h.s.faults.pickHook(k.provider, k.event); f != nil {
		k.fault = f
		switch f.Name {
		case "webhook-drop":
			h.record(k, 0, nil, nil, fmt.Errorf("dropped by a fault"))
			return
		case "webhook-delay":
			k.due = k.due.Add(f.delay(time.Minute))
		case "webhook-duplicate":
			twin := *k
			h.push(&twin)
		case "webhook-reorder":
			h.mu.Lock()
			h.held = append(h.held, k)
			h.mu.Unlock()
			return
		}
	}
	h.push(k)
	h.mu.Lock()
	held := h.held
	h.held = nil
	h.mu.Unlock()
	for _, late := range held {
		h.push(late)
	}
	h.kick()
}

func (h *hooks) push(k *hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	k.seq = h.seq
	h.queue = append(h.queue, k)
}

// kick starts sending what is due, or sets a timer for what is not.
func (h *hooks) kick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if h.closed || h.running || len(h.queue) == 0 {
		return
	}
	next := slices.MinFunc(h.queue, earlier)
	if wait := next.due.Sub(h.s.Now()); wait > 0 {
		h.timer = time.AfterFunc(wait, h.kick)
		return
	}
	h.running = true
	go h.run()
}

func earlier(a, b *hook) int {
	if d := a.due.Compare(b.due); d != 0 {
		return d
	}
	return a.seq - b.seq
}

// run sends until nothing is due.
func (h *hooks) run() {
	for {
		h.mu.Lock()
		var k *hook
		if len(h.queue) > 0 && !h.closed {
			if first := slices.MinFunc(h.queue, earlier); !first.due.After(h.s.Now()) {
				k = first
				h.queue = slices.DeleteFunc(h.queue, func(x *hook) bool { return x == first })
			}
		}
		if k == nil {
			h.running = false
			h.idle.Broadcast()
			h.mu.Unlock()
			h.kick()
			return
		}
		h.mu.Unlock()
		h.deliver(k)
	}
}

func (h *hooks) deliver(k *hook) {
	k.attempt++
	bad, old := k.fault.named("webhook-bad-signature"), k.fault.named("webhook-stale")
	header, body := k.build(h.s.Now(), bad, old)
	if k.fault.named("webhook-unsigned") {
		for _, name := range []string{"X-Webhook-Signature", "X-Pay-Signature"} {
			header.Del(name)
		}
	}
	h.judge(k, header, body)
	status, err := h.post(k, header, body)
	h.record(k, status, header, body, err)
	if k.attempt <= len(k.retries) && k.again != nil && k.again(status) {
		k.due = h.s.Now().Add(k.retries[k.attempt-1])
		h.push(k)
	}
}

// judge holds a payload of ours against its schema.
func (h *hooks) judge(k *hook, header http.Header, body []byte) {
	if k.schema == "" || header.Get("Content-Type") != "application/json" {
		return
	}
	vs := contract.OnlyBroken(h.s.providers[k.provider].check.Webhook(k.schema, body))
	h.s.log.mu.Lock()
	defer h.s.log.mu.Unlock()
	h.s.log.own = append(h.s.log.own, vs...)
}

func (h *hooks) post(k *hook, header http.Header, body []byte) (int, error) {
	u, err := url.Parse(k.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return 0, fmt.Errorf("not an http URL")
	}
	if !h.anywhere && !loopback(u.Hostname()) {
		return 0, fmt.Errorf("%s is not a loopback address; see WithWebhooksAnywhere", u.Hostname())
	}
	ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = header.Clone()
	res, err := h.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	return res.StatusCode, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (h *hooks) record(k *hook, status int, header http.Header, body []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	d := Delivery{N: h.n, Provider: k.provider, Event: k.event, ID: k.id, URL: k.url, Attempt: k.attempt, Time: h.s.Now(), Status: status,
		Header: header, Body: body}
	if err != nil {
		d.Error = err.Error()
	}
	if k.fault != nil {
		d.Fault = k.fault.Name
	}
	if len(h.done) == h.limit {
		h.done = slices.Delete(h.done, 0, 1)
	}
	h.done = append(h.done, d)
}

func (h *hooks) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue, h.held, h.done, h.n = nil, nil, nil, 0
}

// wake does what the new time asks for.
func (s *Sandbox) wake() {
	if p := s.providers[specs.CryptoPay]; p != nil {
		s.mu.Lock()
		s.inside(p).expireOrders()
		s.mu.Unlock()
	}
	s.hooks.kick()
}

// Deliveries lists what became of the webhooks, oldest attempt first.
func (s *Sandbox) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return slices.Clone(s.hooks.done)
}

// Waiting counts the webhooks that will be sent later: repetitions, delays and
// those held back until the next one.
func (s *Sandbox) Waiting() int {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return len(s.hooks.queue) + len(s.hooks.held)
}

// Settle waits until every webhook that is due has been sent. What is due
// later (see [Sandbox.Advance]) it leaves alone.
func (s *Sandbox) Settle(ctx context.Context) error {
	h := s.hooks
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.idle.Broadcast()
	})
	defer stop()
	h.kick()
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.running {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("sandbox: webhooks: %w", err)
		}
		h.idle.Wait()
	}
	return nil
}

// Close stops sending webhooks.
func (s *Sandbox) Close() {
	h := s.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	h.client.CloseIdleConnections()
}

// SetWebhookURL sets where a provider sends events that have no URL of their
// own: CryptoCloud's project setting, CryptoPay's account endpoint,
// Crypterium's partner endpoint, a webhook for all events of Ecart Pay, Kuna's
// callback for deposits.
func (s *Sandbox) SetWebhookURL(provider, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st.Settings[provider+".webhook"] = url
}

// SetPostbackForm makes CryptoCloud send form data in place of JSON, which is
// a setting of the project.
func (s *Sandbox) SetPostbackForm(form bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.st.Settings, "cryptocloud.form")
	if form {
		s.st.Settings["cryptocloud.form"] = "yes"
	}
}
