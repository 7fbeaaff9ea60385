package crypterium_test

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/crypterium"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// pageServer answers with what reply returns and keeps what it was asked.
type pageServer struct {
	client *crypterium.Client
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
	p.client, err = crypterium.NewClient(srv.URL)
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
	ids, err := collectPages(t, p.client.AllCustomers(t.Context(), nil), customerID)
	require.NoError(t, err)
	require.Equal(t, []string{"2d084eb7-9841-4a8e-9521-cfa9d81121dc"}, ids)
	require.Equal(t, []string{"GET /v1/merchant/customer"}, p.asked)
}

func TestAllCustomersCountsFromZero(t *testing.T) {
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{customers(0, false, "a", "b"), customers(1, true, "c")}[n-1]
	})
	params := &crypterium.ListCustomersParams{Offset: new(0), PageNumber: new(0), PageSize: new(2)}
	ids, err := collectPages(t, p.client.AllCustomers(t.Context(), params), customerID)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, ids)
	require.Equal(t, []string{
		"GET /v1/merchant/customer?offset=0&pageNumber=0&pageSize=2",
		"GET /v1/merchant/customer?offset=0&pageNumber=1&pageSize=2",
	}, p.asked)
	require.Equal(t, 0, *params.PageNumber, "the caller's parameters were changed")
}

func TestAllCustomersStops(t *testing.T) {
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, customers(0, false, "a", "b") })
		for range p.client.AllCustomers(t.Context(), nil) {
			break
		}
		require.Len(t, p.asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 401, `{"error":"invalid_token"}`
			}
			return 200, customers(0, false, "a")
		})
		ids, err := collectPages(t, p.client.AllCustomers(t.Context(), nil), customerID)
		require.ErrorIs(t, err, crypterium.ErrUnauthorized)
		require.Equal(t, []string{"a"}, ids)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, customers(0, false, "a") })
		ids, err := collectPages(t, p.client.AllCustomers(t.Context(), nil), customerID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Equal(t, []string{"a"}, ids)
		require.Len(t, p.asked, 2)
	})
}
