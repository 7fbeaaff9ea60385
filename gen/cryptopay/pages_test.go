package cryptopay_test

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// pageServer answers with what reply returns and keeps what it was asked.
type pageServer struct {
	client *cryptopay.Client
	asked  []string // method, path, query and body
}

func servePages(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *pageServer {
	t.Helper()
	p := new(pageServer)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		status, answer := reply(len(p.asked), r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	var err error
	p.client, err = cryptopay.NewClient(srv.URL)
	require.NoError(t, err)
	return p
}

// collectPages ranges to the end and checks that nothing comes after an error.
func collectPages[T any](t *testing.T, all iter.Seq2[T, error], id func(T) string) (ids []string, err error) {
	t.Helper()
	for item, e := range all {
		require.NoError(t, err, "it went on after an error")
		if err = e; err == nil {
			ids = append(ids, id(item))
		}
	}
	return ids, err
}

// orderPage is the documented page object: its links are relative and drop page_size.
func orderPage(next string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"id":123,"order_id":%q,"amount":"100.00","currency":"USDC","blockchain":"base","status":"pending"}`, id))
	}
	return fmt.Sprintf(`{"count":150,"next":%s,"previous":null,"results":[%s]}`, next, strings.Join(items, ","))
}

const link = `"/api/payment-orders/?page=3"`

func orderID(o cryptopay.PaymentOrder) string { return o.OrderID }

func TestAllPaymentOrdersCountsPages(t *testing.T) {
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{orderPage(link, "ORD-1", "ORD-2"), orderPage(link, "ORD-3"), orderPage("null", "ORD-4")}[n-1]
	})
	params := &cryptopay.ListPaymentOrdersParams{PageSize: new(2)}
	ids, err := collectPages(t, p.client.AllPaymentOrders(t.Context(), params), orderID)
	require.NoError(t, err)
	require.Equal(t, []string{"ORD-1", "ORD-2", "ORD-3", "ORD-4"}, ids)
	require.Equal(t, []string{
		"GET /api/payment-orders/?page_size=2",
		"GET /api/payment-orders/?page=2&page_size=2", // not page 3, and with page_size
		"GET /api/payment-orders/?page=3&page_size=2",
	}, p.asked)
	require.Nil(t, params.Page, "the caller's parameters were changed")
}

func TestAllPaymentOrdersBeginsAtTheCallersPage(t *testing.T) {
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{orderPage(link, "ORD-1"), orderPage("null", "ORD-2")}[n-1]
	})
	page := 7
	_, err := collectPages(t, p.client.AllPaymentOrders(t.Context(), &cryptopay.ListPaymentOrdersParams{Page: &page}), orderID)
	require.NoError(t, err)
	require.Equal(t, []string{"GET /api/payment-orders/?page=7", "GET /api/payment-orders/?page=8"}, p.asked)
	require.Equal(t, 7, page, "the caller's parameters were changed")
}

func TestAllPaymentOrdersStops(t *testing.T) {
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, orderPage(link, "ORD-1", "ORD-2") })
		for range p.client.AllPaymentOrders(t.Context(), nil) {
			break
		}
		require.Len(t, p.asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 403, `{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Your API key doesn't have permission for this operation"}}`
			}
			return 200, orderPage(link, "ORD-1")
		})
		ids, err := collectPages(t, p.client.AllPaymentOrders(t.Context(), nil), orderID)
		require.ErrorIs(t, err, cryptopay.ErrForbidden)
		require.Equal(t, []string{"ORD-1"}, ids)
		require.Len(t, p.asked, 2)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, orderPage(link, "ORD-1") })
		ids, err := collectPages(t, p.client.AllPaymentOrders(t.Context(), nil), orderID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.EqualError(t, err, "cryptopay: listPaymentOrders: page 2: the list does not advance")
		require.Equal(t, []string{"ORD-1"}, ids)
	})
}

func TestAllTransactionsKeepsTheFilters(t *testing.T) {
	page := func(next, hash string) string {
		return `{"count":2,"next":` + next + `,"previous":null,"results":[{"transaction_hash":"` + hash + `","blockchain":"base","status":"confirmed","amount":"100.00","currency":"USDC","created_at":"2024-01-01T10:00:00Z"}]}`
	}
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{page(`"/api/transactions/?page=2"`, "0x1..."), page("null", "0x2...")}[n-1]
	})
	all := p.client.AllTransactions(t.Context(), &cryptopay.ListTransactionsParams{Blockchain: new("base"), PageSize: new(1)})
	hashes, err := collectPages(t, all, func(s cryptopay.TransactionSummary) string { return s.TransactionHash })
	require.NoError(t, err)
	require.Equal(t, []string{"0x1...", "0x2..."}, hashes)
	require.Equal(t, []string{"GET /api/transactions/?blockchain=base&page_size=1", "GET /api/transactions/?blockchain=base&page=2&page_size=1"}, p.asked)

	p = servePages(t, func(int, *http.Request) (int, string) { return 200, page(`"/api/transactions/?page=2"`, "0x1...") })
	_, err = collectPages(t, p.client.AllTransactions(t.Context(), nil), func(s cryptopay.TransactionSummary) string { return s.TransactionHash })
	require.ErrorIs(t, err, paging.ErrNoProgress)
}
