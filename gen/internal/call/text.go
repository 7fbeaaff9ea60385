package call

import "encoding/json"

// Text is a member of an error body. It takes a string, and the JSON of
// anything else: an error must not be lost because a code came as a number, or
// a message as a list.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case string(raw) == "null":
	case json.Unmarshal(raw, &s) == nil:
		*t = Text(s)
	default:
		*t = Text(raw)
	}
	return nil
}
