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
	Success json.RawMessage `json:"success"`
	Error   json.RawMessage `json:"error"`
}

type reason struct {
	Code    call.Text       `json:"code"`
	Message call.Text       `json:"message"`
	Details json.RawMessage `json:"details"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	var r reason
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	if json.Unmarshal(b.Error, &r) != nil {
		_ = json.Unmarshal(b.Error, &r.Message) // a bare text
	}
	if r.Code == "" && r.Message == "" {
		return false
	}
	e.Code, e.Message = string(r.Code), string(r.Message)
	var details map[string]json.RawMessage
	if json.Unmarshal(r.Details, &details) == nil && len(details) > 0 {
		e.Fields = make(map[string][]string, len(details))
		for field, raw := range details {
			var list []call.Text
			if json.Unmarshal(raw, &list) != nil {
				list = make([]call.Text, 1)
				_ = json.Unmarshal(raw, &list[0])
			}
			for _, text := range list {
				e.Fields[field] = append(e.Fields[field], string(text))
			}
		}
	}
	switch e.Code {
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
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	return string(b.Success) == "false" || (len(b.Error) > 0 && string(b.Error) != "null" && string(b.Error) != `""`)
}
