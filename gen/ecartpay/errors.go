package ecartpay

import (
	"encoding/json"
	"strconv"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "ecartpay", Decode: decodeError, Failed: failed, Markers: []string{`"statusCode"`}}

// errorBody is the one documented error, {message, statusCode}, and the code
// that client code reads. statusCode may differ from the HTTP status: the
// documented sample is an HTTP 500 with statusCode 400.
type errorBody struct {
	Message    string      `json:"message"`
	StatusCode json.Number `json:"statusCode"`
	Code       json.Number `json:"code"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || (b.Message == "" && b.StatusCode == "" && b.Code == "") {
		return false
	}
	e.Code, e.Message = b.Code.String(), b.Message
	if status, err := strconv.Atoi(b.StatusCode.String()); err == nil {
		// The body knows better than the status line whose fault it was.
		e.Add(apierr.KindOf(status))
	}
	return true
}

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b struct {
		StatusCode json.Number `json:"statusCode"`
	}
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	status, _ := strconv.Atoi(b.StatusCode.String())
	return status >= 400
}
