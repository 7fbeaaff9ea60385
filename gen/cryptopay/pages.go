package cryptopay

import (
	"context"
	"iter"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// AllPaymentOrders yields the orders of all pages, from params.Page or the
// first. It counts pages itself: the answer's links drop page_size. It stops
// after the first error; paging.ErrNoProgress is a page that came before.
func (c *Client) AllPaymentOrders(ctx context.Context, params *ListPaymentOrdersParams, editors ...RequestEditorFn) iter.Seq2[PaymentOrder, error] {
	var first ListPaymentOrdersParams
	if params != nil {
		first = *params
	}
	key := func(o PaymentOrder) string { return o.OrderID }
	return paging.All(ctx, "cryptopay: listPaymentOrders", key, func() paging.Next[PaymentOrder] {
		p, page := first, pageOf(first.Page)
		return func(ctx context.Context) ([]PaymentOrder, paging.More, error) {
			answer, err := c.ListPaymentOrders(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			page++
			p.Page = new(page)
			return answer.Results, linked(answer.Next), nil
		}
	})
}

// AllTransactions yields the transactions of all pages, with the filters of
// params on each of them. It works like [Client.AllPaymentOrders].
func (c *Client) AllTransactions(ctx context.Context, params *ListTransactionsParams, editors ...RequestEditorFn) iter.Seq2[TransactionSummary, error] {
	var first ListTransactionsParams
	if params != nil {
		first = *params
	}
	// No key: one transaction on the chain may be several in the list.
	return paging.All(ctx, "cryptopay: listTransactions", nil, func() paging.Next[TransactionSummary] {
		p, page := first, pageOf(first.Page)
		return func(ctx context.Context) ([]TransactionSummary, paging.More, error) {
			answer, err := c.ListTransactions(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			page++
			p.Page = new(page)
			return answer.Results, linked(answer.Next), nil
		}
	})
}

func pageOf(page *PageNumber) int {
	if page == nil {
		return 1
	}
	return *page
}

func linked(next *string) paging.More {
	if next == nil || *next == "" {
		return paging.No
	}
	return paging.Yes
}
