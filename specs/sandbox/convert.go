package sandbox

import (
	"encoding/json"
	"strconv"
)

// toInt reads a JSON number or a query's text.
func toInt(v any, otherwise int) int {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return min(max(n, -1e9), 1e9) // so that a page times its size is still a number
}
