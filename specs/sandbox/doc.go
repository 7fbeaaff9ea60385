// Package sandbox plays five payment providers in your own process, with
// state, with documented errors, and with time and trouble in your hands.
//
//	srv := sandbox.Start(t)
//	cred := srv.Credentials(specs.Kuna)
//	client, err := kuna.New(kuna.Login{Email: cred.Email, Password: authn.Secret(cred.Password), MerchantID: cred.MerchantID},
//		kuna.WithBaseURL(srv.URL(specs.Kuna)), kuna.WithHTTPClient(srv.Client()))
//
//	srv.Advance(31 * time.Minute)                                // tokens expire
//	srv.Inject(sandbox.Fault{Name: "429-seconds", Count: 2})     // trouble
//	srv.Pay(invoice.UUID)                                        // money, and a signed webhook
//
// Every request and every answer is judged by package contract. A request that
// breaks its document gets the provider's documented validation error and a
// header X-Sandbox-Violation that says what is wrong; an answer of ours that
// breaks it is a 500 and is kept in [Sandbox.Violations].
//
// # Without Go
//
// `payctl sandbox` serves the same over TCP; in Go that is [ListenAndServe].
// For other languages and for people there are controls, on loopback only, and
// a page at /__sandbox/. Everything is JSON; a duration is text as Go writes it
// ("31m") or a number of seconds.
//
//	POST   /__sandbox/reset
//	POST   /__sandbox/seed            {"seed": 7}
//	GET    /__sandbox/snapshot        POST the same back to restore it
//	GET    /__sandbox/clock           POST {"advance": "31m"}
//	GET    /__sandbox/faults          the rules, and all names with what they do
//	POST   /__sandbox/faults          {"name": "429-seconds", "provider": "kuna", "count": 1, "delay": "2s"}; see [Fault]
//	DELETE /__sandbox/faults          all of them, or ?id=3
//	GET    /__sandbox/requests        with verdicts; ?since=17 for the newer ones
//	GET    /__sandbox/violations      those of clients, and those of the sandbox
//	GET    /__sandbox/webhooks        what became of them
//	POST   /__sandbox/webhooks        {"provider": "cryptocloud", "url": "http://127.0.0.1:9000/", "form": false}
//	POST   /__sandbox/events          {"event": "pay", "id": "INV-…", "amount": "50"}; pay, expire, fail, hold
//	POST   /__sandbox/revoke          {"provider": "kuna", "kinds": ["access"]}
//	GET    /__sandbox/state           what was made
//	GET    /__sandbox/env             base URLs and credentials, as environment lines
//
// # Imitated, as documented
//
// Tokens: CryptoCloud's static keys, CryptoPay's pair that rotates, the one
// shrinking token of Crypterium, Ecart Pay's hour, Kuna's half hour with its
// absolute expiry. Invoices, orders, checkouts, customers, cards, payouts,
// subscriptions, transfers and operations are made, read, listed, changed and
// cancelled; balances add up. CryptoPay's, CryptoCloud's and Ecart Pay's
// webhooks are signed, Ecart Pay's are repeated on its schedule.
//
// # Guessed
//
// An answer that no page describes (an unknown id, a wrong password, the
// status of an order once it is paid) carries the header X-Sandbox-Guess with
// what is guessed. Fees and exchange rates are constants. Kuna's callbacks
// have an empty body, because nobody documents one. Statuses are 200 wherever
// the pages name none, and 400 for what is refused without a documented status.
//
// # Not there
//
// Signatures of tokens are HMAC over an obviously fake key, Kuna's too, whose
// real ones are RSA. Rate limits are counted and never enforced, except for
// CryptoCloud's twelve seconds between withdrawals; use a [Fault]. There is no
// AML, no KYC, no 3-D Secure, no e-mail, no message level encryption, no
// dashboard and no payer; [Sandbox.Pay] and its sisters stand in for the last.
// Of each kind of object the newest 5,000 are kept.
// Operations without documented behaviour answer their documented payload, and
// those without a documented payload an empty one.
package sandbox
