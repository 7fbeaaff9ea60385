// Package jsonx is the one place where generated clients turn values into
// JSON and back, so that another encoder can be swapped in by build tag, plus
// a scanner that finds a member without decoding its siblings.
package jsonx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// Marshal encodes without escaping <, > and &: what is sent is what was meant.
func Marshal(v any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.buf.Cap() <= 64<<10 {
			e.buf.Reset()
			encoders.Put(e)
		}
	}()
	if err := e.enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))), nil
}

type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}}

// Unmarshal decodes exactly one JSON value.
func Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// ErrNotObject is returned by Members for JSON that is not an object.
var ErrNotObject = errors.New("not a JSON object")

// Members walks the top level of a JSON object and calls f with the name and
// the undecoded value of every member. It fails on text that ends early, so a
// body cut off by a proxy is noticed although only one member is wanted. What
// stands between the brackets of a value is not checked here: whoever decodes
// the value does that.
func Members(data []byte, f func(name string, value []byte)) error {
	return Walk(data, func(name, value []byte) { f(string(name), value) })
}

// Walk is Members with the name as bytes, for whoever wants no string of it.
func Walk(data []byte, f func(name, value []byte)) error {
	s := scanner{data: data}
	s.space()
	if s.pos >= len(data) || data[s.pos] != '{' {
		return ErrNotObject
	}
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return s.end()
	}
	for {
		s.space()
		start := s.pos
		if err := s.text(); err != nil {
			return err
		}
		name := data[start+1 : s.pos-1]
		if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
			var text string
			if err := json.Unmarshal(data[start:s.pos], &text); err != nil {
				return err
			}
			name = []byte(text)
		}
		s.space()
		if s.peek() != ':' {
			return s.fail()
		}
		s.pos++
		s.space()
		start = s.pos
		if err := s.value(); err != nil {
			return err
		}
		f(name, data[start:s.pos])
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return s.end()
		default:
			return s.fail()
		}
	}
}

// Member returns the undecoded value of one top-level member, and whether it
// is there. As in encoding/json, the last of several wins.
func Member(data []byte, name string) (value []byte, ok bool, err error) {
	err = Walk(data, func(n, v []byte) {
		if string(n) == name {
			value, ok = v, true
		}
	})
	return value, ok, err
}

type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) end() error {
	s.space()
	if s.pos != len(s.data) {
		return s.fail()
	}
	return nil
}

func (s *scanner) fail() error {
	if s.pos >= len(s.data) {
		return errors.New("JSON ends early")
	}
	return fmt.Errorf("invalid JSON at byte %d", s.pos)
}

// text passes over a string, quotes included.
func (s *scanner) text() error {
	if s.peek() != '"' {
		return s.fail()
	}
	for i := s.pos + 1; i < len(s.data); i++ {
		switch s.data[i] {
		case '\\':
			i++
		case '"':
			s.pos = i + 1
			return nil
		}
	}
	s.pos = len(s.data)
	return s.fail()
}

// value passes over one value of any kind.
func (s *scanner) value() error {
	switch s.peek() {
	case '"':
		return s.text()
	case '{', '[':
		depth := 0
		for s.pos < len(s.data) {
			switch s.data[s.pos] {
			case '"':
				if err := s.text(); err != nil {
					return err
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					s.pos++
					return nil
				}
			}
			s.pos++
		}
		return s.fail()
	default:
		start := s.pos
		for s.pos < len(s.data) {
			switch s.data[s.pos] {
			case ',', '}', ']', ' ', '\t', '\n', '\r':
				if s.pos == start {
					return s.fail()
				}
				return nil
			}
			s.pos++
		}
		return s.fail()
	}
}
