package record

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

// MaxEntry is the longest entry that is read; a longer one is reported and
// skipped, so that memory stays bounded whatever the file.
const MaxEntry = 32 << 20

// HAR reads a HTTP archive (HAR 1.2). The name is that of the file, for
// errors and sources. After an error the iteration goes on with the next
// entry that can be found.
func HAR(r io.Reader, name string) iter.Seq2[contract.Exchange, error] {
	return func(yield func(contract.Exchange, error) bool) {
		h := &harReader{s: newScanner(r), name: name}
		if err := h.open(); err != nil {
			if !yield(contract.Exchange{}, err) {
				return
			}
			// No list of entries, or not yet: look for requests anywhere.
			if !h.resync(yield) {
				return
			}
		}
		h.entries(yield)
	}
}

type harReader struct {
	s       *scanner
	name    string
	n       int // entries begun
	rereads int
}

func (h *harReader) fail(at int64, format string, args ...any) error {
	return fmt.Errorf("%s: byte %d: %s", h.name, at, fmt.Sprintf(format, args...))
}

// open goes to the first entry of log.entries.
func (h *harReader) open() error {
	h.s.bom()
	for _, key := range []string{"log", "entries"} {
		if c, err := h.s.next(); err != nil || c != '{' {
			return h.fail(h.s.off, "not a HAR file: no object around %q", key)
		}
		if err := h.s.member(key); err != nil {
			return h.fail(h.s.off, "not a HAR file: no %q", key)
		}
	}
	if c, err := h.s.next(); err != nil || c != '[' {
		return h.fail(h.s.off, "not a HAR file: \"entries\" is no list")
	}
	return nil
}

func (h *harReader) entries(yield func(contract.Exchange, error) bool) {
	var buf []byte
	for {
		c, err := h.s.peek()
		switch {
		case err != nil:
			yield(contract.Exchange{}, h.fail(h.s.off, "the file ends inside the list of entries"))
			return
		case c == ']':
			return
		case c == ',':
			_, _ = h.s.next()
			continue
		}
		h.n++
		at, what := h.s.off, ""
		var e harEntry
		var raw []byte
		if c != '{' {
			what = fmt.Sprintf("entry %d is no object", h.n)
		} else {
			raw, err = h.s.value(buf[:0], MaxEntry)
			buf = raw
			bad := json.Unmarshal(raw, &e)
			var syntax *json.SyntaxError
			switch {
			case err == errLong:
				what = fmt.Sprintf("entry %d is longer than %d bytes, or damaged", h.n, MaxEntry)
			case err != nil:
				what = fmt.Sprintf("entry %d is cut off or damaged", h.n)
			case errors.As(bad, &syntax):
				what = fmt.Sprintf("entry %d is no JSON", h.n)
			case bad != nil || e.Request.Method == "" && e.Request.URL == "":
				// Its brackets match: the next entry is where it should be.
				if !yield(contract.Exchange{}, h.fail(at, "entry %d is no HAR entry", h.n)) {
					return
				}
				continue
			}
		}
		if what == "" {
			if !yield(e.exchange(fmt.Sprintf("%s entry %d", h.name, h.n)), nil) {
				return
			}
			continue
		}
		if !yield(contract.Exchange{}, h.fail(at, "%s", what)) {
			return
		}
		// What was read may hold whole entries, this one's request among them:
		// go back and look for the next request.
		h.s.unread(raw)
		h.s.skipBytes(1)
		if !h.resync(yield) {
			return
		}
	}
}

// maxRereads bounds the work a hostile file can cause.
const maxRereads = 64

// resync looks for the next request object, wherever it stands, reads it and
// the response that follows, and leaves the entry.
func (h *harReader) resync(yield func(contract.Exchange, error) bool) bool {
	if h.rereads++; h.rereads > maxRereads {
		yield(contract.Exchange{}, h.fail(h.s.off, "too much damage, giving up"))
		return false
	}
	for h.s.find(`"request"`) {
		at := h.s.off
		if c, err := h.s.next(); err != nil || c != ':' {
			continue
		}
		if c, err := h.s.peek(); err != nil || c != '{' {
			continue
		}
		var e harEntry
		raw, err := h.s.value(nil, MaxEntry)
		if err != nil || json.Unmarshal(raw, &e.Request) != nil || e.Request.Method == "" {
			h.s.unread(raw)
			h.s.skipBytes(1)
			continue
		}
		if !h.response(&e) {
			continue
		}
		h.n++
		if !yield(e.exchange(fmt.Sprintf("%s byte %d", h.name, at)), nil) {
			return false
		}
		_ = h.s.leave() // at the end of the file the caller says so
		return true
	}
	return false
}

func (h *harReader) response(e *harEntry) bool {
	if c, err := h.s.next(); err != nil || c != ',' {
		return false
	}
	if c, err := h.s.peek(); err != nil || c != '"' {
		return false
	}
	if h.s.member("response") != nil {
		return false
	}
	raw, err := h.s.value(nil, MaxEntry)
	if err != nil {
		h.s.unread(raw)
		return false
	}
	return json.Unmarshal(raw, &e.Response) == nil
}

type harEntry struct {
	Started time.Time `json:"startedDateTime"`
	Request struct {
		Method  string     `json:"method"`
		URL     string     `json:"url"`
		Headers []harField `json:"headers"`
		Size    int64      `json:"bodySize"`
		Post    *struct {
			MimeType string     `json:"mimeType"`
			Text     *string    `json:"text"`
			Encoding string     `json:"encoding"`
			Params   []harField `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int        `json:"status"`
		Headers []harField `json:"headers"`
		Size    int64      `json:"bodySize"`
		Content struct {
			Size     int64   `json:"size"`
			MimeType string  `json:"mimeType"`
			Text     *string `json:"text"`
			Encoding string  `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

type harField struct {
	Name     string  `json:"name"`
	Value    *string `json:"value"`
	FileName string  `json:"fileName"`
}

func (e *harEntry) exchange(source string) contract.Exchange {
	x := contract.Exchange{
		Time: e.Started, Method: e.Request.Method, URL: e.Request.URL, Source: source,
		RequestHeader: harHeader(e.Request.Headers), Status: e.Response.Status, ResponseHeader: harHeader(e.Response.Headers),
	}
	if p := e.Request.Post; p != nil {
		if x.RequestHeader.Get("Content-Type") == "" && p.MimeType != "" {
			x.RequestHeader.Set("Content-Type", p.MimeType)
		}
		switch {
		case p.Text != nil && (*p.Text != "" || len(p.Params) == 0):
			x.RequestBody = harText(*p.Text, p.Encoding)
		case len(p.Params) > 0:
			x.RequestBody, x.NoRequestBody = harParams(p.Params, x.RequestHeader)
		}
	} else {
		x.NoRequestBody = e.Request.Size > 0
	}
	c := e.Response.Content
	if c.Text != nil {
		x.ResponseBody = harText(*c.Text, c.Encoding)
	} else {
		x.NoResponseBody = c.Size > 0 || e.Response.Size > 0
	}
	if x.ResponseHeader.Get("Content-Type") == "" && c.MimeType != "" && c.MimeType != "x-unknown" {
		x.ResponseHeader.Set("Content-Type", c.MimeType)
	}
	return x
}

func harHeader(fields []harField) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		if f.Value != nil && !strings.HasPrefix(f.Name, ":") { // HTTP/2 pseudo headers
			h.Add(f.Name, *f.Value)
		}
	}
	return h
}

func harText(text, encoding string) []byte {
	if encoding == "base64" {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b
		}
	}
	return []byte(text)
}

// harParams rebuilds a form from its parsed fields.
func harParams(params []harField, h http.Header) (body []byte, missing bool) {
	multi := strings.HasPrefix(h.Get("Content-Type"), "multipart/")
	values := url.Values{}
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, p := range params {
		v := ""
		if p.Value != nil {
			v = *p.Value
		} else if p.FileName != "" {
			return nil, true
		}
		values.Add(p.Name, v)
		_ = w.WriteField(p.Name, v) // a strings.Builder does not fail
	}
	if !multi {
		return []byte(values.Encode()), false
	}
	_ = w.Close()
	h.Set("Content-Type", w.FormDataContentType())
	return []byte(b.String()), false
}

// scanner walks through JSON text without decoding it.
type scanner struct {
	r   *bufio.Reader
	off int64
}

func newScanner(r io.Reader) *scanner { return &scanner{r: bufio.NewReaderSize(r, 64<<10)} }

var (
	errLong   = errors.New("longer than the limit")
	errFormat = errors.New("not as expected")
)

func (s *scanner) bom() {
	if b, _ := s.r.Peek(3); string(b) == "\xef\xbb\xbf" {
		s.skipBytes(3)
	}
}

func (s *scanner) skipBytes(n int) {
	d, _ := s.r.Discard(n)
	s.off += int64(d)
}

// unread puts bytes back that were just read.
func (s *scanner) unread(b []byte) {
	again := append([]byte(nil), b...)
	s.off -= int64(len(b))
	s.r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(again), s.r), 64<<10)
}

// peek skips white space and shows the next byte.
func (s *scanner) peek() (byte, error) {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			s.skipBytes(1)
		default:
			return b[0], nil
		}
	}
}

func (s *scanner) next() (byte, error) {
	c, err := s.peek()
	if err == nil {
		s.skipBytes(1)
	}
	return c, err
}

// member goes to the value of a member of the object that was just opened,
// and past the members before it.
func (s *scanner) member(name string) error {
	for {
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c == ',' {
			s.skipBytes(1)
			continue
		}
		if c != '"' {
			return errFormat
		}
		key, err := s.value(nil, 1<<10)
		if err != nil {
			return err
		}
		if c, err := s.next(); err != nil || c != ':' {
			return errFormat
		}
		if string(key) == `"`+name+`"` {
			return nil
		}
		if _, err := s.value(nil, 0); err != nil && err != errLong {
			return err
		}
	}
}

// leave goes past the end of the object the scanner is in.
func (s *scanner) leave() error {
	for {
		c, err := s.peek()
		if err != nil {
			return err
		}
		switch c {
		case '}':
			s.skipBytes(1)
			return nil
		case ',', ':':
			s.skipBytes(1)
		default:
			if _, err := s.value(nil, 0); err != nil && err != errLong {
				return err
			}
		}
	}
}

// value reads one JSON value by its brackets and quotes alone, and returns
// its text. Of a value longer than limit it returns what fits and errLong;
// with a limit of 0 the value is read to its end and nothing is kept.
func (s *scanner) value(buf []byte, limit int) ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return buf, err
	}
	depth, inString, escape, plain := 0, false, false, false
	for {
		if s.r.Buffered() == 0 {
			if _, err := s.r.Peek(1); err != nil {
				if plain && depth == 0 {
					return buf, nil
				}
				return buf, io.ErrUnexpectedEOF
			}
		}
		chunk, _ := s.r.Peek(s.r.Buffered())
		end := -1
	scan:
		for i, c := range chunk {
			switch {
			case escape:
				escape = false
			case inString:
				switch c {
				case '\\':
					escape = true
				case '"':
					inString = false
					if depth == 0 {
						end = i + 1
						break scan
					}
				}
			case c == '"':
				inString = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				if plain && depth == 0 {
					end = i
					break scan
				}
				if depth--; depth <= 0 {
					end = i + 1
					break scan
				}
			case depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t'):
				end = i
				break scan
			case depth == 0:
				plain = true
			}
		}
		take := len(chunk)
		if end >= 0 {
			take = end
		}
		if limit > 0 && len(buf)+take > limit {
			take = limit - len(buf)
			buf = append(buf, chunk[:take]...)
			s.skipBytes(take)
			return buf, errLong
		}
		if limit > 0 {
			buf = append(buf, chunk[:take]...)
		}
		s.skipBytes(take)
		if end >= 0 {
			return buf, nil
		}
	}
}

// find goes past the next occurrence of a word.
func (s *scanner) find(word string) bool {
	for {
		b, err := s.r.Peek(len(word))
		if len(b) < len(word) {
			return false
		}
		if string(b) == word {
			s.skipBytes(len(word))
			return true
		}
		if err != nil {
			return false
		}
		chunk, _ := s.r.Peek(s.r.Buffered())
		if i := bytes.IndexByte(chunk[1:], word[0]); i >= 0 {
			s.skipBytes(i + 1)
		} else {
			s.skipBytes(len(chunk))
		}
	}
}
