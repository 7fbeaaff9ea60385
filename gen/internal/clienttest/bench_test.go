package clienttest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

// canned answers at once, so that what is left is the client's own work.
type canned struct {
	header http.Header
	body   []byte
}

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: c.header,
		Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body)), Request: req,
	}, nil
}

// byHand is what a careful programmer writes for one call: a limit, a status
// check, an envelope.
func byHand[T any](hc *http.Client, url, key string, body any) (*T, error) {
	buf, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(buf))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "by-hand/1")
	req.Header.Set("Authorization", "Token "+key)
	res, err := hc.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 10<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 200 {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	var v struct {
		Status string `json:"status"`
		Result *T     `json:"result"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if v.Status != "success" || v.Result == nil {
		return nil, fmt.Errorf("status %q", v.Status)
	}
	return v.Result, nil
}

func BenchmarkClient(b *testing.B) {
	header := http.Header{"Content-Type": {"application/json"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}}
	small := canned{header, []byte(`{"status":"success","result":["ok"]}`)}
	big := canned{header, bytes.TrimSpace(fixture(b, specs.CryptoCloud, "createInvoice", specs.Response))}
	var compact bytes.Buffer
	require.NoError(b, json.Compact(&compact, big.body))
	if compact.Len() > 1100 { // 1.4 kB, as it comes over the wire
		big.body = compact.Bytes()
	}
	cancel := cryptocloud.CancelInvoiceRequest{UUID: "INV-DZLF4212"}
	create := decoded[cryptocloud.CreateInvoiceRequest](specs.CryptoCloud, "createInvoice")
	ctx := context.Background()
	connect := func(b *testing.B, net canned) *cryptocloud.Client {
		c, err := cryptocloud.New(cryptocloud.APIKey("fake"), cryptocloud.WithHTTPClient(&http.Client{Transport: net}))
		require.NoError(b, err)
		return c
	}
	hand := func(net canned) *http.Client { return &http.Client{Transport: net, Timeout: time.Minute} }

	b.Run(fmt.Sprintf("write %d bytes/generated", len(small.body)), func(b *testing.B) {
		c := connect(b, small)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.CancelInvoice(ctx, cancel); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("write %d bytes/by hand", len(small.body)), func(b *testing.B) {
		hc := hand(small)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := byHand[[]string](hc, cryptocloud.BaseURL+"/v2/invoice/merchant/canceled", "fake", cancel); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("write %d bytes/generated", len(big.body)), func(b *testing.B) {
		c := connect(b, big)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.CreateInvoice(ctx, create); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("write %d bytes/by hand", len(big.body)), func(b *testing.B) {
		hc := hand(big)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := byHand[cryptocloud.CreatedInvoice](hc, cryptocloud.BaseURL+"/v2/invoice/create", "fake", create); err != nil {
				b.Fatal(err)
			}
		}
	})
	list := canned{header, append(append([]byte(`{"status":"success","result":[`), result(b, big.body)...), "]}"...)}
	info := decoded[cryptocloud.GetInvoicesInfoRequest](specs.CryptoCloud, "getInvoicesInfo")
	b.Run(fmt.Sprintf("read %d bytes/generated", len(list.body)), func(b *testing.B) {
		c := connect(b, list)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.GetInvoicesInfo(ctx, info); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("read %d bytes/by hand", len(list.body)), func(b *testing.B) {
		hc := hand(list)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := byHand[[]cryptocloud.Invoice](hc, cryptocloud.BaseURL+"/v2/invoice/merchant/info", "fake", info); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// result is the member of an envelope.
func result(b *testing.B, body []byte) []byte {
	var v struct {
		Result json.RawMessage `json:"result"`
	}
	require.NoError(b, json.Unmarshal(body, &v))
	return v.Result
}

// BenchmarkRatio measures the generated client against the one by hand in turns,
// and compares the best turn of each, so that a busy machine does not decide.
func BenchmarkRatio(b *testing.B) {
	header := http.Header{"Content-Type": {"application/json"}}
	var compact bytes.Buffer
	require.NoError(b, json.Compact(&compact, fixture(b, specs.CryptoCloud, "createInvoice", specs.Response)))
	net := func(body string) canned { return canned{header, []byte(body)} }
	connect := func(n canned) *cryptocloud.Client {
		c, err := cryptocloud.New(cryptocloud.APIKey("fake"), cryptocloud.WithHTTPClient(&http.Client{Transport: n}))
		require.NoError(b, err)
		return c
	}
	ctx := context.Background()
	cancel := cryptocloud.CancelInvoiceRequest{UUID: "INV-DZLF4212"}
	create := decoded[cryptocloud.CreateInvoiceRequest](specs.CryptoCloud, "createInvoice")
	info := decoded[cryptocloud.GetInvoicesInfoRequest](specs.CryptoCloud, "getInvoicesInfo")
	small, big := net(`{"status":"success","result":["ok"]}`), net(compact.String())
	list := net(`{"status":"success","result":[` + string(result(b, compact.Bytes())) + `]}`)
	smallClient, bigClient, listClient := connect(small), connect(big), connect(list)
	hand := &http.Client{Transport: small, Timeout: time.Minute}
	handBig := &http.Client{Transport: big, Timeout: time.Minute}
	handList := &http.Client{Transport: list, Timeout: time.Minute}
	for _, tc := range []struct {
		name      string
		generated func() error
		byHand    func() error
	}{
		{
			fmt.Sprintf("write %d bytes", len(small.body)),
			func() error { _, err := smallClient.CancelInvoice(ctx, cancel); return err },
			func() error {
				_, err := byHand[[]string](hand, cryptocloud.BaseURL+"/v2/invoice/merchant/canceled", "fake", cancel)
				return err
			},
		},
		{
			fmt.Sprintf("write %d bytes", len(big.body)),
			func() error { _, err := bigClient.CreateInvoice(ctx, create); return err },
			func() error {
				_, err := byHand[cryptocloud.CreatedInvoice](handBig, cryptocloud.BaseURL+"/v2/invoice/create", "fake", create)
				return err
			},
		},
		{
			fmt.Sprintf("read %d bytes", len(list.body)),
			func() error { _, err := listClient.GetInvoicesInfo(ctx, info); return err },
			func() error {
				_, err := byHand[[]cryptocloud.Invoice](handList, cryptocloud.BaseURL+"/v2/invoice/merchant/info", "fake", info)
				return err
			},
		},
	} {
		b.Run(tc.name, func(b *testing.B) {
			turn := func(f func() error) time.Duration {
				start := time.Now()
				for range 50 {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(start)
			}
			best := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				best[0] = min(best[0], turn(tc.generated))
				best[1] = min(best[1], turn(tc.byHand))
			}
			b.ReportMetric(float64(best[0])/50, "ns-generated")
			b.ReportMetric(float64(best[1])/50, "ns-by-hand")
			b.ReportMetric(float64(best[0])/float64(best[1]), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
