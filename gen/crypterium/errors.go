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
	Error   call.Text `json:"error"`
	ErrorID call.Text `json:"errorId"`
	Message call.Text `json:"message"`
	Field   call.Text `json:"field"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || (b.Error == "" && b.ErrorID == "" && b.Message == "") {
		return false
	}
	e.Code, e.Message = string(b.Error), string(b.Message)
	if e.Code == "" {
		e.Code = string(b.ErrorID)
	}
	if b.Field != "" {
		e.Fields = map[string][]string{string(b.Field): {string(b.Message)}}
	}
	id, err := strconv.Atoi(string(b.ErrorID))
	if err != nil {
		id = -1
	}
	switch {
	case b.Error == "invalid_token", b.Error == "WRONG_LOGIN_OR_PASSWORD_EXCEPTION", b.Error == "" && id == 0, id == 11:
		e.Add(apierr.ErrUnauthorized)
	case b.Error == "NOT_VALID_REQUEST_DATA", id == 422:
		e.Add(apierr.ErrValidation)
	case id == 273, id == 429: // too many attempts, sent as HTTP 400
		e.Add(apierr.ErrRateLimited)
	}
	return true
}

// failed finds an error inside a 2xx. There an errorId of 0 may as well mean
// "none": the documented members decide then.
func failed(body []byte) bool {
	var b errorBody
	return json.Unmarshal(body, &b) == nil && (b.Error != "" || (b.ErrorID != "" && b.ErrorID != "0"))
}
