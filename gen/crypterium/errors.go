package crypterium

import (
	"encoding/json"
	"strconv"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "crypterium", Decode: decodeError, Failed: failed, Markers: []string{`"error"`, `"errorId"`}}

// errorBody follows the documentation of a sibling API and client code: the
// partner documentation shows no error at all. Nothing in it is relied upon.
type errorBody struct {
	Error   string      `json:"error"`
	ErrorID json.Number `json:"errorId"`
	Message string      `json:"message"`
	Field   string      `json:"field"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || (b.Error == "" && b.ErrorID == "" && b.Message == "") {
		return false
	}
	e.Code, e.Message = b.Error, b.Message
	if e.Code == "" {
		e.Code = b.ErrorID.String()
	}
	if b.Field != "" {
		e.Fields = map[string][]string{b.Field: {b.Message}}
	}
	id, _ := strconv.Atoi(b.ErrorID.String())
	switch {
	case b.Error == "invalid_token", b.Error == "WRONG_LOGIN_OR_PASSWORD_EXCEPTION":
		e.Add(apierr.ErrUnauthorized)
	case b.Error == "NOT_VALID_REQUEST_DATA":
		e.Add(apierr.ErrValidation)
	case id == 273, id == 429: // too many attempts, sent as HTTP 400
		e.Add(apierr.ErrRateLimited)
	}
	return true
}

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b errorBody
	return json.Unmarshal(body, &b) == nil && (b.Error != "" || b.ErrorID != "")
}
