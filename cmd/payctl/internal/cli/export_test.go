package cli

import "github.com/seed-4fcf5cf3/payclients/specs/contract"

// Redactor gives tests what a recording goes through.
func Redactor(c *contract.Checker) func(contract.Exchange) contract.Exchange {
	return newRedactor(c).exchange
}

var SecretName = secretName
