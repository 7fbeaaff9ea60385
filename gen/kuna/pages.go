package kuna

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// AllCustomers yields the customers that body describes, from body.Skip on,
// each as the JSON that came: what findCustomers answers is not documented. Try
// to decode them into [Customer]. The list is `data` itself or its only array;
// anything else is paging.ErrShape.
//
// Kuna tells neither a total nor a last page, so it asks until a page is empty.
// It stops after the first error; paging.ErrNoProgress is a page that came before.
func (c *Client) AllCustomers(ctx context.Context, body FindCustomersRequest, editors ...RequestEditorFn) iter.Seq2[json.RawMessage, error] {
	key := func(raw json.RawMessage) string {
		var customer struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &customer) != nil {
			return ""
		}
		return customer.ID
	}
	return paging.All(ctx, "kuna: findCustomers", key, func() paging.Next[json.RawMessage] {
		b, skip := body, 0
		if body.Skip != nil {
			skip = *body.Skip
		}
		return func(ctx context.Context) ([]json.RawMessage, paging.More, error) {
			answer, err := c.FindCustomers(ctx, b, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			list, err := paging.List(answer.Data, "")
			if err != nil {
				return nil, paging.No, fmt.Errorf("kuna: findCustomers: %w", err)
			}
			skip += len(list)
			b.Skip = new(skip)
			return list, paging.Unknown, nil
		}
	})
}

// AllOperations yields the operations that body describes, from params.Skip on.
// skip and take stand in the query here, though the filter is a body; skip goes
// out from 1 on, which is the least that is documented. For the rest it works
// like [Client.AllCustomers].
func (c *Client) AllOperations(ctx context.Context, params *FindOperationsParams, body FindOperationsRequest, editors ...RequestEditorFn) iter.Seq2[Operation, error] {
	var first FindOperationsParams
	if params != nil {
		first = *params
	}
	key := func(o Operation) string { return o.ID }
	return paging.All(ctx, "kuna: findOperations", key, func() paging.Next[Operation] {
		p, skip := first, 0
		if p.Skip != nil {
			skip = *p.Skip
		}
		return func(ctx context.Context) ([]Operation, paging.More, error) {
			p.Skip = nil
			if skip > 0 {
				p.Skip = new(skip)
			}
			list, err := c.FindOperations(ctx, &p, body, editors...)
			skip += len(list)
			return list, paging.Unknown, err
		}
	})
}
