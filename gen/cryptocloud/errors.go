package cryptocloud

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "cryptocloud", Decode: decodeError, Failed: failed, Markers: []string{`"error"`, `"detail"`}}

// errorBody is any of the documented shapes: V2's {"status":"error","result":
// {key: message}}, the balance page's {"detail": message} and V1's {"message":
// message}.
type errorBody struct {
	Status  call.Text       `json:"status"`
	Result  json.RawMessage `json:"result"`
	Detail  call.Text       `json:"detail"`
	Message call.Text       `json:"message"`
	Error   call.Text       `json:"error"` // V1, seen by clients beside status "error"
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	switch {
	case b.Status == "error":
		if e.Message = string(b.Message); e.Message == "" {
			e.Message = string(b.Error)
		}
		var many map[string]call.Text
		var one call.Text
		if json.Unmarshal(b.Result, &many) == nil && len(many) > 0 {
			e.Fields = make(map[string][]string, len(many))
			for key, message := range many {
				e.Fields[key] = []string{string(message)}
			}
		} else if json.Unmarshal(b.Result, &one) == nil && one != "" {
			e.Message = string(one)
		}
		switch {
		case has(many, "authorization"):
			// Documented as HTTP 400: the status alone would call it a bad field.
			e.Code = "authorization"
			e.Add(apierr.ErrUnauthorized)
		case has(many, "rate_limit"):
			e.Code = "rate_limit"
			e.Add(apierr.ErrRateLimited)
		case e.Status < 300, e.Status == http.StatusBadRequest && len(many) > 0:
			e.Add(apierr.ErrValidation) // elsewhere the status says more
		}
	case b.Detail != "":
		// The texts of a JWT library: whatever it says, the key was refused.
		// Under another status the word is anybody's.
		e.Message = string(b.Detail)
		if e.Status < 500 && e.Status != http.StatusNotFound && e.Status != http.StatusTooManyRequests {
			e.Add(apierr.ErrUnauthorized)
		}
	case b.Message != "":
		e.Message = string(b.Message)
		if strings.HasPrefix(e.Message, "Unauthenticated") {
			e.Add(apierr.ErrUnauthorized)
		}
	default:
		return false
	}
	return true
}

func has(m map[string]call.Text, key string) bool { _, ok := m[key]; return ok }

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	return b.Status == "error" || (b.Status == "" && len(b.Result) == 0 && b.Detail != "")
}
