package crypterium_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
	"github.com/seed-4fcf5cf3/payclients/gen/paging/pagingtest"
)

// pageServer is a server of pages and a client of it.
type pageServer struct {
	*pagingtest.Server
	client *crypterium.Client
}

func servePages(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *pageServer {
	t.Helper()
	s := pagingtest.Serve(t, reply)
	client, err := crypterium.NewClient(s.URL)
	require.NoError(t, err)
	return &pageServer{s, client}
}

func customers(number int, last bool, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"customerId":%q,"status":"ACTIVE","kycLevel":"KYC_1"}`, id))
	}
	return fmt.Sprintf(`{"content":[%s],"totalElements":3,"last":%t,"totalPages":2,"sort":null,"first":%t,"numberOfElements":%d,"size":20,"number":%d}`,
		strings.Join(items, ","), last, number == 0, len(ids), number)
}

func customerID(c crypterium.Customer) string { return c.CustomerID }

func TestAllCustomersReadsTheDocumentedPage(t *testing.T) {
	body, err := os.ReadFile("../../specs/crypterium/fixtures/listCustomers.response.200.json")
	require.NoError(t, err)
	p := servePages(t, func(int, *http.Request) (int, string) { return 200, string(body) })
	ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), nil), customerID)
	require.NoError(t, err)
	require.Equal(t, []string{"2d084eb7-9841-4a8e-9521-cfa9d81121dc"}, ids)
	require.Equal(t, []string{"GET /v1/merchant/customer"}, p.Asked)
}

func TestAllCustomersCountsFromZero(t *testing.T) {
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{customers(0, false, "a", "b"), customers(1, true, "c")}[n-1]
	})
	params := &crypterium.ListCustomersParams{Offset: new(0), PageNumber: new(0), PageSize: new(2)}
	ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), params), customerID)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, ids)
	require.Equal(t, []string{
		"GET /v1/merchant/customer?offset=0&pageNumber=0&pageSize=2",
		"GET /v1/merchant/customer?offset=0&pageNumber=1&pageSize=2",
	}, p.Asked)
	require.Equal(t, 0, *params.PageNumber, "the caller's parameters were changed")
}

func TestAllCustomersStops(t *testing.T) {
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, customers(0, false, "a", "b") })
		for range p.client.AllCustomers(t.Context(), nil) {
			break
		}
		require.Len(t, p.Asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 401, `{"error":"invalid_token"}`
			}
			return 200, customers(0, false, "a")
		})
		ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), nil), customerID)
		require.ErrorIs(t, err, crypterium.ErrUnauthorized)
		require.Equal(t, []string{"a"}, ids)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, customers(0, false, "a") })
		ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), nil), customerID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Equal(t, []string{"a"}, ids)
		require.Len(t, p.Asked, 2)
	})
}
