package authn

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// CryptoCloudKey are a project's keys. They do not expire, and although they look
// like JWTs nothing should be read from them.
type CryptoCloudKey struct {
	APIKey Secret

	// WithdrawalKey is made in the account's security settings and needed by
	// createWithdrawal only. Optional.
	WithdrawalKey Secret
}

// Validate names the field that is empty.
func (k CryptoCloudKey) Validate() error {
	err := filled("cryptocloud: Key.APIKey", k.APIKey.Reveal())
	if err == nil && k.WithdrawalKey != "" {
		err = filled("cryptocloud: Key.WithdrawalKey", k.WithdrawalKey.Reveal())
	}
	return err
}

// Format prints no secret.
func (k CryptoCloudKey) Format(f fmt.State, _ rune) { describe(f, "authn.CryptoCloudKey") }

// Editor sets "Authorization: Token <key>" with the key that the operation needs.
func (k CryptoCloudKey) Editor() Editor {
	return CryptoCloudEditor(Static(k.APIKey), Static(k.WithdrawalKey))
}

// CryptoCloudEditor is [CryptoCloudKey.Editor] with keys that can be swapped.
func CryptoCloudEditor(apiKey, withdrawalKey Source) Editor {
	api, withdrawal := Prefixed("Token", apiKey), Prefixed("Token", withdrawalKey)
	return func(ctx context.Context, req *http.Request) error {
		if req.URL != nil && strings.HasSuffix(req.URL.Path, "/invoice/api/out/create") {
			return withdrawal(ctx, req) // docs.cryptocloud.plus/en/api-reference-v2/withdrawals
		}
		return api(ctx, req)
	}
}
