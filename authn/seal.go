package authn

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// Sealer encrypts records for a store that others can read: AES-256-GCM with a
// random nonce, bound to the store's key and the record's version, so that one
// account's tokens cannot be put in another's place, nor old ones in new ones'.
type Sealer struct{ aeads []cipher.AEAD }

// NewSealer takes keys of 32 random bytes. The first one seals, all of them open:
// put a new key in front, and drop the old one when no token of its time is left.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("authn: sealer needs a key")
	}
	s := new(Sealer)
	for i, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("authn: sealer key %d has %d bytes, want 32", i, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("authn: sealer key %d: %w", i, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("authn: sealer key %d: %w", i, err)
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

// Seal encrypts rec for storeKey.
func (s *Sealer) Seal(storeKey string, rec Record) []byte {
	return s.aeads[0].Seal(nil, nil, rec.Encode(), sealedFor(storeKey, rec.Version))
}

// Open decrypts what Seal made for the same storeKey and version.
func (s *Sealer) Open(storeKey string, version uint64, sealed []byte) (Record, error) {
	for _, aead := range s.aeads {
		if b, err := aead.Open(nil, nil, sealed, sealedFor(storeKey, version)); err == nil {
			return DecodeRecord(b)
		}
	}
	return Record{}, errors.New("authn: stored token does not open: other key, other place, or damaged")
}

func sealedFor(storeKey string, version uint64) []byte {
	return fmt.Appendf(nil, "payclients/authn/1 %d %s", version, storeKey)
}

// Format prints no key.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "authn.Sealer") }
