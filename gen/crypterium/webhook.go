package crypterium

import (
	"context"
	"net/http"

	"github.com/seed-4fcf5cf3/payclients/gen/internal/jsonx"
	"github.com/seed-4fcf5cf3/payclients/gen/webhook"
)

// What MerchantEvent.Type may be.
const (
	EventDebit               = "DEBIT"                // money was requested from a customer
	EventCredit              = "CREDIT"               // money was sent to a customer
	EventApprovedTransaction = "APPROVED_TRANSACTION" // sending to an address was approved
	EventPassIdentityKYC     = "PASS_IDENTITY_KYC"
	EventReviewIdentityKYC   = "UNDER_REVIEW_IDENTITY_KYC"
	EventFailedIdentityKYC   = "FAILED_IDENTITY_KYC"
	EventPassResidenceKYC    = "PASS_RESIDENCE_KYC"
	EventReviewResidenceKYC  = "UNDER_REVIEW_RESIDENCE_KYC"
	EventFailedResidenceKYC  = "FAILED_RESIDENCE_KYC"
)

// ParseUnverifiedCallback decodes a callback that anyone on the internet may
// have written: Crypterium documents no signature, no header and no source
// address. Believe nothing in it. Take it as a hint that something changed and
// read [Client.GetCustomerWallets] or [Client.GetMerchantWallets] before you
// act; it names no amount anyway, and no documented call returns its
// SequenceID. An address that nobody can guess keeps strangers away and proves
// nothing.
//
// That it comes by POST is our reading. One callback holds several events. See
// https://docs.crypterium.com/docs/backend-callbacks
func ParseUnverifiedCallback(r *http.Request) (*MerchantCallback, error) {
	c, err := parseCallback(r)
	if err != nil {
		return nil, webhook.From(provider.Name, err)
	}
	return c, nil
}

// UnverifiedHandler calls f with every callback that [ParseUnverifiedCallback]
// returns and answers an empty 200 if f returns nil, else 500; what Crypterium
// wants to be answered is not documented. onError, which may be nil, is told of
// every refusal and every error of f.
func UnverifiedHandler(f func(ctx context.Context, c *MerchantCallback) error, onError func(ctx context.Context, err error)) http.Handler {
	return webhook.Serve(ParseUnverifiedCallback, f, webhook.Reply{Provider: provider.Name}, onError)
}

func parseCallback(r *http.Request) (*MerchantCallback, error) {
	body, err := webhook.Body(r)
	if err != nil {
		return nil, err
	}
	var c MerchantCallback
	if jsonx.Unmarshal(body, &c) != nil { // the cause may quote the body
		return nil, webhook.Refuse(webhook.ErrMalformed, "the body is not the documented JSON")
	}
	if len(c.Events) == 0 {
		return nil, webhook.Refuse(webhook.ErrMalformed, "events is missing or empty")
	}
	for i, e := range c.Events {
		if e.Type == "" || e.SequenceID == "" || e.CustomerID == "" {
			return nil, webhook.Refuse(webhook.ErrMalformed, "events[%d] lacks type, sequenceId or customerId", i)
		}
	}
	return &c, nil
}
