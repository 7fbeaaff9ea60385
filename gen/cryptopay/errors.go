package cryptopay

import (
	"encoding/json"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "cryptopay", Decode: decodeError, Failed: failed, Markers: []string{`"error"`, `false`}}

// errorBody is both documented shapes: {"error":{code,message}} of the
// authentication page, and the same within {"success":false,…,"timestamp"}.
type errorBody struct {
	Success *bool `json:"success"`
	Error   *struct {
		Code    string                     `json:"code"`
		Message string                     `json:"message"`
		Details map[string]json.RawMessage `json:"details"`
	} `json:"error"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || b.Error == nil {
		return false
	}
	e.Code, e.Message = b.Error.Code, b.Error.Message
	for field, raw := range b.Error.Details {
		var list []string
		var one string
		if json.Unmarshal(raw, &list) != nil && json.Unmarshal(raw, &one) == nil {
			list = []string{one}
		}
		if e.Fields == nil {
			e.Fields = make(map[string][]string)
		}
		e.Fields[field] = list
	}
	switch b.Error.Code {
	case "INVALID_TOKEN":
		e.Add(apierr.ErrUnauthorized)
	case "INSUFFICIENT_PERMISSIONS":
		e.Add(apierr.ErrForbidden)
	case "RATE_LIMITED":
		e.Add(apierr.ErrRateLimited)
	case "VALIDATION_ERROR":
		e.Add(apierr.ErrValidation)
	}
	return true
}

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b struct {
		Success *bool           `json:"success"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	return (b.Success != nil && !*b.Success) || (len(b.Error) > 0 && string(b.Error) != "null")
}
