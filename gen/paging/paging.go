// Package paging walks a list page by page for the All… methods of the clients.
// Each provider's package knows how its pages are asked for; this one knows when
// to stop.
package paging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
)

var (
	// ErrNoProgress: the provider says that there is more and sends nothing new,
	// such as the same page again. What was yielded before is not the whole list.
	ErrNoProgress = errors.New("the list does not advance")
	// ErrIncomplete: the provider says that there is more, and how to ask for it
	// is not documented. What was yielded before is not the whole list.
	ErrIncomplete = errors.New("the list goes on, and how to ask for the rest is not documented")
)

// More is what an answer tells about the pages after it.
type More int

const (
	Unknown More = iota // nothing: ask again until a page is empty
	Yes                 // there are more
	No                  // this was the last
	Beyond              // there are more, and nobody knows how to ask: ErrIncomplete
)

// Next asks for the next page. It keeps its own count of where it is.
type Next[T any] func(ctx context.Context) ([]T, More, error)

// All yields the items of all pages in the provider's order. It calls start once
// per range, so that the result can be ranged over again from the beginning.
//
// It stops after the first error, which it yields with a zero item, when the
// loop breaks, and when ctx is over. It never runs for ever on a finite list: a
// page that holds no item which was not there before is ErrNoProgress. key tells
// items apart; where it is nil or gives "", the item's JSON does.
//
// Items that the provider adds or removes meanwhile move the others: one may
// come twice or not at all. The paging of none of the providers prevents that.
func All[T any](ctx context.Context, name string, key func(T) string, start func() Next[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		next := start()
		seed := maphash.MakeSeed()
		seen := map[uint64]struct{}{}
		for page := 1; ; page++ {
			if err := ctx.Err(); err != nil {
				yield(zero, fmt.Errorf("%s: %w", name, err))
				return
			}
			items, more, err := next(ctx)
			if err != nil {
				yield(zero, err)
				return
			}
			if len(items) == 0 && more == Unknown {
				return
			}
			fresh := len(items) == 0 && more != Yes
			for _, it := range items {
				h := maphash.String(seed, identity(it, key))
				if _, ok := seen[h]; !ok {
					fresh = true
					seen[h] = struct{}{}
				}
			}
			// Before the items go out: a page that repeats is not the caller's twice.
			if !fresh {
				yield(zero, fmt.Errorf("%s: page %d: %w", name, page, ErrNoProgress))
				return
			}
			for _, it := range items {
				if err := ctx.Err(); err != nil {
					yield(zero, fmt.Errorf("%s: %w", name, err))
					return
				}
				if !yield(it, nil) {
					return
				}
			}
			switch more {
			case No:
				return
			case Beyond:
				yield(zero, fmt.Errorf("%s: %w", name, ErrIncomplete))
				return
			}
		}
	}
}

func identity[T any](item T, key func(T) string) string {
	if key != nil {
		if k := key(item); k != "" {
			return k
		}
	}
	text, err := json.Marshal(item)
	if err != nil {
		return fmt.Sprintf("%+v", item)
	}
	return string(text)
}

// ErrShape: an answer whose shape is not documented is not one of those in which
// the provider sends its other lists.
var ErrShape = errors.New("the answer is neither a list nor an object with one list")

// List finds the list in an answer whose shape is not documented: the answer
// itself, or the member called name, or else the only member that is an array.
func List(answer json.RawMessage, name string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if json.Unmarshal(answer, &items) == nil {
		return items, nil // null, too, is an empty list
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) != nil {
		return nil, ErrShape
	}
	return Member(members, name)
}

// Member is [List] for an object that is already taken apart.
func Member(members map[string]json.RawMessage, name string) ([]json.RawMessage, error) {
	if raw, ok := members[name]; ok && name != "" {
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) == nil {
			return items, nil
		}
		return nil, ErrShape
	}
	var found []json.RawMessage
	lists := 0
	for _, raw := range members {
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) == nil && items != nil {
			found = items
			lists++
		}
	}
	if lists != 1 {
		return nil, ErrShape
	}
	return found, nil
}
