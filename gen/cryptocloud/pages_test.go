package cryptocloud_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptocloud"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
	"github.com/seed-4fcf5cf3/payclients/gen/paging/pagingtest"
)

// pageServer answers with what reply returns and keeps what it was asked.
type pageServer struct {
	client *cryptocloud.Client
	asked  []string // path and body
}

func servePages(t *testing.T, reply func(n int, body string) (status int, answer string)) *pageServer {
	t.Helper()
	p := new(pageServer)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.asked = append(p.asked, r.URL.Path+" "+string(body))
		status, answer := reply(len(p.asked), string(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	var err error
	p.client, err = cryptocloud.NewClient(srv.URL)
	require.NoError(t, err)
	return p
}

// records are the documented first record, from one index up to another.
func records(t *testing.T, from, to int) string {
	t.Helper()
	var page struct{ Result []json.RawMessage }
	require.NoError(t, json.Unmarshal(hookFixture(t, "listInvoices.response.200.truncated.json"), &page))
	var items []string
	for i := from; i < to; i++ {
		// status is on the documented list of members, though the recorded text ends before it.
		item := strings.Replace(string(page.Result[0]), `"INV-XXXXXXXX"`, fmt.Sprintf(`"INV-%08d", "status": "paid"`, i), 1)
		items = append(items, item)
	}
	return strings.Join(items, ",")
}

func invoiceID(i cryptocloud.Invoice) string { return i.UUID }

func wantInvoices(from, to int) []string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("INV-%08d", i))
	}
	return ids
}

// Nobody has settled whether limit is an end index, as documented, or a count,
// and all_count is known from a client only: every invoice comes once either way.
func TestAllInvoicesLosesNoneWhateverLimitMeans(t *testing.T) {
	const total = 230
	for _, counts := range []bool{false, true} {
		for _, tells := range []bool{false, true} {
			t.Run(fmt.Sprintf("limit is a count %t, all_count %t", counts, tells), func(t *testing.T) {
				p := servePages(t, func(_ int, body string) (int, string) {
					var b struct{ Offset, Limit int }
					require.NoError(t, json.Unmarshal([]byte(body), &b))
					to := b.Limit
					if counts {
						to += b.Offset
					}
					to = min(to, b.Offset+100, total) // at most 100 records an answer
					all := ""
					if tells {
						all = fmt.Sprintf(`,"all_count":%d`, total)
					}
					return 200, `{"status":"success","result":[` + records(t, b.Offset, to) + `]` + all + `}`
				})
				body := cryptocloud.ListInvoicesRequest{Start: "01.01.2024", End: "31.01.2024", Limit: new(70)}
				ids, err := pagingtest.Collect(t, p.client.AllInvoices(t.Context(), body), invoiceID)
				require.NoError(t, err)
				require.Equal(t, wantInvoices(0, total), ids)
				require.Equal(t, `/v2/invoice/merchant/list {"end":"31.01.2024","limit":70,"offset":0,"start":"01.01.2024"}`, p.asked[0])
				require.Equal(t, 70, *body.Limit, "the caller's body was changed")
				require.Nil(t, body.Offset, "the caller's body was changed")
			})
		}
	}
}

func TestAllInvoicesAsksForNoMoreThanAllowed(t *testing.T) {
	p := servePages(t, func(int, string) (int, string) { return 200, `{"status":"success","result":[],"all_count":0}` })
	for _, limit := range []*int{nil, new(500), new(0), new(-1)} {
		_, err := pagingtest.Collect(t, p.client.AllInvoices(t.Context(), cryptocloud.ListInvoicesRequest{Offset: new(30), Limit: limit}), invoiceID)
		require.NoError(t, err)
		require.Contains(t, p.asked[len(p.asked)-1], `"limit":130,"offset":30`)
	}
}

func TestAllInvoicesStops(t *testing.T) {
	page := func(from, to int) string {
		return `{"status":"success","result":[` + records(t, from, to) + `],"all_count":9}`
	}
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, string) (int, string) { return 200, page(0, 3) })
		for range p.client.AllInvoices(t.Context(), cryptocloud.ListInvoicesRequest{}) {
			break
		}
		require.Len(t, p.asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ string) (int, string) {
			if n == 2 {
				return 403, `{"detail":"Signature verification failed"}`
			}
			return 200, page(0, 3)
		})
		ids, err := pagingtest.Collect(t, p.client.AllInvoices(t.Context(), cryptocloud.ListInvoicesRequest{}), invoiceID)
		require.ErrorIs(t, err, cryptocloud.ErrUnauthorized)
		require.Equal(t, wantInvoices(0, 3), ids)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, string) (int, string) { return 200, page(0, 3) })
		ids, err := pagingtest.Collect(t, p.client.AllInvoices(t.Context(), cryptocloud.ListInvoicesRequest{}), invoiceID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Equal(t, wantInvoices(0, 3), ids)
		require.Len(t, p.asked, 2)
	})
	t.Run("at an empty page before the end", func(t *testing.T) {
		p := servePages(t, func(n int, _ string) (int, string) { return 200, page(0, max(0, 6-3*n)) })
		ids, err := pagingtest.Collect(t, p.client.AllInvoices(t.Context(), cryptocloud.ListInvoicesRequest{}), invoiceID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Equal(t, wantInvoices(0, 3), ids)
	})
}

func TestAllStaticWallets(t *testing.T) {
	wallet := func(n int) string {
		var answer struct{ Result json.RawMessage }
		require.NoError(t, json.Unmarshal(hookFixture(t, "createStaticWallet.response.200.json"), &answer))
		return strings.Replace(string(answer.Result), "1K0NFXT9E1X3VOY07VY1LRV8XGMLQNQX", fmt.Sprintf("WALLET%d", n), 1)
	}
	walletID := func(w cryptocloud.StaticWallet) string { return w.UUID }
	p := servePages(t, func(n int, _ string) (int, string) {
		return 200, fmt.Sprintf(`{"status":"success","result":{"staticWallets":[%s],"all_count":2}}`, wallet(n))
	})
	body := cryptocloud.ListStaticWalletsRequest{ShopID: "SHOP", Limit: new(1)}
	ids, err := pagingtest.Collect(t, p.client.AllStaticWallets(t.Context(), body), walletID)
	require.NoError(t, err)
	require.Equal(t, []string{"WALLET1", "WALLET2"}, ids)
	require.Equal(t, []string{`/v2/invoice/static/list {"limit":1,"shop_id":"SHOP"}`, `/v2/invoice/static/list {"limit":1,"offset":1,"shop_id":"SHOP"}`}, p.asked)
	require.Nil(t, body.Offset, "the caller's body was changed")

	p = servePages(t, func(int, string) (int, string) {
		return 200, fmt.Sprintf(`{"status":"success","result":{"staticWallets":[%s],"all_count":2}}`, wallet(1))
	})
	_, err = pagingtest.Collect(t, p.client.AllStaticWallets(t.Context(), body), walletID)
	require.ErrorIs(t, err, paging.ErrNoProgress)
}
