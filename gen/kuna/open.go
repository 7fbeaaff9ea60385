package kuna

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Decode puts what the provider answered into v. What these answers hold is not
// documented: look at Data first. Numbers in an any keep their digits, as
// [json.Number].
func (e *OpenEnvelope) Decode(v any) error {
	if e == nil || len(e.Data) == 0 {
		return errors.New("kuna: the answer holds no data")
	}
	d := json.NewDecoder(bytes.NewReader(e.Data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("kuna: decode data: %w", err)
	}
	return nil
}
