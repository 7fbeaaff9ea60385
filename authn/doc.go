// Package authn keeps the tokens of login and refresh APIs fresh, in one process
// or in a fleet of them. It knows five payment providers and takes a [Flow] for
// any other API; it needs no generated client.
//
// # In one minute
//
//	session, err := authn.KunaLogin{Email: mail, Password: pw, MerchantID: id}.
//		Session(authn.Config{BaseURL: base})
//	…
//	client := &http.Client{Transport: &authn.Transport{
//		Source: session, Edit: authn.Bearer(session), Expired: authn.KunaExpired, Always: true,
//	}}
//
// A [Session] is a [Source]: Token returns a token that is good for now. An
// [Editor] puts it on a request, and fits the RequestEditorFn of any client that
// oapi-codegen makes. A [Transport] does what is left: on an answer that means
// "token expired" it gets another token and sends the request once more, unless the
// caller had put a credential of its own on it.
//
// For another API, see the example of [NewSession].
//
// # What a session does
//
// While the token is fresh, Token is two atomic loads and one look at the clock.
// From some time before its end (five minutes for most, never more than a quarter
// of its life, spread so that a fleet does not come at once) the first caller
// starts a renewal in the background, and everybody is served the old token.
// Nobody waits before the last tenth of the life, or its last minute.
//
// However many callers wait, there is one exchange. It has its own timeout and
// outlives whoever asked for it, since its answer may hold the only valid refresh
// token; each caller leaves on its own context. If renewal fails, the old token is
// served until it is over, and attempts come at growing distances. If the provider
// refuses the credentials, the session keeps saying so without asking again for a
// minute, then two, up to an hour: a wrong password does not lock the account.
//
// Lives are relative: exp − iat of a JWT, "expires in", or what is documented,
// counted from the start of the exchange. So no clock needs to be right. A token
// of which nobody knows how long it lives is an error, not a token for ever.
//
// A refresh token is sent once. If its answer is lost, the session logs in.
//
// # Stores
//
// [Memory] shares tokens between sessions, [File] between the processes of a
// machine, and package redisstore between machines. A [Store] of your own is three
// methods; package storetest tests it. In SQL it is a table and four statements:
//
//	CREATE TABLE tokens (k TEXT PRIMARY KEY, version NUMERIC, sealed BYTEA, written TIMESTAMPTZ,
//	                     lease TEXT, lease_until TIMESTAMPTZ)
//	Load:    SELECT version, sealed, now() - written FROM tokens WHERE k = $1
//	Swap:    UPDATE tokens SET version = $3, sealed = $4, written = now() WHERE k = $1 AND version = $2
//	Lease:   UPDATE tokens SET lease = $2, lease_until = now() + $3 WHERE k = $1 AND (lease IS NULL OR lease_until < now())
//	Release: UPDATE tokens SET lease = NULL WHERE k = $1 AND lease = $2
//
// each after an INSERT … (k, version) VALUES ($1, 0) ON CONFLICT DO NOTHING, and
// with a [Sealer], so that a backup of the database holds no token.
//
// The key that a store sees is made of the provider, the base URL and the caller's
// key or the account, so clients of two providers, or of sandbox and production,
// may be given one store and one key.
//
// If the store is down, the token at hand is served until it is over. Then a flow
// without refresh tokens logs in by itself; one with refresh tokens does so only
// with [WithLoginWhenStoreIsDown].
//
// # Where credentials may go
//
// A session is bound to the scheme, host and port of its base URL, which must be
// https or loopback: editors refuse other requests ([ErrOrigin]), token calls
// follow no redirect, and [Transport] and [CheckRedirect] hold redirected API
// calls back. A [Secret] prints as [redacted], and no error or log line holds one.
//
// # Errors
//
// A failed exchange is an [*Error] with the provider's status, code and words. Ask
// errors.Is for [ErrRejected] (put the credentials right), [ErrUnavailable] (try
// later) or [ErrNoToken] (the answer is not what is documented).
package authn
