package kuna_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/kuna"
	"github.com/seed-4fcf5cf3/payclients/gen/paging"
	"github.com/seed-4fcf5cf3/payclients/gen/paging/pagingtest"
)

// pageServer is a server of pages and a client of it.
type pageServer struct {
	*pagingtest.Server
	client *kuna.Client
}

func servePages(t *testing.T, reply func(n int, r *http.Request) (status int, body string)) *pageServer {
	t.Helper()
	s := pagingtest.Serve(t, reply)
	client, err := kuna.NewClient(s.URL)
	require.NoError(t, err)
	return &pageServer{s, client}
}

func customers(ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"id":%q,"email":"a@example.test","walletId":"w"}`, id))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func customerID(raw json.RawMessage) string {
	var c struct{ ID string }
	_ = json.Unmarshal(raw, &c)
	return c.ID
}

// How findCustomers answers is not documented.
func TestAllCustomersTakesAnyShapeWithOneList(t *testing.T) {
	for _, shape := range []string{`{"data":%s}`, `{"data":{"items":%s,"count":3}}`} {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			return 200, fmt.Sprintf(shape, []string{customers("a", "b"), customers("c"), customers()}[n-1])
		})
		body := kuna.FindCustomersRequest{Email: new("a@example.test"), Take: new(2)}
		ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), body), customerID)
		require.NoError(t, err, shape)
		require.Equal(t, []string{"a", "b", "c"}, ids)
		require.Equal(t, []string{
			`POST /v2/customer/find {"email":"a@example.test","take":2}`,
			`POST /v2/customer/find {"email":"a@example.test","skip":2,"take":2}`,
			`POST /v2/customer/find {"email":"a@example.test","skip":3,"take":2}`,
		}, p.Asked)
		require.Nil(t, body.Skip, "the caller's body was changed")
	}
	p := servePages(t, func(int, *http.Request) (int, string) { return 200, `{"data":{"a":[],"b":[]}}` })
	_, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), kuna.FindCustomersRequest{}), customerID)
	require.ErrorIs(t, err, paging.ErrShape)
}

func TestAllCustomersStops(t *testing.T) {
	t.Run("when the loop breaks", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, `{"data":` + customers("a", "b") + `}` })
		for range p.client.AllCustomers(t.Context(), kuna.FindCustomersRequest{}) {
			break
		}
		require.Len(t, p.Asked, 1)
	})
	t.Run("at an error on page 2", func(t *testing.T) {
		p := servePages(t, func(n int, _ *http.Request) (int, string) {
			if n == 2 {
				return 401, `{"errors":[{"code":"UNAUTHORIZED","message":{"name":"TokenExpiredError","message":"jwt expired","expiredAt":"2024-02-06T17:45:15.000Z"}}]}`
			}
			return 200, `{"data":` + customers("a") + `}`
		})
		ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), kuna.FindCustomersRequest{}), customerID)
		require.ErrorIs(t, err, kuna.ErrUnauthorized)
		require.Equal(t, []string{"a"}, ids)
	})
	t.Run("at a page that repeats", func(t *testing.T) {
		p := servePages(t, func(int, *http.Request) (int, string) { return 200, `{"data":` + customers("a") + `}` })
		ids, err := pagingtest.Collect(t, p.client.AllCustomers(t.Context(), kuna.FindCustomersRequest{}), customerID)
		require.ErrorIs(t, err, paging.ErrNoProgress)
		require.Equal(t, []string{"a"}, ids)
	})
}

func TestAllOperationsSkipsInTheQuery(t *testing.T) {
	operation := func(id string) string {
		// The documented operation, as far as its sample goes.
		return `{"id":"` + id + `","walletId":"1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5","type":"BuyToSendCrypto","status":"Completed","sourceAsset":"EUR","targetAsset":"USDT","targetAmount":"15.07768"}`
	}
	p := servePages(t, func(n int, _ *http.Request) (int, string) {
		return 200, []string{`{"data":[` + operation("a") + `,` + operation("b") + `]}`, `{"data":[` + operation("c") + `]}`, `{"data":[]}`}[n-1]
	})
	operationID := func(o kuna.Operation) string { return o.ID }
	params := &kuna.FindOperationsParams{Take: new(2), Skip: new(0)}
	ids, err := pagingtest.Collect(t, p.client.AllOperations(t.Context(), params, kuna.FindOperationsRequest{ExternalID: new("order-4711")}), operationID)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, ids)
	require.Equal(t, []string{
		`POST /v2/operation/find?take=2 {"externalId":"order-4711"}`, // a skip of 0 is less than documented
		`POST /v2/operation/find?skip=2&take=2 {"externalId":"order-4711"}`,
		`POST /v2/operation/find?skip=3&take=2 {"externalId":"order-4711"}`,
	}, p.Asked)
	require.Equal(t, 0, *params.Skip, "the caller's parameters were changed")

	p = servePages(t, func(int, *http.Request) (int, string) { return 200, `{"data":[` + operation("a") + `]}` })
	ids, err = pagingtest.Collect(t, p.client.AllOperations(t.Context(), nil, kuna.FindOperationsRequest{}), operationID)
	require.ErrorIs(t, err, paging.ErrNoProgress)
	require.Equal(t, []string{"a"}, ids)
}
