package crypterium

import (
	"context"
	"iter"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// AllCustomers yields the customers of all pages, from params.PageNumber or 0.
// params.Offset, whose meaning beside a page number is not documented, goes out
// with every page as it is. It stops after the first error; paging.ErrNoProgress
// is a page that came before, or an empty one that is not the last.
func (c *Client) AllCustomers(ctx context.Context, params *ListCustomersParams, editors ...RequestEditorFn) iter.Seq2[Customer, error] {
	var first ListCustomersParams
	if params != nil {
		first = *params
	}
	key := func(c Customer) string { return c.CustomerID }
	return paging.All(ctx, "crypterium: listCustomers", key, func() paging.Next[Customer] {
		p, number := first, 0
		if p.PageNumber != nil {
			number = *p.PageNumber
		}
		return func(ctx context.Context) ([]Customer, paging.More, error) {
			page, err := c.ListCustomers(ctx, &p, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			number++
			p.PageNumber = new(number)
			if page.Last {
				return page.Content, paging.No, nil
			}
			return page.Content, paging.Yes, nil
		}
	})
}
