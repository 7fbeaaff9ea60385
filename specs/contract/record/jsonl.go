package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// line is one exchange as a line of JSON. A body is either a string, taken
// byte for byte, or JSON, taken as it stands.
type line struct {
	Time           time.Time       `json:"time,omitzero"`
	Method         string          `json:"method"`
	URL            string          `json:"url"`
	RequestHeader  header          `json:"request_headers,omitempty"`
	RequestBody    json.RawMessage `json:"request_body,omitempty"`
	RequestBase64  []byte          `json:"request_body_base64,omitempty"`
	Status         int             `json:"status,omitempty"`
	ResponseHeader header          `json:"response_headers,omitempty"`
	ResponseBody   json.RawMessage `json:"response_body,omitempty"`
	ResponseBase64 []byte          `json:"response_body_base64,omitempty"`
}

// header takes {"Name": "value"} as well as {"Name": ["a", "b"]}.
type header http.Header

func (h *header) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*h = make(header, len(raw))
	for name, v := range raw {
		var one string
		var many []string
		if json.Unmarshal(v, &one) == nil {
			many = []string{one}
		} else if err := json.Unmarshal(v, &many); err != nil {
			return err
		}
		for _, s := range many {
			http.Header(*h).Add(name, s)
		}
	}
	return nil
}

// JSONLines reads exchanges, one JSON object per line:
//
//	{"method":"POST","url":"https://…","request_headers":{"Content-Type":"application/json"},"request_body":"{…}",
//	 "status":200,"response_headers":{…},"response_body":"{…}"}
//
// A line that cannot be read is reported by its number, and the next is read.
func JSONLines(r io.Reader, name string) iter.Seq2[contract.Exchange, error] {
	return func(yield func(contract.Exchange, error) bool) {
		br := bufio.NewReaderSize(r, 64<<10)
		var buf []byte
		for n := 1; ; n++ {
			var long bool
			var err error
			buf, long, err = readLine(br, buf[:0])
			if n == 1 && len(buf) >= 3 && string(buf[:3]) == "\xef\xbb\xbf" {
				buf = buf[3:]
			}
			if len(buf) > 0 {
				x, bad := parseLine(buf)
				switch {
				case long:
					bad = fmt.Errorf("is longer than %d bytes", MaxEntry)
				case bad != nil && errors.Is(err, io.EOF):
					bad = fmt.Errorf("%w, and the last: cut off?", bad)
				}
				x.Source = fmt.Sprintf("%s line %d", name, n)
				if bad != nil {
					x, bad = contract.Exchange{}, fmt.Errorf("%s: line %d %w", name, n, bad)
				}
				if !yield(x, bad) {
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(contract.Exchange{}, fmt.Errorf("%s: line %d: %w", name, n, err))
				}
				return
			}
		}
	}
}

func parseLine(b []byte) (contract.Exchange, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return contract.Exchange{}, fmt.Errorf("is not JSON from byte %d", syntax.Offset)
		}
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) { // its text may quote a value; the place does not
			return contract.Exchange{}, fmt.Errorf("is no exchange: member %q at byte %d has the wrong type", typ.Field, typ.Offset)
		}
		return contract.Exchange{}, errors.New("is no exchange")
	}
	if l.Method == "" || l.URL == "" {
		return contract.Exchange{}, errors.New("has no method or no url")
	}
	return contract.Exchange{
		Time: l.Time, Method: l.Method, URL: l.URL, Status: l.Status,
		RequestHeader: http.Header(l.RequestHeader), RequestBody: lineBody(l.RequestBody, l.RequestBase64),
		ResponseHeader: http.Header(l.ResponseHeader), ResponseBody: lineBody(l.ResponseBody, l.ResponseBase64),
	}, nil
}

func lineBody(raw json.RawMessage, b []byte) []byte {
	if len(raw) == 0 || string(raw) == "null" {
		return b
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return raw
}

// WriteJSONLine writes an exchange so that [JSONLines] reads it back, byte for
// byte: text as text, anything else as base64. The line holds whatever the
// exchange holds, credentials included.
func WriteJSONLine(w io.Writer, x contract.Exchange) error {
	l := line{
		Time: x.Time, Method: x.Method, URL: x.URL, Status: x.Status,
		RequestHeader: header(x.RequestHeader), ResponseHeader: header(x.ResponseHeader),
	}
	l.RequestBody, l.RequestBase64 = bodyLine(x.RequestBody)
	l.ResponseBody, l.ResponseBase64 = bodyLine(x.ResponseBody)
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// bodyLine is the reverse of lineBody.
func bodyLine(b []byte) (text json.RawMessage, base64 []byte) {
	if len(b) == 0 || !utf8.Valid(b) {
		return nil, b
	}
	text, err := json.Marshal(string(b))
	if err != nil {
		return nil, b
	}
	return text, nil
}

// readLine reads a line without its end, up to MaxEntry bytes of it.
func readLine(r *bufio.Reader, buf []byte) (out []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := MaxEntry - len(buf); len(part) > room {
			part, long = part[:max(room, 0)], true
		}
		buf = append(buf, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		for len(buf) > 0 && (buf[len(buf)-1] == '\n' || buf[len(buf)-1] == '\r' || buf[len(buf)-1] == ' ') {
			buf = buf[:len(buf)-1]
		}
		return buf, long, err
	}
}
