package call

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// emptyNumber finds a json.Number in v that is empty and would be sent all the
// same: encoding/json writes 0 for it, and an amount that somebody forgot must
// not become an amount.
func emptyNumber(v any) (member string, found bool) {
	if v == nil {
		return "", false
	}
	value := reflect.ValueOf(v)
	return planOf(value.Type()).find(value)
}

var (
	numberType    = reflect.TypeFor[json.Number]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	plans         sync.Map // reflect.Type → *plan
)

// plan is what there is to look at in the values of one type.
type plan struct {
	typ    reflect.Type
	once   sync.Once
	skip   bool // no json.Number can be in there
	fields []planField
}

type planField struct {
	index     int
	name      string
	omitEmpty bool
	plan      *plan
}

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, &plan{typ: t})
	return p.(*plan)
}

// prepare is done late, since types may hold themselves.
func (p *plan) prepare() {
	switch p.typ.Kind() {
	case reflect.Struct:
		if p.typ.Implements(marshalerType) {
			p.skip = true // such as time.Time
			return
		}
		for i := range p.typ.NumField() {
			f := p.typ.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || name == "-" || scalar(f.Type) {
				continue
			}
			if name == "" {
				name = f.Name
			}
			p.fields = append(p.fields, planField{i, name, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"), planOf(f.Type)})
		}
		p.skip = len(p.fields) == 0
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		p.skip = scalar(p.typ.Elem())
	case reflect.Interface:
	default:
		p.skip = p.typ != numberType
	}
}

// scalar reports a type that neither is nor can hold a json.Number.
func scalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Interface:
		return false
	}
	return t != numberType
}

func (p *plan) find(v reflect.Value) (string, bool) {
	p.once.Do(p.prepare)
	if p.skip {
		return "", false
	}
	switch v.Kind() {
	case reflect.String:
		return "", v.Len() == 0
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return planOf(v.Elem().Type()).find(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if name, found := planOf(p.typ.Elem()).find(v.Index(i)); found {
				return join(strconv.Itoa(i), name), true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if name, found := planOf(p.typ.Elem()).find(it.Value()); found {
				return join(it.Key().String(), name), true
			}
		}
	case reflect.Struct:
		for _, f := range p.fields {
			fv := v.Field(f.index)
			if f.omitEmpty && fv.Kind() == reflect.String && fv.Len() == 0 {
				continue // left out
			}
			if name, found := f.plan.find(fv); found {
				return join(f.name, name), true
			}
		}
	}
	return "", false
}

func join(outer, inner string) string {
	if inner == "" {
		return outer
	}
	return outer + "." + inner
}
