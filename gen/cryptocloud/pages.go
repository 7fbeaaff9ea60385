package cryptocloud

import (
	"context"
	"iter"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

// maxInvoices is how many records one answer holds at most.
const maxInvoices = 100

// AllInvoices yields the invoices of a period, from body.Offset on. body.Limit is
// how many one request asks for, 100 if not set.
//
// The surprise: CryptoCloud documents limit as the number of the last record,
// not as a count, so limit goes out as offset plus that number. The next offset
// is counted from the records that came, so nothing is left out should limit be
// a count after all. It stops after the first error; paging.ErrNoProgress is a
// page that came before, or an empty one before all_count is reached.
func (c *Client) AllInvoices(ctx context.Context, body ListInvoicesRequest, editors ...RequestEditorFn) iter.Seq2[Invoice, error] {
	size := maxInvoices
	if body.Limit != nil && *body.Limit > 0 {
		size = min(size, *body.Limit)
	}
	key := func(i Invoice) string { return i.UUID }
	return paging.All(ctx, "cryptocloud: listInvoices", key, func() paging.Next[Invoice] {
		b, offset := body, at(body.Offset)
		return func(ctx context.Context) ([]Invoice, paging.More, error) {
			b.Offset, b.Limit = new(offset), new(offset+size)
			list, err := c.ListInvoices(ctx, b, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			offset += len(list.Result)
			return list.Result, until(list.AllCount, offset), nil
		}
	})
}

// AllStaticWallets yields the static wallets, from body.Offset on. body.Limit,
// which CryptoCloud takes for 100 if not set, goes out as it is: that it is a
// count here is known from a client only. It stops after the first error;
// paging.ErrNoProgress is a page that came before, or an empty one before
// all_count is reached.
func (c *Client) AllStaticWallets(ctx context.Context, body ListStaticWalletsRequest, editors ...RequestEditorFn) iter.Seq2[StaticWallet, error] {
	key := func(w StaticWallet) string { return w.UUID }
	return paging.All(ctx, "cryptocloud: listStaticWallets", key, func() paging.Next[StaticWallet] {
		b, offset := body, at(body.Offset)
		return func(ctx context.Context) ([]StaticWallet, paging.More, error) {
			if offset > 0 || body.Offset != nil {
				b.Offset = new(offset)
			}
			list, err := c.ListStaticWallets(ctx, b, editors...)
			if err != nil {
				return nil, paging.No, err
			}
			offset += len(list.StaticWallets)
			return list.StaticWallets, until(list.AllCount, offset), nil
		}
	})
}

func at(offset *int) int {
	if offset == nil {
		return 0
	}
	return *offset
}

func until(all *int, offset int) paging.More {
	switch {
	case all == nil:
		return paging.Unknown
	case offset < *all:
		return paging.Yes
	}
	return paging.No
}
