package paging_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/paging"
)

type page struct {
	items []string
	more  paging.More
	err   error
}

// pages answers with one page after another, and with the last one for ever.
func pages(list ...page) func() paging.Next[string] {
	return func() paging.Next[string] {
		i := -1
		return func(context.Context) ([]string, paging.More, error) {
			i = min(i+1, len(list)-1)
			return list[i].items, list[i].more, list[i].err
		}
	}
}

func TestAllKnowsWhenToStop(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		name  string
		pages []page
		want  []string
		err   error
	}{
		{name: "one page, said to be the last", pages: []page{{[]string{"a", "b"}, paging.No, nil}}, want: []string{"a", "b"}},
		{name: "nothing at all", pages: []page{{nil, paging.No, nil}}},
		{name: "nothing, and nobody said whether", pages: []page{{nil, paging.Unknown, nil}}},
		{name: "two pages", pages: []page{{[]string{"a"}, paging.Yes, nil}, {[]string{"b"}, paging.No, nil}}, want: []string{"a", "b"}},
		{name: "until a page is empty", pages: []page{{[]string{"a"}, paging.Unknown, nil}, {[]string{"b"}, paging.Unknown, nil}, {nil, paging.Unknown, nil}}, want: []string{"a", "b"}},
		{name: "last page is empty", pages: []page{{[]string{"a"}, paging.Yes, nil}, {nil, paging.No, nil}}, want: []string{"a"}},
		{name: "error on page 2", pages: []page{{[]string{"a"}, paging.Yes, nil}, {nil, paging.No, boom}}, want: []string{"a"}, err: boom},
		{name: "the same page for ever", pages: []page{{[]string{"a", "b"}, paging.Yes, nil}}, want: []string{"a", "b"}, err: paging.ErrNoProgress},
		{name: "the same page for ever, unknown", pages: []page{{[]string{"a"}, paging.Unknown, nil}}, want: []string{"a"}, err: paging.ErrNoProgress},
		{name: "the first page as the last", pages: []page{{[]string{"a"}, paging.Yes, nil}, {[]string{"a"}, paging.No, nil}}, want: []string{"a"}, err: paging.ErrNoProgress},
		{name: "the same items in another order", pages: []page{{[]string{"a", "b"}, paging.Yes, nil}, {[]string{"b", "a"}, paging.Yes, nil}}, want: []string{"a", "b"}, err: paging.ErrNoProgress},
		{name: "back to an earlier page", pages: []page{{[]string{"a"}, paging.Yes, nil}, {[]string{"b"}, paging.Yes, nil}, {[]string{"a"}, paging.Yes, nil}}, want: []string{"a", "b"}, err: paging.ErrNoProgress},
		{name: "an overlap is no standstill", pages: []page{{[]string{"a", "b"}, paging.Yes, nil}, {[]string{"b", "c"}, paging.No, nil}}, want: []string{"a", "b", "b", "c"}},
		{name: "empty, and more is promised", pages: []page{{[]string{"a"}, paging.Yes, nil}, {nil, paging.Yes, nil}}, want: []string{"a"}, err: paging.ErrNoProgress},
		{name: "more, and no way to ask", pages: []page{{[]string{"a"}, paging.Beyond, nil}}, want: []string{"a"}, err: paging.ErrIncomplete},
		{name: "empty, more, and no way to ask", pages: []page{{nil, paging.Beyond, nil}}, err: paging.ErrIncomplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all := paging.All(t.Context(), "p: list", func(s string) string { return s }, pages(tc.pages...))
			for range 2 { // it can be ranged over again
				var got []string
				var err error
				for s, e := range all {
					require.NoError(t, err, "it went on after an error")
					if err = e; err == nil {
						got = append(got, s)
					} else {
						require.Empty(t, s)
					}
				}
				require.Equal(t, tc.want, got)
				require.ErrorIs(t, err, tc.err)
			}
		})
	}
}

func TestAllStopsWithTheLoopAndTheContext(t *testing.T) {
	asked := 0
	endless := func() paging.Next[int] {
		n := 0
		return func(context.Context) ([]int, paging.More, error) {
			asked++
			n += 2
			return []int{n - 1, n}, paging.Yes, nil
		}
	}
	for i, err := range paging.All(t.Context(), "p: list", nil, endless) {
		require.NoError(t, err)
		if i == 3 {
			break
		}
	}
	require.Equal(t, 2, asked, "a page was asked for that nobody wanted")

	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var got []int
	var err error
	for i, e := range paging.All(ctx, "p: list", nil, endless) {
		if err = e; err != nil {
			continue
		}
		got = append(got, i)
		cancel()
	}
	require.Equal(t, []int{1}, got)
	require.ErrorIs(t, err, context.Canceled)

	asked = 0
	for range paging.All(ctx, "p: list", nil, endless) {
	}
	require.Zero(t, asked, "nothing is asked once the context is over")
}

// An id that stays tells items apart even if the rest of them moves.
func TestKeyDecidesWhatIsNew(t *testing.T) {
	type item struct {
		ID   string
		Seen int
	}
	n := 0
	next := func() paging.Next[item] {
		return func(context.Context) ([]item, paging.More, error) {
			n++
			return []item{{"a", n}}, paging.Yes, nil
		}
	}
	var last error
	for _, last = range paging.All(t.Context(), "p: list", func(i item) string { return i.ID }, next) {
	}
	require.ErrorIs(t, last, paging.ErrNoProgress)
	require.Equal(t, 2, n)

	// Without an id the whole item counts.
	same := func() paging.Next[item] {
		return func(context.Context) ([]item, paging.More, error) { return []item{{"", 1}}, paging.Yes, nil }
	}
	for _, last = range paging.All(t.Context(), "p: list", func(i item) string { return i.ID }, same) {
	}
	require.ErrorIs(t, last, paging.ErrNoProgress)
}

func TestListFindsTheOnlyList(t *testing.T) {
	for _, tc := range []struct {
		answer, name string
		want         int
		err          error
	}{
		{answer: `[]`},
		{answer: `[1,2]`, want: 2},
		{answer: `null`},
		{answer: `{"docs":[1,2],"count":2}`, name: "docs", want: 2},
		{answer: `{"docs":[1,2],"other":[]}`, name: "docs", want: 2},
		{answer: `{"docs":{},"other":[]}`, name: "docs", err: paging.ErrShape},
		{answer: `{"items":[1],"total":5}`, name: "docs", want: 1},
		{answer: `{"items":[1],"more":[2]}`, name: "docs", err: paging.ErrShape},
		{answer: `{"total":5}`, err: paging.ErrShape},
		{answer: `{"items":null}`, err: paging.ErrShape},
		{answer: `"x"`, err: paging.ErrShape},
		{answer: `{`, err: paging.ErrShape},
		{answer: ``, err: paging.ErrShape},
	} {
		got, err := paging.List(json.RawMessage(tc.answer), tc.name)
		require.ErrorIs(t, err, tc.err, tc.answer)
		require.Len(t, got, tc.want, tc.answer)
	}
}
