package clienttest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/operation"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

// origin is where the clients under test think their provider is.
const origin = "https://api.example.com"

// fake is a network in memory: it answers token calls by itself and asks answer
// about all others.
type fake struct {
	mu     sync.Mutex
	seen   []*http.Request // other than token calls, with their bodies
	bodies []string
	answer func(n int, req *http.Request) *http.Response // n counts from 1
}

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	if res := tokens(req); res != nil {
		return res, nil
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	f.mu.Lock()
	f.seen = append(f.seen, req)
	f.bodies = append(f.bodies, string(body))
	n := len(f.seen)
	f.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	res := f.answer(n, req)
	if res == nil {
		return nil, fmt.Errorf("connection reset by the test")
	}
	res.Request = req
	return res, nil
}

func (f *fake) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*http.Request(nil), f.seen...)
}

// tokens answers the calls that package authn makes; nil if req is none.
func tokens(req *http.Request) *http.Response {
	op, tagged := operation.From(req.Context())
	if tagged && op.Path == req.URL.Path {
		return nil // a generated call of the same path
	}
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/oauth/token"):
		return reply(200, `{"access_token":"`+string(canary("token"))+`","token_type":"bearer","expires_in":31535999,"scope":"read"}`)
	case strings.HasSuffix(path, "/api/authorizations/token"):
		return reply(200, `{"token":"`+string(canary("token"))+`"}`)
	case strings.HasSuffix(path, "/v2/auth/login"):
		return reply(200, fmt.Sprintf(`{"data":{"accessToken":"%s","refreshToken":"%s","expiresIn":%d}}`, string(canary("token")), string(canary("refresh")), time.Now().Add(30*time.Minute).Unix()))
	case strings.HasSuffix(path, "/api/auth/login"):
		return reply(200, `{"access":"`+string(canary("token"))+`","refresh":"`+string(canary("refresh"))+`"}`)
	}
	return nil
}

// reply is an answer with headers given as "Name: value".
func reply(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// documented answers each call of the table with its fixture.
func documented(t testing.TB, p provider) func(int, *http.Request) *http.Response {
	write, read := string(fixture(t, p.name, p.write, specs.Response)), string(fixture(t, p.name, p.read, specs.Response))
	return func(_ int, req *http.Request) *http.Response {
		if op, _ := operation.From(req.Context()); op.ID == p.write {
			return reply(200, write)
		}
		return reply(200, read)
	}
}

// each runs a test for every provider, over a fake network.
func each(t *testing.T, run func(t *testing.T, p provider, net *fake, s settings)) {
	t.Helper()
	for _, p := range providers {
		t.Run(p.name, func(t *testing.T) {
			net := &fake{answer: documented(t, p)}
			run(t, p, net, settings{base: origin, doer: &http.Client{Transport: net}})
		})
	}
}

// dial makes the client of a row.
func dial(t testing.TB, p provider, s settings) client {
	t.Helper()
	c, err := p.connect(s)
	require.NoError(t, err)
	return c
}

// both runs a test for the write and for the read.
func both(t *testing.T, c client, run func(t *testing.T, call func(context.Context, ...editor) (any, error), write bool)) {
	t.Helper()
	t.Run("write", func(t *testing.T) { run(t, c.write, true) })
	t.Run("read", func(t *testing.T) { run(t, c.read, false) })
}

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	require.NoError(t, err)
	return b.String()
}
