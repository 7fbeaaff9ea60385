// Package operation names what a request does, so that a middleware, a log
// line or a retry policy can decide by it instead of guessing from the HTTP
// method: many reads of these providers are POSTs.
//
// The generated clients tag every request; read the tag with [From].
package operation

import (
	"context"
	"sync/atomic"
)

// Effect says what sending a request changes at the provider. It is written
// in the OpenAPI document as x-effect.
type Effect string

const (
	// Read changes nothing and may be repeated.
	Read Effect = "read"
	// Write may move money or state. It is never sent twice by this module.
	Write Effect = "write"
	// Auth issues or renews tokens. Repeating it costs a token, not money.
	Auth Effect = "auth"
)

// Operation is one call of a provider's API.
type Operation struct {
	Provider string // such as "kuna"
	ID       string // the operationId, such as "createCustomer"
	Method   string // the HTTP method
	Path     string // the path template, such as "/api/orders/{id}"; never the filled-in path
	Effect   Effect
	// Security names the schemes of the document that open the operation, the
	// first one preferred; none if it needs no credentials.
	Security []string
	// SingleUse: an Auth operation that spends a token or code which works once.
	SingleUse bool
	// Outcome tells, for a Write, how to find out what happened when no
	// answer came: which read to make and which field to look at.
	Outcome string
}

// String returns "provider.operationId".
func (o Operation) String() string { return o.Provider + "." + o.ID }

type key struct{}

// tag is a context that carries the operation and counts the attempts of one
// call. It is a context itself, and not a value in one, to save an allocation.
type tag struct {
	context.Context
	op       *Operation
	attempts atomic.Int32
}

// Value implements context.Context.
func (t *tag) Value(k any) any {
	if k == (key{}) {
		return t
	}
	return t.Context.Value(k)
}

// With returns a context that carries the operation and counts the attempts of
// one call.
func With(ctx context.Context, op *Operation) context.Context {
	return &tag{Context: ctx, op: op}
}

// From returns the operation that the request with this context performs. It
// is false for requests that no generated client built.
func From(ctx context.Context) (Operation, bool) {
	if t, ok := ctx.Value(key{}).(*tag); ok {
		return *t.op, true
	}
	return Operation{}, false
}

// EffectOf is the effect of [From]; empty if there is no operation.
func EffectOf(ctx context.Context) Effect {
	if t, ok := ctx.Value(key{}).(*tag); ok {
		return t.op.Effect
	}
	return ""
}

// NextAttempt counts one more attempt of the call with this context and returns
// its number: 1 for the first, and for a context without an operation.
func NextAttempt(ctx context.Context) int {
	if t, ok := ctx.Value(key{}).(*tag); ok {
		return int(t.attempts.Add(1))
	}
	return 1
}
