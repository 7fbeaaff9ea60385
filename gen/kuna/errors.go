package kuna

import (
	"encoding/json"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "kuna", Decode: decodeError, Failed: failed, Markers: []string{`"errors"`}}

// errorBody is {"errors":[{code, message}]}. The message is an object when an
// access token has expired and a string when a refresh token has.
type errorBody struct {
	Errors []struct {
		Code    string          `json:"code"`
		Message json.RawMessage `json:"message"`
	} `json:"errors"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || len(b.Errors) == 0 {
		return false
	}
	first := b.Errors[0]
	e.Code = first.Code
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(first.Message, &e.Message) != nil && json.Unmarshal(first.Message, &object) == nil {
		e.Message = object.Message
	}
	switch first.Code {
	case "UNAUTHORIZED", "REFRESH_TOKEN_EXPIRED":
		e.Add(apierr.ErrUnauthorized)
	}
	return true
}

// failed finds an error inside a 2xx.
func failed(body []byte) bool {
	var b errorBody
	return json.Unmarshal(body, &b) == nil && len(b.Errors) > 0
}
