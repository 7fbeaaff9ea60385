package ecartpay_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/ecartpay"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
	"github.com/seed-4fcf5cf3/payclients/gen/paging/pagingtest"
)

// pageServer is a server of pages and a client of it.
type pageServer struct {
	*pagingtest.Server
	client *ecartpay.Client
}

func servePages(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *pageServer {
	t.Helper()
	s := pagingtest.Serve(t, reply)
	client, err := ecartpay.NewClient(s.URL)
	require.NoError(t, err)
	return &pageServer{s, client}
}

func pageFixture(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile("../../specs/ecartpay/fixtures/" + name)
	require.NoError(t, err)
	return string(body)
}

func subscriptionID(s ecartpay.Subscription) string { return s.ID }

// The recorded first page holds 50 of 53 subscriptions and tells of 2 pages.
func TestAllSubscriptionsReadsBothPages(t *testing.T) {
	first := pageFixture(t, "listSubscriptions.response.200.json")
	var page struct{ Docs []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(first), &page))
	var rest []string
	for i := range 3 {
		var doc map[string]any
		require.NoError(t, json.Unmarshal(page.Docs[i], &doc))
		doc["id"] = fmt.Sprintf("rest-%d", i)
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		rest = append(rest, string(text))
	}
	second := `{"count":53,"docs":[` + strings.Join(rest, ",") + `],"pages":2}`

	p := servePages(t, func(n int, _ *http.Request) (int, string) { return 200, []string{first, second}[n-1] })
	params := &ecartpay.ListSubscriptionsParams{Status: new("active"), Limit: new(50)}
	ids, err := pagingtest.Collect(t, p.client.AllSubscriptions(t.Context(), params), subscriptionID)
	require.NoError(t, err)
	require.Len(t, ids, 53)
	require.Equal(t, []string{"rest-0", "rest-1", "rest-2"}, ids[50:])
	require.Equal(t, []string{"GET /api/subscriptions?status=active&limit=50", "GET /api/subscriptions?status=active&page=2&limit=50"}, p.Asked)
	require.Nil(t, params.Page, "the caller's parameters were changed")
}

func TestAllSubscriptionsStops(t *testing.T) {
	first := pageFixture(t, "listSubscriptions.response.200.json")
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, first })
		for range p.client.AllSubscriptions(t.Context(), nil) {
			break
		}
		require.Len(t, p.Asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 401, `{"message":"Unauthorized","statusCode":401}`
			}
			return 200, first
		})
		ids, err := pagingtest.Collect(t, p.client.AllSubscriptions(t.Context(), nil), subscriptionID)
		require.ErrorIs(t, err, ecartpay.ErrUnauthorized)
		require.Len(t, ids, 50)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		// page is known from a sample only; a server may ignore it.
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, first })
		ids, err := pagingtest.Collect(t, p.client.AllSubscriptions(t.Context(), nil), subscriptionID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Len(t, ids, 50)
		require.Len(t, p.Asked, 2)
	})
}

// Where no parameter for a second page is documented, none is invented, and the
// rest is not passed over in silence.
func TestListsWithoutADocumentedSecondPageSayWhatIsMissing(t *testing.T) {
	p := servePages(t, func(int, *http.Request) (int, string) {
		return 200, pageFixture(t, "listChargebacks.response.200.json")
	})
	ids, err := pagingtest.Collect(t, p.client.AllChargebacks(t.Context()), func(c ecartpay.Chargeback) string { return c.ID })
	require.NoError(t, err)
	require.Equal(t, []string{"646275d23963944d8d8f01b0"}, ids)

	p = servePages(t, func(int, *http.Request) (int, string) {
		return 200, strings.Replace(pageFixture(t, "listChargebacks.response.200.json"), `"pages": 1`, `"pages": 2`, 1)
	})
	ids, err = pagingtest.Collect(t, p.client.AllChargebacks(t.Context()), func(c ecartpay.Chargeback) string { return c.ID })
	require.ErrorIs(t, err, paging.ErrIncomplete)
	require.Len(t, ids, 1)
	require.Len(t, p.Asked, 1)

	p = servePages(t, func(int, *http.Request) (int, string) {
		return 200, pageFixture(t, "listSubscriptions.response.200.json")
	})
	ids, err = pagingtest.Collect(t, p.client.AllMySubscriptions(t.Context()), subscriptionID)
	require.ErrorIs(t, err, paging.ErrIncomplete, "the recorded page tells of a second one")
	require.Len(t, ids, 50)

	for pages, want := range map[string]error{`,"pages":1`: nil, ``: nil, `,"pages":2`: paging.ErrIncomplete} {
		p = servePages(t, func(int, *http.Request) (int, string) { return 200, `{"count":1,"docs":[{"id":"c1"}]` + pages + `}` })
		ids, err = pagingtest.Collect(t, p.client.AllCustomers(t.Context(), &ecartpay.ListCustomersParams{UserID: new("7")}), func(c ecartpay.Customer) string { return c.ID })
		require.ErrorIs(t, err, want)
		require.Equal(t, []string{"c1"}, ids)
		require.Equal(t, []string{"GET /api/customers?user_id=7"}, p.Asked)
	}
}

// Page 10 is the last that can be asked for by number.
func TestAllTransactionsFollowsTokensBeyondPageTen(t *testing.T) {
	p := servePages(t, func(n int, r *http.Request) (int, string) {
		next := fmt.Sprintf(`,"token_page":"dG9rZW4%d","next_token":"bmV4dA%d="`, n, n)
		if n == 12 {
			next = ""
		}
		return 200, fmt.Sprintf(`{"docs":[{"id":"t%d"}]%s}`, n, next)
	})
	params := &ecartpay.ListTransactionsParams{Type: new("payment"), Limit: new(1), Prev: new("x")}
	ids, err := pagingtest.Collect(t, p.client.AllTransactions(t.Context(), params), rawID)
	require.NoError(t, err)
	require.Len(t, ids, 12)
	require.Equal(t, "GET /api/transactions?type=payment&limit=1", p.Asked[0])
	require.Equal(t, "GET /api/transactions?type=payment&page=10&limit=1", p.Asked[9])
	require.Equal(t, "GET /api/transactions?type=payment&limit=1&next=bmV4dA10%3D", p.Asked[10])
	require.Equal(t, "GET /api/transactions?type=payment&limit=1&next=bmV4dA11%3D", p.Asked[11])
	require.Nil(t, params.Page, "the caller's parameters were changed")
	require.Nil(t, params.Next, "the caller's parameters were changed")
}

func TestAllTransactionsStops(t *testing.T) {
	t.Run("at an empty page", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			return 200, []string{`{"docs":[{"id":"t1"}],"next_token":"x"}`, `{"docs":[]}`}[n-1]
		})
		ids, err := pagingtest.Collect(t, p.client.AllTransactions(t.Context(), nil), rawID)
		require.NoError(t, err)
		require.Equal(t, []string{"t1"}, ids)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, `{"docs":[{"id":"t1"}],"next_token":"x"}` })
		for _, params := range []*ecartpay.ListTransactionsParams{nil, {Next: new("x")}, {Page: new(10)}} {
			ids, err := pagingtest.Collect(t, p.client.AllTransactions(t.Context(), params), rawID)
			require.ErrorIs(t, err, paging.ErrNoProgress)
			require.Equal(t, []string{"t1"}, ids)
		}
	})
	t.Run("at an answer without a list", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, `{"next_token":"x"}` })
		_, err := pagingtest.Collect(t, p.client.AllTransactions(t.Context(), nil), rawID)
		require.ErrorIs(t, err, paging.ErrShape)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 403, `{}`
			}
			return 200, `{"docs":[{"id":"t1"}]}`
		})
		_, err := pagingtest.Collect(t, p.client.AllTransactions(t.Context(), nil), rawID)
		require.ErrorIs(t, err, ecartpay.ErrForbidden)
	})
}

// The answers of these two are not documented; both shapes exist in this API.
func TestUndocumentedListsAreReadInEitherShape(t *testing.T) {
	for name, shape := range map[string]struct {
		pages []string
		asked int
	}{
		"bare array, until empty": {[]string{`[{"id":"a"},{"id":"b"}]`, `[{"id":"c"}]`, `[]`}, 3},
		"envelope with pages":     {[]string{`{"count":3,"docs":[{"id":"a"},{"id":"b"}],"pages":2}`, `{"count":3,"docs":[{"id":"c"}],"pages":2}`}, 2},
		"envelope without pages":  {[]string{`{"docs":[{"id":"a"},{"id":"b"}]}`, `{"docs":[{"id":"c"}]}`, `{"docs":[]}`}, 3},
		"list under another name": {[]string{`{"invoices":[{"id":"a"},{"id":"b"}]}`, `{"invoices":[{"id":"c"}]}`, `{"invoices":[]}`}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			reply := func(n int, _ *http.Request) (int, string) { return 200, shape.pages[n-1] }
			p := servePages(t, reply)
			ids, err := pagingtest.Collect(t, p.client.AllWithdrawals(t.Context(), &ecartpay.ListWithdrawalsParams{Limit: new(2), DateStart: new("2024-01-01")}), rawID)
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, ids)
			require.Len(t, p.Asked, shape.asked)
			require.Contains(t, p.Asked[1], "page=2")

			p = servePages(t, reply)
			ids, err = pagingtest.Collect(t, p.client.AllInvoices(t.Context(), &ecartpay.ListInvoicesParams{Year: new(2024)}), rawID)
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, ids)
			require.Contains(t, p.Asked[1], "page=2")
		})
	}
	p := servePages(t, func(int, *http.Request) (int, string) { return 200, `[{"id":"a"}]` })
	_, err := pagingtest.Collect(t, p.client.AllWithdrawals(t.Context(), nil), rawID)
	require.ErrorIs(t, err, paging.ErrNoProgress)
	_, err = pagingtest.Collect(t, p.client.AllInvoices(t.Context(), nil), rawID)
	require.ErrorIs(t, err, paging.ErrNoProgress)
	p = servePages(t, func(int, *http.Request) (int, string) { return 200, `"x"` })
	_, err = pagingtest.Collect(t, p.client.AllWithdrawals(t.Context(), nil), rawID)
	require.ErrorIs(t, err, paging.ErrShape)
}

func rawID(raw json.RawMessage) string {
	var item struct{ ID string }
	_ = json.Unmarshal(raw, &item)
	return item.ID
}
