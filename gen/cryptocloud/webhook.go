package cryptocloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// Verifier says which postbacks are believed: Secrets are the SECRET KEY of the
// project. Tolerance is added to the five minutes that a token lives; the
// default adds nothing.
type Verifier = webhook.Verifier

// ParsePostback returns a postback whose token the project's SECRET KEY signed
// and whose token is not over. JSON and form are both read, by Content-Type.
//
// The surprise: the token covers nothing but itself. Whoever holds one can put
// it beside another invoice or amount for five minutes. Decide on what
// [Client.ConfirmPostback] returns, never on the postback.
//
// InvoiceInfo is nil if it was not the documented object, which in a form it
// never is. See https://docs.cryptocloud.plus/en/api-reference-v2/postback
func ParsePostback(r *http.Request, v Verifier) (*InvoicePostback, error) {
	var p InvoicePostback
	m, err := parsePostback(r, v)
	if err == nil {
		p = InvoicePostback{Status: m.Status, InvoiceID: m.InvoiceID, AmountCrypto: m.AmountCrypto, Currency: m.Currency, OrderID: m.OrderID, Token: m.Token}
		p.InvoiceInfo = m.info()
		err = v.Once(r.Context(), p.DedupID())
	}
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return &p, nil
}

// ParsePostbackV1 is [ParsePostback] for projects on the V1 API. See
// https://docs.cryptocloud.plus/en/api-reference-v1-old/postback
func ParsePostbackV1(r *http.Request, v Verifier) (*InvoicePostbackV1, error) {
	var p InvoicePostbackV1
	m, err := parsePostback(r, v)
	if err == nil {
		p = InvoicePostbackV1{Status: m.Status, InvoiceID: m.InvoiceID, AmountCrypto: m.AmountCrypto, Currency: m.Currency, OrderID: m.OrderID, Token: &m.Token}
		err = v.Once(r.Context(), p.DedupID())
	}
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return &p, nil
}

// Handler receives postbacks: it calls f with each that [ParsePostback] returns
// and answers 200 {"message":"Postback received"} if f returns nil, else 500.
// CryptoCloud takes anything but 200 as a failure; whether it then sends the
// postback again is not documented. Handler panics if v has no secret.
func Handler(v Verifier, f func(ctx context.Context, p *InvoicePostback) error) http.Handler {
	return webhook.Handler(v, ParsePostback, f, postbackReply)
}

// HandlerV1 is [Handler] for projects on the V1 API.
func HandlerV1(v Verifier, f func(ctx context.Context, p *InvoicePostbackV1) error) http.Handler {
	return webhook.Handler(v, ParsePostbackV1, f, postbackReply)
}

var postbackReply = webhook.Reply{Provider: provider.Name, Type: "application/json", Body: `{"message":"Postback received"}`}

// ConfirmPostback asks CryptoCloud for the invoice that a postback names and
// returns it. Deliver if it is yours (OrderID), Status is paid or overpaid,
// AmountInFiat and FiatCurrency are those of your order, and TestMode is not
// true: a test invoice is confirmed by a click in the dashboard. The error is
// webhook.ErrUnconfirmed if CryptoCloud knows no such invoice.
func (c *Client) ConfirmPostback(ctx context.Context, p *InvoicePostback, editors ...RequestEditorFn) (*Invoice, error) {
	if p == nil || bare(p.InvoiceID) == "" {
		return nil, webhook.From(provider.Name, webhook.Refuse(webhook.ErrMalformed, "the postback names no invoice"))
	}
	id := "INV-" + bare(p.InvoiceID)
	list, err := c.GetInvoicesInfo(ctx, GetInvoicesInfoRequest{UUIDs: []string{id}}, editors...)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if strings.EqualFold(list[i].UUID, id) {
			return &list[i], nil
		}
	}
	return nil, webhook.From(provider.Name, webhook.Refuse(webhook.ErrUnconfirmed, "no such invoice"))
}

// ConfirmPostbackV1 asks for the status of the invoice that a postback of V1
// names. V1 tells neither the amount nor the order: keep the invoice's id when
// you create it, and compare.
func (c *Client) ConfirmPostbackV1(ctx context.Context, p *InvoicePostbackV1, editors ...RequestEditorFn) (*InvoiceStatusV1, error) {
	if p == nil || bare(p.InvoiceID) == "" {
		return nil, webhook.From(provider.Name, webhook.Refuse(webhook.ErrMalformed, "the postback names no invoice"))
	}
	return c.GetInvoiceStatusV1(ctx, &GetInvoiceStatusV1Params{UUID: "INV-" + bare(p.InvoiceID)}, editors...)
}

// DedupID is the same for every sending of the same postback. It is as good as
// the postback, which is not signed: record it with what ConfirmPostback said.
func (p *InvoicePostback) DedupID() string { return bare(p.InvoiceID) + ":" + p.Status }

// DedupID is that of [InvoicePostback.DedupID].
func (p *InvoicePostbackV1) DedupID() string { return bare(p.InvoiceID) + ":" + p.Status }

// SignPostback returns a postback's token, for tests and for fakes that play
// CryptoCloud. The invoice's id goes into the claim `id`, if it is not empty.
func SignPostback(secret, invoiceID string, expires time.Time) (string, error) {
	claims := map[string]any{"exp": expires.Unix()}
	if invoiceID != "" {
		claims["id"] = invoiceID
	}
	return webhook.SignJWT(secret, claims)
}

// bare is the id of an invoice without its prefix.
func bare(id string) string { return strings.TrimPrefix(id, "INV-") }

// message is what both generations send.
type message struct {
	Status       string          `json:"status"`
	InvoiceID    string          `json:"invoice_id"`
	AmountCrypto json.Number     `json:"amount_crypto"`
	Currency     string          `json:"currency"`
	OrderID      *string         `json:"order_id"`
	Token        string          `json:"token"`
	InvoiceInfo  json.RawMessage `json:"invoice_info"`
}

func (m *message) info() *PostbackInvoice {
	var i PostbackInvoice
	// Garbage is no reason to lose the postback: who decides on it reads the
	// invoice anyway.
	if len(m.InvoiceInfo) == 0 || m.InvoiceInfo[0] != '{' || jsonx.Unmarshal(m.InvoiceInfo, &i) != nil {
		return nil
	}
	return &i
}

func parsePostback(r *http.Request, v Verifier) (*message, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	body, err := webhook.Body(r)
	if err != nil {
		return nil, err
	}
	read := readJSON
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "application/x-www-form-urlencoded" {
		read = readForm
	}
	m, err := read(body)
	if err != nil {
		return nil, webhook.Refuse(webhook.ErrMalformed, "%v", err)
	}
	claims, err := v.VerifyJWT(unwrap(m.Token))
	if err != nil {
		return nil, err
	}
	// CryptoCloud says that the claims name the invoice, and shows a number
	// there. A claim that plainly names another invoice is another's token.
	for _, name := range []string{"id", "uuid"} {
		var id string
		if json.Unmarshal(claims[name], &id) == nil && invoiceForm.MatchString(id) && bare(id) != bare(m.InvoiceID) {
			return nil, webhook.Refuse(webhook.ErrSignature, "the token is that of another invoice")
		}
	}
	if m.Status == "" || bare(m.InvoiceID) == "" || m.Currency == "" {
		return nil, webhook.Refuse(webhook.ErrMalformed, "status, invoice_id or currency is missing")
	}
	if !number.MatchString(string(m.AmountCrypto)) {
		return nil, webhook.Refuse(webhook.ErrMalformed, "amount_crypto is not a number")
	}
	return m, nil
}

var (
	invoiceForm = regexp.MustCompile(`^(INV-)?[A-Z0-9]{8}$`)
	number      = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`) // JSON's
)

// unwrap takes the token out of the literal of a Python bytes value, b'…' or
// b"…", which is how CryptoCloud's own sample prints it.
func unwrap(token string) string {
	if len(token) > 3 && token[0] == 'b' && (token[1] == '\'' || token[1] == '"') && token[len(token)-1] == token[1] {
		return token[2 : len(token)-1]
	}
	return token
}

func readJSON(body []byte) (*message, error) {
	seen := map[string]bool{}
	twice := false
	err := jsonx.Members(body, func(name string, _ []byte) {
		name = strings.ToLower(name) // encoding/json takes either case
		twice = twice || seen[name]
		seen[name] = true
	})
	m := new(message)
	switch {
	case err != nil || jsonx.Unmarshal(body, m) != nil: // the cause may quote the body
		return nil, errors.New("the body is not the documented JSON")
	case twice:
		return nil, errors.New("a member of the body comes twice")
	}
	return m, nil
}

func readForm(body []byte) (*message, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the body is not a form")
	}
	for _, name := range []string{"status", "invoice_id", "amount_crypto", "currency", "order_id", "token"} {
		if len(form[name]) > 1 {
			return nil, fmt.Errorf("%s comes twice", name)
		}
	}
	m := &message{Status: form.Get("status"), InvoiceID: form.Get("invoice_id"), AmountCrypto: json.Number(form.Get("amount_crypto")), Currency: form.Get("currency"), Token: form.Get("token")}
	if id, ok := form["order_id"]; ok {
		m.OrderID = &id[0]
	}
	// Seen there: the names of the members, once each, instead of the object.
	if info := form["invoice_info"]; len(info) == 1 && json.Valid([]byte(info[0])) {
		m.InvoiceInfo = json.RawMessage(info[0])
	}
	return m, nil
}
