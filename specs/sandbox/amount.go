package sandbox

import (
	"encoding/json"
	"math/big"
	"strings"
)

// Amounts are exact: text in the state, rationals while we count.

// rat reads an amount; what is none, or has more digits than any money, is 0.
func rat(s string) *big.Rat {
	if i := strings.IndexAny(s, "eE"); len(s) > 64 || i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 2 {
		return new(big.Rat) // "1e999999999" would take the memory of the machine
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		return r
	}
	return new(big.Rat)
}

// isAmount reports whether a text is a plain decimal that is not negative.
func isAmount(s string) bool {
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789.") != "" || strings.Count(s, ".") > 1 || s == "." {
		return false
	}
	_, ok := new(big.Rat).SetString(s)
	return ok
}

func add(a, b *big.Rat) *big.Rat { return new(big.Rat).Add(a, b) }
func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func mul(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

func quo(a, b *big.Rat) *big.Rat {
	if b.Sign() == 0 {
		return new(big.Rat)
	}
	return new(big.Rat).Quo(a, b)
}

// decimal writes an amount with at most so many places and no zeros at the end.
func decimal(r *big.Rat, places int) string {
	s := r.FloatString(places)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// number is an amount as a JSON number.
func number(r *big.Rat, places int) json.Number { return json.Number(decimal(r, places)) }

// float is an amount as Python prints a float: 100.0, never 100.
func float(r *big.Rat, places int) json.Number {
	s := decimal(r, places)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return json.Number(s)
}
