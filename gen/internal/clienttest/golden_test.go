package clienttest_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

var update = flag.Bool("update", false, "write what is sent to testdata/*.golden")

// tap is a network whose connections remember what was written to them.
type tap struct {
	mu   sync.Mutex
	sent bytes.Buffer
	work sync.WaitGroup
	body []byte // what API calls are answered
}

func (n *tap) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	n.work.Go(func() {
		defer server.Close()
		in := bufio.NewReader(io.TeeReader(server, n))
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = n.Write([]byte("\n\n"))
			res := tokens(req)
			if res == nil {
				res = reply(200, string(n.body))
			}
			if res.Write(server) != nil {
				return
			}
		}
	})
	return client, nil
}

func (n *tap) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent.Write(p)
}

// same takes out what differs from run to run.
var same = strings.NewReplacer("\r\n", "\n")

var (
	boundary = regexp.MustCompile(`[0-9a-f]{60}`)
	version  = regexp.MustCompile(`payclients/\S+`)
)

// TestWire holds the bytes of the main calls of each provider, token calls
// included. The credentials in them are fake, as their texts say.
func TestWire(t *testing.T) {
	wire := func(t *testing.T, name string, answer []byte, call func(settings) (any, error)) {
		t.Helper()
		n := &tap{body: answer}
		tr := &http.Transport{DialContext: n.dial, DisableCompression: true}
		_, err := call(settings{base: "http://localhost", doer: &http.Client{Transport: tr}})
		require.NoError(t, err)
		tr.CloseIdleConnections()
		n.work.Wait()
		got := same.Replace(n.sent.String())
		got = boundary.ReplaceAllString(version.ReplaceAllString(got, "payclients/VERSION"), "BOUNDARY")
		file := filepath.Join("testdata", name+".golden")
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err, "run with -update")
		require.Equal(t, string(want), got)
	}
	for _, p := range providers {
		for _, write := range []bool{true, false} {
			op := map[bool]string{true: p.write, false: p.read}[write]
			t.Run(p.name+"/"+op, func(t *testing.T) {
				wire(t, p.name+"."+op, fixture(t, p.name, op, specs.Response), func(s settings) (any, error) {
					c := dial(t, p, s)
					if write {
						_, err := c.write(context.Background())
						return nil, err
					}
					_, err := c.read(context.Background())
					return nil, err
				})
			})
		}
	}
	// The calls that move money, where they are others.
	t.Run("crypterium/creditCustomer", func(t *testing.T) {
		wire(t, "crypterium.creditCustomer", nil, func(s settings) (any, error) {
			c, err := crypterium.New(crypterium.Merchant{MerchantID: "fake-merchant", Password: canary("password"), UserAgent: "Mozilla/5.0 (fake)"}, crypteriumOptions(s)...)
			require.NoError(t, err)
			return nil, c.CreditCustomer(context.Background(), crypterium.CreditCustomerRequest{Amount: "0.10", Currency: "BTC", CustomerID: "1"})
		})
	})
	t.Run("cryptocloud/createWithdrawal", func(t *testing.T) {
		wire(t, "cryptocloud.createWithdrawal", fixture(t, specs.CryptoCloud, "createWithdrawal", specs.Response), func(s settings) (any, error) {
			c, err := cryptocloud.New(cryptocloud.Keys{APIKey: canary("project"), WithdrawalKey: canary("withdrawal")}, cryptocloudOptions(s)...)
			require.NoError(t, err)
			_, err = c.CreateWithdrawal(context.Background(), decoded[cryptocloud.CreateWithdrawalRequest](specs.CryptoCloud, "createWithdrawal"))
			return nil, err
		})
	})
}
