package cryptocloud

import (
	"encoding/json"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "cryptocloud", Decode: decodeError, Failed: failed, Markers: []string{`"error"`, `"detail"`}}

// errorBody is any of the documented shapes: V2's {"status":"error","result":
// {key: message}}, the balance page's {"detail": message} and V1's {"message":
// message}.
type errorBody struct {
	Status  string          `json:"status"`
	Result  json.RawMessage `json:"result"`
	Detail  string          `json:"detail"`
	Message string          `json:"message"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	switch {
	case b.Detail != "":
		// The texts of a JWT library: whatever it says, the key was refused.
		e.Message = b.Detail
		e.Add(apierr.ErrUnauthorized)
	case b.Message != "":
		e.Message = b.Message
		if strings.HasPrefix(b.Message, "Unauthenticated") {
			e.Add(apierr.ErrUnauthorized)
		}
	case b.Status == "error":
		var one string
		var many map[string]string
		switch {
		case json.Unmarshal(b.Result, &many) == nil && len(many) > 0:
			e.Fields = make(map[string][]string, len(many))
			for key, message := range many {
				e.Fields[key] = []string{message}
			}
			switch {
			case has(many, "authorization"):
				// Documented as HTTP 400: the status alone would call it a bad field.
				e.Code = "authorization"
				e.Add(apierr.ErrUnauthorized)
			case has(many, "rate_limit"):
				e.Code = "rate_limit"
				e.Add(apierr.ErrRateLimited)
			default:
				e.Add(apierr.ErrValidation)
			}
		case json.Unmarshal(b.Result, &one) == nil:
			e.Message = one
		}
		if len(e.Kinds) == 0 && e.Status < 300 {
			e.Add(apierr.ErrValidation)
		}
	default:
		return false
	}
	return true
}

func has(m map[string]string, key string) bool { _, ok := m[key]; return ok }

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	return b.Status == "error" || (b.Status == "" && len(b.Result) == 0 && b.Detail != "")
}
