package sandbox

import (
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Credentials are what a merchant of one provider holds. Each provider uses
// the fields its documentation knows; the others are empty.
type Credentials struct {
	APIKey           string // CryptoCloud, CryptoPay, Kuna
	ReadOnlyAPIKey   string // CryptoPay: may read, may not create orders
	WithdrawalAPIKey string // CryptoCloud: for createWithdrawal and nothing else
	ShopID           string // CryptoCloud
	SecretKey        string // CryptoCloud: signs the token of a postback
	WebhookSecret    string // CryptoPay, Ecart Pay (its Global Secret)
	Username         string // CryptoPay
	Email            string // Kuna
	Password         string // CryptoPay, Crypterium, Kuna
	MerchantID       string // Crypterium, Kuna
	PublicKey        string // Ecart Pay
	PrivateKey       string // Ecart Pay
}

// DefaultCredentials are those of a new sandbox, fake to the naked eye. The
// placeholders of the providers' own samples ("your-username", "<API KEY>")
// are accepted beside them, so that a documented call works as printed.
func DefaultCredentials(provider string) Credentials {
	return defaults[provider]
}

var defaults = map[string]Credentials{
	specs.CryptoCloud: {
		APIKey:           "fake-cryptocloud-api-key",
		ShopID:           "FAKESHOPID000001",
		WithdrawalAPIKey: "fake-cryptocloud-withdrawal-key",
		SecretKey:        "fake-cryptocloud-secret-key",
	},
	specs.CryptoPay: {
		Username:       "fake-cryptopay-user",
		Password:       "fake-cryptopay-password",
		APIKey:         "cp_live_fake_key",
		ReadOnlyAPIKey: "cp_live_fake_read_only_key",
		WebhookSecret:  "fake-cryptopay-webhook-secret",
	},
	specs.Crypterium: {
		MerchantID: "00000000-0000-4000-8000-00000000fa4e",
		Password:   "fake-crypterium-password",
	},
	specs.EcartPay: {
		PublicKey:     "pub_fake_public_key",
		PrivateKey:    "prv_fake_private_key",
		WebhookSecret: "fake-ecartpay-global-secret",
	},
	specs.Kuna: {
		Email:      "owner@fake.invalid",
		Password:   "fake-kuna-password",
		MerchantID: "00000000-0000-5000-8000-00000000fa4e",
		APIKey:     "fake-kuna-api-key",
	},
}

// samples are the placeholders that the documentation prints.
var samples = map[string]Credentials{
	specs.CryptoCloud: {APIKey: "<API KEY>", ShopID: "<SHOP ID>", WithdrawalAPIKey: "<WITHDRAWAL API KEY>"},
	specs.CryptoPay:   {Username: "your-username", Password: "your-password", APIKey: "cp_live_abc123def456"},
	specs.Crypterium:  {MerchantID: "780628fc-3926-470e-a22a-ac60bb42b040", Password: "123456"},
	specs.EcartPay:    {PublicKey: "{{public_key}}", PrivateKey: "{{private_key}}"},
	specs.Kuna: {Email: "YOUR_EMAIL", Password: "YOUR_PASSWORD", APIKey: "YOUR_API_KEY",
		MerchantID: "b34555b7-dca4-5ec1-ade3-64a3ad545310"},
}

// Credentials returns what this sandbox accepts from a provider's clients.
func (s *Sandbox) Credentials(provider string) Credentials { return s.credentials[provider] }

// accepts reports whether a field of the credentials, or of the documented
// samples, is this value.
func (s *Sandbox) accepts(provider, value string, field func(Credentials) string) bool {
	if value == "" {
		return false
	}
	return value == field(s.credentials[provider]) || value == field(samples[provider])
}

// Env lists base URLs and credentials as environment lines, for a sandbox
// that is served at baseURL ("http://127.0.0.1:8710").
func (s *Sandbox) Env(baseURL string) []string {
	var out []string
	line := func(name, value string) { out = append(out, name+"="+value) }
	for _, p := range s.Providers() {
		c, P := s.credentials[p], strings.ToUpper(p)
		line(P+"_BASE_URL", strings.TrimRight(baseURL, "/")+"/"+p)
		for _, v := range []struct{ name, value string }{
			{"API_KEY", c.APIKey}, {"READ_ONLY_API_KEY", c.ReadOnlyAPIKey}, {"WITHDRAWAL_API_KEY", c.WithdrawalAPIKey},
			{"SHOP_ID", c.ShopID}, {"SECRET_KEY", c.SecretKey}, {"WEBHOOK_SECRET", c.WebhookSecret},
			{"USERNAME", c.Username}, {"EMAIL", c.Email}, {"PASSWORD", c.Password}, {"MERCHANT_ID", c.MerchantID},
			{"PUBLIC_KEY", c.PublicKey}, {"PRIVATE_KEY", c.PrivateKey},
		} {
			if v.value != "" {
				line(P+"_"+v.name, v.value)
			}
		}
		if p == specs.Crypterium {
			line(P+"_USER_AGENT", "Mozilla/5.0") // required on every call, and anybody's
		}
	}
	return out
}
