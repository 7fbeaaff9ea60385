package ecartpay

import (
	"encoding/json"
	"strconv"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "ecartpay", Decode: decodeError, Failed: failed, Markers: []string{`"statusCode"`, `"error"`, `"success"`}}

// errorBody is the one documented error, {message, statusCode}, and the code
// that client code reads. statusCode may differ from the HTTP status: the
// documented sample is an HTTP 500 with statusCode 400.
type errorBody struct {
	Message    call.Text `json:"message"`
	StatusCode call.Text `json:"statusCode"`
	Code       call.Text `json:"code"`
	Error      call.Text `json:"error"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || (b.Message == "" && b.StatusCode == "" && b.Code == "" && b.Error == "") {
		return false
	}
	e.Code, e.Message = string(b.Code), string(b.Message)
	if e.Message == "" {
		e.Message = string(b.Error)
	}
	if status, err := strconv.Atoi(string(b.StatusCode)); err == nil {
		// The body knows better than the status line whose fault it was.
		e.Add(apierr.KindOf(status))
	}
	return true
}

// failed finds an error inside a 2xx. No such answer is documented; these are
// the ways of saying no that an answer has without a reason to be read as a yes.
func failed(body []byte) bool {
	var b struct {
		StatusCode call.Text       `json:"statusCode"`
		Error      json.RawMessage `json:"error"`
		Success    json.RawMessage `json:"success"`
		Message    json.RawMessage `json:"message"`
	}
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	status, _ := strconv.Atoi(string(b.StatusCode))
	failed := len(b.Error) > 0 && string(b.Error) != "null" && string(b.Error) != "false" && string(b.Error) != `""`
	return status >= 400 || failed || (string(b.Success) == "false" && len(b.Message) > 0)
}
