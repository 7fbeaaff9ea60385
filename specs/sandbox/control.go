package sandbox

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// controls serves /__sandbox/; the package comment lists what there is.
func (s *Sandbox) controls() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/__sandbox/", http.StatusFound) })
	m.HandleFunc("GET /__sandbox/{$}", servePage)
	m.HandleFunc("GET /__sandbox", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/__sandbox/", http.StatusFound) })
	for pattern, f := range map[string]func(*http.Request) (any, error){
		"POST /__sandbox/reset":     s.controlReset,
		"POST /__sandbox/seed":      s.controlSeed,
		"POST /__sandbox/snapshot":  s.controlRestore,
		"GET /__sandbox/clock":      s.controlClock,
		"POST /__sandbox/clock":     s.controlAdvance,
		"GET /__sandbox/faults":     s.controlFaults,
		"POST /__sandbox/faults":    s.controlInject,
		"DELETE /__sandbox/faults":  s.controlClear,
		"GET /__sandbox/requests":   s.controlRequests,
		"GET /__sandbox/violations": s.controlViolations,
		"GET /__sandbox/webhooks":   s.controlWebhooks,
		"POST /__sandbox/webhooks":  s.controlWebhookURL,
		"POST /__sandbox/events":    s.controlEvent,
		"POST /__sandbox/revoke":    s.controlRevoke,
		"GET /__sandbox/state":      s.controlState,
	} {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := f(r)
			if err != nil {
				writeControl(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			writeControl(w, http.StatusOK, v)
		})
	}
	m.HandleFunc("GET /__sandbox/snapshot", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.Snapshot())
	})
	m.HandleFunc("GET /__sandbox/env", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, strings.Join(s.Env("http://"+r.Host), "\n")+"\n")
	})
	return local(m)
}

// local keeps the controls to this machine, and away from web pages of others
// that a browser here may have open.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		name := r.Host
		if h, _, err := net.SplitHostPort(r.Host); err == nil {
			name = h
		}
		origin := r.Header.Get("Origin")
		switch {
		case !loopback(host):
			writeControl(w, http.StatusForbidden, map[string]string{"error": "the controls answer to this machine only"})
		case !loopback(strings.Trim(name, "[]")):
			writeControl(w, http.StatusForbidden, map[string]string{"error": "the controls answer under a loopback name only"})
		case origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host:
			writeControl(w, http.StatusForbidden, map[string]string{"error": "another site's page may not use the controls"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func writeControl(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the caller may be gone
}

var done = map[string]bool{"ok": true}

// read takes the JSON body of a control; an empty one leaves the defaults.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// period reads "31m" or 1860.
type period time.Duration

func (p *period) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		d, err := time.ParseDuration(text)
		*p = period(d)
		return err
	}
	var n float64
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("a duration is text such as \"31m\" or a number of seconds")
	}
	*p = period(n * float64(time.Second))
	return nil
}

func (s *Sandbox) controlReset(*http.Request) (any, error) {
	s.Reset()
	return done, nil
}

func (s *Sandbox) controlSeed(r *http.Request) (any, error) {
	in := struct {
		Seed int64 `json:"seed"`
	}{Seed: 1}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	s.Seed(in.Seed)
	return done, nil
}

func (s *Sandbox) controlRestore(r *http.Request) (any, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return done, s.Restore(b)
}

func (s *Sandbox) controlClock(*http.Request) (any, error) {
	return map[string]any{"now": s.Now(), "offset": time.Duration(s.clock.offset.Load()).String()}, nil
}

func (s *Sandbox) controlAdvance(r *http.Request) (any, error) {
	var in struct {
		Advance period `json:"advance"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	s.Advance(time.Duration(in.Advance))
	return s.controlClock(r)
}

func (s *Sandbox) controlFaults(*http.Request) (any, error) {
	known := []map[string]string{}
	for _, n := range FaultNames() {
		known = append(known, map[string]string{"name": n, "about": FaultAbout(n)})
	}
	return map[string]any{"rules": s.Faults(), "known": known}, nil
}

func (s *Sandbox) controlInject(r *http.Request) (any, error) {
	type plain Fault
	var in struct {
		plain
		Delay period `json:"delay"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	f := Fault(in.plain)
	f.Delay = time.Duration(in.Delay)
	id, err := s.inject(f)
	if err != nil {
		return nil, err
	}
	return map[string]int{"id": id}, nil
}

func (s *Sandbox) controlClear(r *http.Request) (any, error) {
	if id := r.URL.Query().Get("id"); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, fmt.Errorf("id: %w", err)
		}
		s.RemoveFault(n)
		return done, nil
	}
	s.ClearFaults()
	return done, nil
}

func (s *Sandbox) controlRequests(r *http.Request) (any, error) {
	since, _ := strconv.Atoi(r.URL.Query().Get("since"))
	list := s.log.since(since)
	if list == nil {
		list = []Exchange{}
	}
	return map[string]any{"requests": list}, nil
}

func (s *Sandbox) controlViolations(*http.Request) (any, error) {
	orNone := func(vs []contract.Violation) []contract.Violation { return append([]contract.Violation{}, vs...) }
	return map[string]any{"client": orNone(s.ClientViolations()), "sandbox": orNone(s.Violations())}, nil
}

func (s *Sandbox) controlWebhooks(*http.Request) (any, error) {
	return map[string]any{"deliveries": append([]Delivery{}, s.Deliveries()...), "waiting": s.Waiting()}, nil
}

func (s *Sandbox) controlWebhookURL(r *http.Request) (any, error) {
	var in struct {
		Provider string `json:"provider"`
		URL      string `json:"url"`
		Form     bool   `json:"form"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if s.providers[in.Provider] == nil {
		return nil, fmt.Errorf("unknown provider %q", in.Provider)
	}
	s.SetWebhookURL(in.Provider, in.URL)
	s.SetPostbackForm(in.Form)
	return done, nil
}

func (s *Sandbox) controlEvent(r *http.Request) (any, error) {
	var in struct {
		Event  string `json:"event"`
		ID     string `json:"id"`
		Amount string `json:"amount"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Amount != "" && !isAmount(in.Amount) {
		return nil, fmt.Errorf("%q is not an amount", in.Amount)
	}
	return done, s.happen(in.Event, in.ID, in.Amount)
}

func (s *Sandbox) controlRevoke(r *http.Request) (any, error) {
	var in struct {
		Provider string   `json:"provider"`
		Kinds    []string `json:"kinds"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return map[string]int{"revoked": s.RevokeTokens(in.Provider, in.Kinds...)}, nil
}

// shown is one row on the page.
type shown struct {
	Provider string   `json:"provider"`
	Table    string   `json:"table"`
	ID       string   `json:"id"`
	Status   string   `json:"status"`
	Amount   string   `json:"amount"`
	Events   []string `json:"events"`
}

// controlState lists the newest rows of what events can happen to, and counts
// the rest.
func (s *Sandbox) controlState(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts, rows := map[string]int{}, []shown{}
	for name, t := range s.st.Tables {
		if !strings.HasSuffix(name, samplesOf) && len(t.Rows) > 0 {
			counts[name] = len(t.Rows)
		}
	}
	for _, x := range happenings {
		if s.providers[x.provider] == nil {
			continue
		}
		events := []string{}
		for _, e := range []string{"pay", "expire", "fail", "hold"} {
			if x.events[e] != nil {
				events = append(events, e)
			}
		}
		list := s.st.table(x.provider + "." + x.table).Rows
		for _, r := range list[max(0, len(list)-20):] {
			amount := r.Doc.text("amount")
			if amount == "" {
				amount = r.Doc.object("totals").text("total") + r.Doc.text("targetAmount")
			}
			rows = append(rows, shown{x.provider, x.table, r.ID, r.Doc.text("status"), amount, events})
		}
	}
	tokens := 0
	for _, t := range s.st.Tokens {
		if t.good(s.Now()) {
			tokens++
		}
	}
	return map[string]any{"providers": s.names, "counts": counts, "rows": rows, "tokens": tokens, "balances": s.st.Balances, "seed": s.st.Seed}, nil
}

//go:embed page.html
var pageHTML []byte

func servePage(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(pageHTML)
}
