package sandbox

import (
	"net/http"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func crypterium() *provider {
	return &provider{
		open:    openCrypterium,
		admit:   admitCrypterium,
		refuse:  refuseCrypterium,
		problem: func(status int, code, message string) *answer { return crypteriumError(status, status, code, message) },
		expired: func(*call) *answer { return crypteriumExpired() },
		handlers: map[string]handler{
			"createMerchantToken":    crypteriumToken,
			"changeMerchantPassword": crypteriumChangePassword,
			"authorizeCustomer":      crypteriumAuthorize,
			"registerCustomer":       registerCustomer,
			"listCustomers":          crypteriumCustomers,
			"getCustomerWallets":     getCustomerWallets,
			"getMerchantWallets":     getMerchantWallets,
			"creditCustomer":         creditCustomer,
			"sendToAddress":          sendToAddress,
			"debitCustomer":          debitCustomer,
		},
	}
}

// openCrypterium fills the partner's wallets, so that there is something to
// move, and keeps the customers whom the samples name.
func openCrypterium(s *Sandbox) {
	for i, amount := range []string{"10", "100", "1000"} {
		s.st.Balances["crypterium/merchant/"+crypteriumCoins[i]] = amount
	}
	t := s.st.table("crypterium.customers" + samplesOf)
	for _, id := range []string{"c8772b0b-7bfd-49b2-8753-101013dd4a88", "2d084eb7-9841-4a8e-9521-cfa9d81121dc"} {
		t.add(id, obj("customerId", id, "status", "ACTIVE", "kycLevel", "KYC_1"))
	}
}

var crypteriumCoins = []string{"BTC", "ETH", "LTC"}

func refuseCrypterium(_ *call, vs []contract.Violation) *answer {
	v := vs[0]
	a := crypteriumError(http.StatusBadRequest, 422, "NOT_VALID_REQUEST_DATA", "Not valid: "+field(v)+" "+v.What)
	if name := field(v); name != "" {
		a.body = encode(asObject(a.body).set("field", name))
	}
	return a
}
