// Package specs holds what the payment providers document: for each provider
// one OpenAPI 3.0.3 document, written by hand from the provider's own pages,
// and the payloads those pages print, byte for byte, as fixtures.
//
// The package depends on the standard library alone, so that anything may
// embed it. Package contract judges traffic against these documents, package
// sandbox plays the providers from them.
package specs

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

//go:embed */openapi.yaml */exceptions.json */fixtures
var files embed.FS

// The providers, by the name of their directory and of their Go package.
const (
	CryptoCloud = "cryptocloud"
	CryptoPay   = "cryptopay"
	Crypterium  = "crypterium"
	EcartPay    = "ecartpay"
	Kuna        = "kuna"
)

// Providers returns the names of all providers in alphabetical order. The
// slice is the caller's own.
func Providers() []string {
	return []string{Crypterium, CryptoCloud, CryptoPay, EcartPay, Kuna}
}

// Document returns the OpenAPI document of a provider as it was written,
// comments included.
func Document(provider string) ([]byte, error) {
	if err := known(provider); err != nil {
		return nil, err
	}
	return files.ReadFile(path.Join(provider, "openapi.yaml"))
}

// Fixtures returns every documented payload of a provider in the order of the
// file names.
func Fixtures(provider string) ([]Fixture, error) {
	if err := known(provider); err != nil {
		return nil, err
	}
	dir, err := fs.Sub(files, path.Join(provider, "fixtures"))
	if err != nil {
		return nil, err
	}
	return FixturesFS(provider, dir)
}

// Exceptions is a provider's committed list of what would otherwise fail a
// check, each with the reason: nothing is excused that is not written here.
type Exceptions struct {
	// KnownBad names fixtures whose documented sample contradicts its own
	// documentation; the document must refuse them.
	KnownBad map[string]string `json:"known_bad"`
	// Partial names fixtures cut by their source: names and types count,
	// missing required members do not.
	Partial map[string]string `json:"partial"`
	// NoPayload names operations for which no payload is documented at all.
	NoPayload map[string]string `json:"no_payload"`
	// Jury names fixtures on which an independent validator disagrees with
	// the contract, and why the contract is right.
	Jury map[string]string `json:"jury"`
}

// ExceptionsOf returns the committed exceptions of a provider.
func ExceptionsOf(provider string) (Exceptions, error) {
	var e Exceptions
	if err := known(provider); err != nil {
		return e, err
	}
	b, err := files.ReadFile(path.Join(provider, "exceptions.json"))
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("specs: %s/exceptions.json: %w", provider, err)
	}
	return e, nil
}

func known(provider string) error {
	if !slices.Contains(Providers(), provider) {
		return fmt.Errorf("specs: unknown provider %q (known: %v)", provider, Providers())
	}
	return nil
}
