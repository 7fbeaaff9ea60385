package clienttest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/specs"
)

// TestEachProvidersErrors: every shape that a provider documents, and what its
// clients have seen. A name that ends in .json is a fixture.
func TestEachProvidersErrors(t *testing.T) {
	type fields = map[string][]string
	for _, tc := range []struct {
		provider string
		status   int
		body     string
		kind     error
		not      error // a kind that it is not
		code     string
		message  string
		fields   fields
		retry    time.Duration
		unknown  bool
	}{
		// CryptoCloud: four shapes.
		{specs.CryptoCloud, 400, "createInvoice.response.400.invalid-amount.json", apierr.ErrValidation, nil, "", "", fields{"amount": {"Invalid value amount."}}, 0, false},
		{specs.CryptoCloud, 400, "createInvoice.response.400.missing-fields.json", apierr.ErrValidation, nil, "", "", fields{"amount": {"amount not passed."}, "shop_id": {"shop_id not passed."}}, 0, false},
		{specs.CryptoCloud, 400, "createInvoice.response.400.unauthorized.json", apierr.ErrUnauthorized, apierr.ErrValidation, "authorization", "", fields{"authorization": {"Unauthorized request."}}, 0, false},
		{specs.CryptoCloud, 400, "cancelInvoice.response.400.not-created.json", apierr.ErrValidation, nil, "", "", fields{"validate_error": {"Invoice is not created"}}, 0, false},
		{specs.CryptoCloud, 403, "getBalances.response.403.invalid-header-padding.json", apierr.ErrUnauthorized, apierr.ErrForbidden, "", "Invalid header padding", nil, 0, false},
		{specs.CryptoCloud, 401, "createInvoiceV1.response.401.json", apierr.ErrUnauthorized, nil, "", "Unauthenticated.", nil, 0, false},
		{specs.CryptoCloud, 400, `{"status":"error","result":{"rate_limit":"Too often."}}`, apierr.ErrRateLimited, apierr.ErrValidation, "rate_limit", "", fields{"rate_limit": {"Too often."}}, 0, false},
		{specs.CryptoCloud, 200, "createInvoice.response.400.invalid-amount.json", apierr.ErrValidation, apierr.ErrUnexpectedResponse, "", "", fields{"amount": {"Invalid value amount."}}, 0, false},
		{specs.CryptoCloud, 200, "createInvoice.response.400.unauthorized.json", apierr.ErrUnauthorized, nil, "authorization", "", fields{"authorization": {"Unauthorized request."}}, 0, false},
		{specs.CryptoCloud, 200, "getBalances.response.403.invalid-header-padding.json", apierr.ErrUnauthorized, nil, "", "Invalid header padding", nil, 0, false},
		{specs.CryptoCloud, 400, `{"status":"error","result":{"amount":["a","b"],"n":7}}`, apierr.ErrValidation, nil, "", "", fields{"amount": {`["a","b"]`}, "n": {"7"}}, 0, false},
		{specs.CryptoCloud, 200, `{"status":"error","result":"no"}`, apierr.ErrValidation, nil, "", "no", nil, 0, false},
		{specs.CryptoCloud, 404, `{"status":"error","result":{"uuid":"unknown"}}`, apierr.ErrNotFound, apierr.ErrValidation, "", "", fields{"uuid": {"unknown"}}, 0, false},
		{specs.CryptoCloud, 404, `{"detail":"Not Found"}`, apierr.ErrNotFound, apierr.ErrUnauthorized, "", "Not Found", nil, 0, false},
		{specs.CryptoCloud, 500, `{"status":"error","result":{"server":"internal"}}`, apierr.ErrServer, apierr.ErrValidation, "", "", fields{"server": {"internal"}}, 0, true},

		// CryptoPay: two shapes.
		{specs.CryptoPay, 401, "anyOperation.response.401.INVALID_TOKEN.json", apierr.ErrUnauthorized, nil, "INVALID_TOKEN", "The provided token is invalid or expired", nil, 0, false},
		{specs.CryptoPay, 403, "anyOperation.response.403.INSUFFICIENT_PERMISSIONS.json", apierr.ErrForbidden, nil, "INSUFFICIENT_PERMISSIONS", "Your API key doesn't have permission for this operation", nil, 0, false},
		{specs.CryptoPay, 429, "anyOperation.response.429.RATE_LIMITED.json", apierr.ErrRateLimited, nil, "RATE_LIMITED", "Too many requests. Try again later.", nil, time.Minute, false},
		{specs.CryptoPay, 400, `{"success":false,"error":{"code":"VALIDATION_ERROR","message":"Invalid request","details":{"amount":["must be positive","too small"]}},"timestamp":"2024-01-01T12:00:00Z"}`, apierr.ErrValidation, nil, "VALIDATION_ERROR", "Invalid request", fields{"amount": {"must be positive", "too small"}}, 0, false},
		{specs.CryptoPay, 200, `{"success":false,"error":{"code":"VALIDATION_ERROR","message":"no","details":"not a map"}}`, apierr.ErrValidation, apierr.ErrUnexpectedResponse, "VALIDATION_ERROR", "no", nil, 0, false},
		{specs.CryptoPay, 400, `{"error":{"code":17,"message":null,"details":{"a":"b","c":1}}}`, apierr.ErrValidation, nil, "17", "", fields{"a": {"b"}, "c": {"1"}}, 0, false},
		{specs.CryptoPay, 400, `{"error":"plain text"}`, apierr.ErrValidation, nil, "", "plain text", nil, 0, false},
		{specs.CryptoPay, 200, `{"success":false}`, apierr.ErrUnexpectedResponse, nil, "", "undocumented JSON body", nil, 0, true},
		{specs.CryptoPay, 500, `{"success":false,"error":{"code":"INTERNAL","message":"x"}}`, apierr.ErrServer, nil, "INTERNAL", "x", nil, 0, true},
		{specs.CryptoPay, 500, `{"success":false,"error":{"code":"VALIDATION_ERROR","message":"x"}}`, apierr.ErrValidation, apierr.ErrServer, "VALIDATION_ERROR", "x", nil, 0, false},

		// Crypterium: nothing is documented, a sibling's shape is tried.
		{specs.Crypterium, 401, `{"error":"invalid_token","errorId":0,"message":"expired"}`, apierr.ErrUnauthorized, nil, "invalid_token", "expired", nil, 0, false},
		{specs.Crypterium, 400, `{"errorId":11,"message":"wrong"}`, apierr.ErrUnauthorized, apierr.ErrValidation, "11", "wrong", nil, 0, false},
		{specs.Crypterium, 400, `{"error":"NOT_VALID_REQUEST_DATA","errorId":422,"message":"bad","field":"phone"}`, apierr.ErrValidation, nil, "NOT_VALID_REQUEST_DATA", "bad", fields{"phone": {"bad"}}, 0, false},
		{specs.Crypterium, 400, `{"errorId":273,"message":"too many"}`, apierr.ErrRateLimited, apierr.ErrValidation, "273", "too many", nil, 0, false},
		{specs.Crypterium, 400, `{"errorId":"429"}`, apierr.ErrRateLimited, nil, "429", "", nil, 0, false},
		{specs.Crypterium, 200, `{"error":"NOT_VALID_REQUEST_DATA","message":"bad"}`, apierr.ErrValidation, nil, "NOT_VALID_REQUEST_DATA", "bad", nil, 0, false},
		{specs.Crypterium, 200, `{"errorId":0,"x":1}`, apierr.ErrUnexpectedResponse, apierr.ErrUnauthorized, "", "undocumented JSON body", nil, 0, true},

		// Ecart Pay: one shape, whose statusCode knows better than the status line.
		{specs.EcartPay, 500, `{"message":"Amount is required","statusCode":400}`, apierr.ErrValidation, apierr.ErrServer, "", "Amount is required", nil, 0, false},
		{specs.EcartPay, 500, `{"message":"oops","statusCode":500}`, apierr.ErrServer, nil, "", "oops", nil, 0, true},
		{specs.EcartPay, 402, `{"message":"Card declined","code":301}`, apierr.ErrUnexpectedResponse, nil, "301", "Card declined", nil, 0, false},
		{specs.EcartPay, 401, `{"error":"Unauthorized"}`, apierr.ErrUnauthorized, nil, "", "Unauthorized", nil, 0, false},
		{specs.EcartPay, 200, `{"message":"no","statusCode":404}`, apierr.ErrNotFound, nil, "", "no", nil, 0, false},
		{specs.EcartPay, 400, `{"message":["a","b"],"statusCode":"400","code":"E_X"}`, apierr.ErrValidation, nil, "E_X", `["a","b"]`, nil, 0, false},

		// Kuna: the message is an object or a string.
		{specs.Kuna, 400, "anyPrivate.response.4xx.jwt-expired.json", apierr.ErrUnauthorized, apierr.ErrValidation, "UNAUTHORIZED", "jwt expired", nil, 0, false},
		{specs.Kuna, 401, "refreshToken.response.4xx.REFRESH_TOKEN_EXPIRED.json", apierr.ErrUnauthorized, nil, "REFRESH_TOKEN_EXPIRED", "Invalid token", nil, 0, false},
		{specs.Kuna, 200, "anyPrivate.response.4xx.jwt-expired.json", apierr.ErrUnauthorized, apierr.ErrUnexpectedResponse, "UNAUTHORIZED", "jwt expired", nil, 0, false},
		{specs.Kuna, 422, `{"errors":[{"code":"A","message":"one"},{"code":"B","message":{"message":"two"}},{"code":"C","message":{"x":1}}]}`, apierr.ErrValidation, nil, "A", `one; two; {"x":1}`, nil, 0, false},
		{specs.Kuna, 400, `{"errors":[{"code":5,"message":null}]}`, apierr.ErrValidation, nil, "5", "", nil, 0, false},
		{specs.Kuna, 400, `{"errors":"text"}`, apierr.ErrValidation, nil, "", "undocumented JSON body", nil, 0, false},
		{specs.Kuna, 500, `{"errors":[{"code":"INTERNAL","message":"x"}]}`, apierr.ErrServer, nil, "INTERNAL", "x", nil, 0, true},
	} {
		t.Run(tc.provider+"/"+http.StatusText(tc.status)+"/"+tc.body, func(t *testing.T) {
			body := tc.body
			all, err := specs.Fixtures(tc.provider)
			require.NoError(t, err)
			for _, f := range all {
				if f.Name == tc.body {
					body = string(f.Body)
				}
			}
			require.Contains(t, body, "{", "no such fixture")
			for _, p := range providers {
				if p.name != tc.provider {
					continue
				}
				net := &fake{answer: func(int, *http.Request) *http.Response { return reply(tc.status, body) }}
				both(t, dial(t, p, settings{base: origin, doer: &http.Client{Transport: net}, retry: &once}), func(t *testing.T, call func(context.Context, ...editor) (any, error), write bool) {
					v, err := call(context.Background())
					require.Nil(t, v)
					var e *apierr.Error
					require.ErrorAs(t, err, &e)
					require.Equal(t, tc.status, e.Status)
					require.ErrorIs(t, err, tc.kind)
					if tc.not != nil {
						require.NotErrorIs(t, err, tc.not)
					}
					require.Equal(t, tc.code, e.Code)
					require.Equal(t, tc.message, e.Message)
					require.Equal(t, tc.fields, e.Fields)
					require.Equal(t, tc.retry, e.RetryAfter)
					require.Equal(t, write && tc.unknown, errors.Is(err, apierr.ErrOutcomeUnknown), "%v", err)
					require.NotEmpty(t, e.Body)
				})
			}
		})
	}
}
