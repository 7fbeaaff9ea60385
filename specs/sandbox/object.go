package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// object is a JSON object that keeps the order of its members, because our
// answers should read like the documentation they come from. Values are
// *object, []any, string, json.Number, bool or nil.
type object struct{ members []member }

type member struct {
	name  string
	value any
}

// obj builds an object from names and values in turn.
func obj(pairs ...any) *object {
	o := &object{members: make([]member, 0, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.members = append(o.members, member{pairs[i].(string), pairs[i+1]})
	}
	return o
}

func (o *object) find(name string) int {
	if o == nil {
		return -1
	}
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

func (o *object) has(name string) bool { return o.find(name) >= 0 }

func (o *object) get(name string) any {
	if i := o.find(name); i >= 0 {
		return o.members[i].value
	}
	return nil
}

// text is a member as text: strings and numbers as they are, else "".
func (o *object) text(name string) string {
	switch v := o.get(name).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (o *object) object(name string) *object {
	v, _ := o.get(name).(*object)
	return v
}

func (o *object) list(name string) []any {
	v, _ := o.get(name).([]any)
	return v
}

func (o *object) set(name string, value any) *object {
	if i := o.find(name); i >= 0 {
		o.members[i].value = value
	} else {
		o.members = append(o.members, member{name, value})
	}
	return o
}

func (o *object) drop(names ...string) *object {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return slices.Contains(names, m.name) })
	return o
}

// take copies the named members of another object, where it has them.
func (o *object) take(from *object, names ...string) *object {
	for _, n := range names {
		if from.has(n) {
			o.set(n, from.get(n))
		}
	}
	return o
}

// only is a new object with the named members, where they exist.
func (o *object) only(names ...string) *object { return obj().take(o, names...) }

// clone copies an object with everything below it.
func (o *object) clone() *object { c, _ := cloneValue(o).(*object); return c }

func cloneValue(v any) any {
	switch v := v.(type) {
	case *object:
		if v == nil {
			return v
		}
		c := &object{members: make([]member, len(v.members))}
		for i, m := range v.members {
			c.members[i] = member{m.name, cloneValue(m.value)}
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = cloneValue(v[i])
		}
		return c
	}
	return v
}

func (o *object) MarshalJSON() ([]byte, error) { return encode(o), nil }

func (o *object) UnmarshalJSON(b []byte) error {
	v, err := decode(b)
	if err != nil {
		return err
	}
	d, ok := v.(*object)
	if !ok {
		return fmt.Errorf("sandbox: not a JSON object")
	}
	*o = *d
	return nil
}

// encode writes a value as compact JSON, without the escapes that
// encoding/json adds for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	encodeInto(&b, v)
	return b.Bytes()
}

func encodeInto(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case *object:
		if v == nil {
			b.WriteString("null")
			return
		}
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			encodeScalar(b, m.name)
			b.WriteByte(':')
			encodeInto(b, m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			encodeInto(b, v[i])
		}
		b.WriteByte(']')
	case []*object:
		b.WriteByte('[')
		for i := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			encodeInto(b, v[i])
		}
		b.WriteByte(']')
	case json.Number:
		b.WriteString(v.String())
	case json.RawMessage:
		b.Write(v)
	default:
		encodeScalar(b, v)
	}
}

func encodeScalar(b *bytes.Buffer, v any) {
	if s, ok := v.(string); ok && plain(s) {
		b.WriteByte('"')
		b.WriteString(s)
		b.WriteByte('"')
		return
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		b.WriteString("null")
		return
	}
	b.Truncate(b.Len() - 1) // the encoder's newline
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}

// decode reads JSON and keeps order and digits.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("sandbox: more than one JSON value")
	}
	return v, nil
}

func decodeValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if delim == '{' {
		o := obj()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			o.set(name.(string), v)
		}
		_, err = d.Token()
		return o, err
	}
	list := []any{}
	for d.More() {
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = d.Token()
	return list, err
}

// decodeObject reads a JSON object; anything else gives an empty one.
func decodeObject(b []byte) *object {
	v, _ := decode(b)
	if o, ok := v.(*object); ok {
		return o
	}
	return obj()
}
