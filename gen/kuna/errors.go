package kuna

import (
	"encoding/json"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/internal/call"
)

var provider = call.Provider{Name: "kuna", Decode: decodeError, Failed: failed, Markers: []string{`"errors"`}}

// errorBody is {"errors":[{code, message}]}. The message is an object when an
// access token has expired and a string when a refresh token has.
type errorBody struct {
	Errors []struct {
		Code    call.Text       `json:"code"`
		Message json.RawMessage `json:"message"`
	} `json:"errors"`
}

func decodeError(e *apierr.Error, body []byte) bool {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || len(b.Errors) == 0 {
		return false
	}
	var texts []string
	for _, one := range b.Errors {
		var text call.Text
		var object struct {
			Message call.Text `json:"message"`
		}
		if json.Unmarshal(one.Message, &object) != nil || object.Message == "" {
			_ = json.Unmarshal(one.Message, &text)
		} else {
			text = object.Message
		}
		if text != "" {
			texts = append(texts, string(text))
		}
	}
	e.Code, e.Message = string(b.Errors[0].Code), strings.Join(texts, "; ")
	switch e.Code {
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
