package operation_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

var pay = operation.Operation{Provider: "shop", ID: "pay", Effect: operation.Write}

func TestTheTagTravelsWithTheContext(t *testing.T) {
	type key struct{}
	base, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "v"), time.Hour)
	ctx := operation.With(base, &pay)
	derived, cancelDerived := context.WithTimeout(ctx, time.Minute)
	defer cancelDerived()
	op, ok := operation.From(derived)
	require.True(t, ok)
	require.Equal(t, "shop.pay", op.String())
	require.Equal(t, operation.Write, operation.EffectOf(derived))
	require.Equal(t, "v", derived.Value(key{}))
	require.Equal(t, []int{1, 2}, []int{operation.NextAttempt(derived), operation.NextAttempt(ctx)}, "attempts of one call")
	require.Equal(t, 1, operation.NextAttempt(operation.With(base, &pay)), "another call")
	cancel()
	require.ErrorIs(t, derived.Err(), context.Canceled)
	require.ErrorIs(t, ctx.Err(), context.Canceled)

	_, ok = operation.From(context.Background())
	require.False(t, ok)
	require.Empty(t, operation.EffectOf(context.Background()))
	require.Equal(t, 1, operation.NextAttempt(context.Background()))
}

func TestCapture(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://h", nil)
	require.NoError(t, err)
	require.Nil(t, operation.Captured(req.Context()))
	r := operation.Response{Status: 500}
	require.NoError(t, operation.Capture(&r)(context.Background(), req))
	require.Same(t, &r, operation.Captured(req.Context()))
	require.Zero(t, r, "what an earlier call left is gone")
	require.Error(t, operation.Capture(nil)(context.Background(), req))
}
