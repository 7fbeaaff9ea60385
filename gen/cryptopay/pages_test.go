package cryptopay_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/cryptopay"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
	"github.com/seed-4fcf5cf3/payclients/gen/paging/pagingtest"
)

// pageServer is a server of pages and a client of it.
type pageServer struct {
	*pagingtest.Server
	client *cryptopay.Client
}

func servePages(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *pageServer {
	t.Helper()
	s := pagingtest.Serve(t, reply)
	client, err := cryptopay.NewClient(s.URL)
	require.NoError(t, err)
	return &pageServer{s, client}
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
	ids, err := pagingtest.Collect(t, p.client.AllPaymentOrders(t.Context(), params), orderID)
	require.NoError(t, err)
	require.Equal(t, []string{"ORD-1", "ORD-2", "ORD-3", "ORD-4"}, ids)
	require.Equal(t, []string{
		"GET /api/payment-orders/?page_size=2",
		"GET /api/payment-orders/?page=2&page_size=2", // not page 3, and with page_size
		"GET /api/payment-orders/?page=3&page_size=2",
	}, p.Asked)
	require.Nil(t, params.Page, "the caller's parameters were changed")
}

func TestAllPaymentOrdersBeginsAtTheCallersPage(t *testing.T) {
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{orderPage(link, "ORD-1"), orderPage("null", "ORD-2")}[n-1]
	})
	page := 7
	_, err := pagingtest.Collect(t, p.client.AllPaymentOrders(t.Context(), &cryptopay.ListPaymentOrdersParams{Page: &page}), orderID)
	require.NoError(t, err)
	require.Equal(t, []string{"GET /api/payment-orders/?page=7", "GET /api/payment-orders/?page=8"}, p.Asked)
	require.Equal(t, 7, page, "the caller's parameters were changed")
}

func TestAllPaymentOrdersStops(t *testing.T) {
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, orderPage(link, "ORD-1", "ORD-2") })
		for range p.client.AllPaymentOrders(t.Context(), nil) {
			break
		}
		require.Len(t, p.Asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 403, `{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Your API key doesn't have permission for this operation"}}`
			}
			return 200, orderPage(link, "ORD-1")
		})
		ids, err := pagingtest.Collect(t, p.client.AllPaymentOrders(t.Context(), nil), orderID)
		require.ErrorIs(t, err, cryptopay.ErrForbidden)
		require.Equal(t, []string{"ORD-1"}, ids)
		require.Len(t, p.Asked, 2)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, orderPage(link, "ORD-1") })
		ids, err := pagingtest.Collect(t, p.client.AllPaymentOrders(t.Context(), nil), orderID)
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
	hashes, err := pagingtest.Collect(t, all, func(s cryptopay.TransactionSummary) string { return s.TransactionHash })
	require.NoError(t, err)
	require.Equal(t, []string{"0x1...", "0x2..."}, hashes)
	require.Equal(t, []string{"GET /api/transactions/?blockchain=base&page_size=1", "GET /api/transactions/?blockchain=base&page=2&page_size=1"}, p.Asked)

	p = servePages(t, func(int, *http.Request) (int, string) { return 200, page(`"/api/transactions/?page=2"`, "0x1...") })
	_, err = pagingtest.Collect(t, p.client.AllTransactions(t.Context(), nil), func(s cryptopay.TransactionSummary) string { return s.TransactionHash })
	require.ErrorIs(t, err, paging.ErrNoProgress)
}
