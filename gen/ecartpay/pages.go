package ecartpay

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// AllSubscriptions yields the subscriptions of all pages, from params.Page or
// the first. That page and limit work here is known from the guide's sample. It
// stops after the first error; paging.ErrNoProgress is a page that came before,
// or an empty one that is not the last.
func (c *Client) AllSubscriptions(ctx context.Context, params *ListSubscriptionsParams, editors ...RequestEditorFn) iter.Seq2[Subscription, error] {
	var first ListSubscriptionsParams
	if params != nil {
		first = *params
	}
	key := func(s Subscription) string { return s.ID }
	return paging.All(ctx, "ecartpay: listSubscriptions", key, func() paging.Next[Subscription] {
		p, page := first, pageOf(first.Page)
		return func(ctx context.Context) ([]Subscription, paging.More, error) {
			list, err := c.ListSubscriptions(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			more := upTo(&list.Pages, page)
			page++
			p.Page = new(page)
			return list.Docs, more, nil
		}
	})
}

// AllMySubscriptions yields the caller's subscriptions. How to ask for a second
// page is not documented: if there is one, the last thing it yields is
// paging.ErrIncomplete.
func (c *Client) AllMySubscriptions(ctx context.Context, editors ...RequestEditorFn) iter.Seq2[Subscription, error] {
	return onePage(ctx, "ecartpay: listMySubscriptions", func(s Subscription) string { return s.ID },
		func(ctx context.Context) ([]Subscription, *int, error) {
			list, err := c.ListMySubscriptions(ctx, editors...)
			if err != nil {
				return nil, nil, err
			}
			return list.Docs, &list.Pages, nil
		})
}

// AllChargebacks yields the chargebacks. How to ask for a second page is not
// documented: if there is one, the last thing it yields is paging.ErrIncomplete.
func (c *Client) AllChargebacks(ctx context.Context, editors ...RequestEditorFn) iter.Seq2[Chargeback, error] {
	return onePage(ctx, "ecartpay: listChargebacks", func(c Chargeback) string { return c.ID },
		func(ctx context.Context) ([]Chargeback, *int, error) {
			list, err := c.ListChargebacks(ctx, editors...)
			if err != nil {
				return nil, nil, err
			}
			return list.Docs, &list.Pages, nil
		})
}

// AllCustomers yields the customers that params describe. How to ask for a
// second page is not documented: if there is one, the last thing it yields is
// paging.ErrIncomplete.
func (c *Client) AllCustomers(ctx context.Context, params *ListCustomersParams, editors ...RequestEditorFn) iter.Seq2[Customer, error] {
	var p ListCustomersParams
	if params != nil {
		p = *params
	}
	return onePage(ctx, "ecartpay: listCustomers", func(c Customer) string { return c.ID },
		func(ctx context.Context) ([]Customer, *int, error) {
			list, err := c.ListCustomers(ctx, &p, editors...)
			if err != nil {
				return nil, nil, err
			}
			return list.Docs, list.Pages, nil
		})
}

// AllTransactions yields the transactions that params describe, from params.Page
// or the first, each as the JSON that came: what a transaction looks like is
// documented for chargebacks and payouts only. params.Prev is not used.
//
// Pages end at 10, from there it follows the answers' next_token. The list is
// the member docs, or else the only array in the answer; anything else is
// paging.ErrShape. For the rest it works like [Client.AllWithdrawals].
func (c *Client) AllTransactions(ctx context.Context, params *ListTransactionsParams, editors ...RequestEditorFn) iter.Seq2[json.RawMessage, error] {
	const lastPage = 10
	var first ListTransactionsParams
	if params != nil {
		first = *params
	}
	first.Prev = nil
	return paging.All(ctx, "ecartpay: listTransactions", rawID, func() paging.Next[json.RawMessage] {
		p, page := first, pageOf(first.Page)
		byToken := p.Next != nil
		return func(ctx context.Context) ([]json.RawMessage, paging.More, error) {
			answer, err := c.ListTransactions(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			list, err := paging.Member(answer.AdditionalProperties, "docs")
			if err != nil {
				return nil, paging.No, fmt.Errorf("ecartpay: listTransactions: %w", err)
			}
			if !byToken && page < lastPage {
				page++
				p.Page = new(page)
				return list, paging.Unknown, nil
			}
			if answer.NextToken == nil || *answer.NextToken == "" {
				return list, paging.No, nil
			}
			byToken, p.Page, p.Next = true, nil, answer.NextToken
			return list, paging.Unknown, nil
		}
	})
}

// AllWithdrawals yields the withdrawals that params describe, from params.Page or
// the first, each as the JSON that came: the answer is not documented. The list
// is the answer itself, its member docs, or its only array; anything else is
// paging.ErrShape.
//
// It asks until a page is empty, or up to the number of pages if the answer
// tells it. It stops after the first error; paging.ErrNoProgress is a page that
// came before.
func (c *Client) AllWithdrawals(ctx context.Context, params *ListWithdrawalsParams, editors ...RequestEditorFn) iter.Seq2[json.RawMessage, error] {
	var first ListWithdrawalsParams
	if params != nil {
		first = *params
	}
	return paging.All(ctx, "ecartpay: listWithdrawals", rawID, func() paging.Next[json.RawMessage] {
		p, page := first, pageOf(first.Page)
		return func(ctx context.Context) ([]json.RawMessage, paging.More, error) {
			answer, err := c.ListWithdrawals(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			list, more, err := rawPage(answer, page)
			if err != nil {
				return nil, more, fmt.Errorf("ecartpay: listWithdrawals: %w", err)
			}
			page++
			p.Page = new(page)
			return list, more, nil
		}
	})
}

// AllInvoices yields the client invoices that params describe, each as the JSON
// that came. It works like [Client.AllWithdrawals].
func (c *Client) AllInvoices(ctx context.Context, params *ListInvoicesParams, editors ...RequestEditorFn) iter.Seq2[json.RawMessage, error] {
	var first ListInvoicesParams
	if params != nil {
		first = *params
	}
	return paging.All(ctx, "ecartpay: listInvoices", rawID, func() paging.Next[json.RawMessage] {
		p, page := first, pageOf(first.Page)
		return func(ctx context.Context) ([]json.RawMessage, paging.More, error) {
			answer, err := c.ListInvoices(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			list, more, err := rawPage(answer, page)
			if err != nil {
				return nil, more, fmt.Errorf("ecartpay: listInvoices: %w", err)
			}
			page++
			p.Page = new(page)
			return list, more, nil
		}
	})
}

// onePage is for envelopes that count pages where no parameter asks for one.
func onePage[T any](ctx context.Context, name string, key func(T) string, fetch func(context.Context) ([]T, *int, error)) iter.Seq2[T, error] {
	return paging.All(ctx, name, key, func() paging.Next[T] {
		return func(ctx context.Context) ([]T, paging.More, error) {
			docs, pages, err := fetch(ctx)
			if pages != nil && *pages > 1 {
				return docs, paging.Beyond, err
			}
			return docs, paging.No, err
		}
	})
}

func rawPage(answer json.RawMessage, page int) ([]json.RawMessage, paging.More, error) {
	list, err := paging.List(answer, "docs")
	if err != nil {
		return nil, paging.No, err
	}
	var envelope struct {
		Pages *int `json:"pages"`
	}
	_ = json.Unmarshal(answer, &envelope) // a bare array has none
	return list, upTo(envelope.Pages, page), nil
}

func rawID(item json.RawMessage) string {
	var named struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(item, &named) != nil {
		return ""
	}
	return named.ID
}

func pageOf(page *int) int {
	if page == nil {
		return 1
	}
	return *page
}

// upTo compares a page with the number of pages, if it is told.
func upTo(pages *int, page int) paging.More {
	switch {
	case pages == nil:
		return paging.Unknown
	case page < *pages:
		return paging.Yes
	}
	return paging.No
}
