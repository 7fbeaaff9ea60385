package authn_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// The three that the bar compares: run them together,
//
//	go test -run '^$' -bench HotPath ./authn

const benchGoroutinesPerProc = 32 // 64 goroutines on the two cores of our CI

func BenchmarkHotPathTimeNow(b *testing.B) {
	b.SetParallelism(benchGoroutinesPerProc)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if time.Now().IsZero() {
				b.Error("zero")
			}
		}
	})
}

func BenchmarkHotPathSession(b *testing.B) {
	s, err := authn.NewSession(authn.Flow{
		Provider: "bench",
		Login: func(context.Context) (authn.Grant, error) {
			return authn.Grant{Access: "a-token", Life: time.Hour}, nil
		},
	})
	require.NoError(b, err)
	ctx := b.Context()
	_, err = s.Token(ctx)
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetParallelism(benchGoroutinesPerProc)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if tok, err := s.Token(ctx); err != nil || tok.Access == "" {
				b.Error(err)
			}
		}
	})
}

func BenchmarkHotPathOAuth2Reuse(b *testing.B) {
	ts := oauth2.ReuseTokenSource(nil, oauth2.StaticTokenSource(&oauth2.Token{
		AccessToken: "a-token", Expiry: time.Now().Add(time.Hour),
	}))
	b.SetParallelism(benchGoroutinesPerProc)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if tok, err := ts.Token(); err != nil || tok.AccessToken == "" {
				b.Error(err)
			}
		}
	})
}
