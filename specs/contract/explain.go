package contract

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schema judges a decoded value and translates what kin-openapi has to say.
// Its own messages are never used: some of them quote the value.
func (j *judgement) schema(s *openapi3.Schema, v any, opts []openapi3.SchemaValidationOption) bool {
	err := s.VisitJSON(v, opts...)
	if err == nil {
		return true
	}
	j.explain(err, "", 0)
	return false
}

// at is prepended to pointers, for values that are not bodies: "query page".
func (j *judgement) explain(err error, at string, depth int) {
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch e := err.(type) { //nolint:errorlint // wrapped errors are taken apart below
	case openapi3.MultiError:
		many = e
	case *openapi3.SchemaError:
		one = e
	default:
		if !errors.As(err, &one) && !errors.As(err, &many) {
			j.broken("schema", j.place(at, nil), "does not fit its schema", "")
			return
		}
	}
	for _, e := range many {
		j.explain(e, at, depth)
	}
	if one != nil {
		j.explainOne(one, at, depth)
	}
}

func (j *judgement) place(at string, path []string) string {
	switch {
	case at == "":
		return j.c.pointer(path)
	case len(path) == 0:
		return at
	}
	return at + " " + j.c.pointer(path)
}

func (j *judgement) explainOne(e *openapi3.SchemaError, at string, depth int) {
	where := j.place(at, e.JSONPointer())
	s := e.Schema
	switch f := e.SchemaField; f {
	case "type":
		j.broken(f, where, "is "+kindOf(e.Value), expectedType(s))
	case "nullable":
		j.broken("null", where, "is null", expectedType(s))
	case "required":
		j.broken(f, where, "is missing", "it, as a required member")
	case "enum":
		j.broken(f, where, "has a value that is not among the documented ones", list(s.Enum))
	case "format":
		j.broken(f, where, "does not have the documented format", s.Format)
	case "pattern":
		j.broken(f, where, "does not match the documented pattern", s.Pattern)
	case "properties":
		j.broken(f, where, "holds a member that is not allowed", "only the documented members")
	case "readOnly", "writeOnly":
		j.broken(f, where, "is "+f, "no such member in a "+string(j.in))
	case "minLength":
		j.broken(f, where, "is too short", "at least "+strconv.FormatUint(s.MinLength, 10)+" characters")
	case "maxLength":
		j.broken(f, where, "is too long", "at most "+strconv.FormatUint(*s.MaxLength, 10)+" characters")
	case "minimum", "exclusiveMinimum":
		j.broken(f, where, "is too small", bound("more than ", "at least ", s.Min, s.ExclusiveMin))
	case "maximum", "exclusiveMaximum":
		j.broken(f, where, "is too large", bound("less than ", "at most ", s.Max, s.ExclusiveMax))
	case "oneOf", "anyOf":
		j.explainChoice(e, where, at, depth)
	case "allOf":
		var parts openapi3.MultiError
		if depth < 8 && errors.As(e.Origin, &parts) {
			for _, p := range parts {
				j.explain(p, at, depth+1)
			}
			return
		}
		j.broken(f, where, "does not fit all of its schemas", "")
	default: // minItems, maxItems, uniqueItems, multipleOf, minProperties, not, discriminator, …
		j.broken(f, where, "breaks the documented "+f, "")
	}
}

// explainChoice names the shapes a value could have had, and what is wrong
// with the one that comes closest.
func (j *judgement) explainChoice(e *openapi3.SchemaError, where, at string, depth int) {
	refs, rule := e.Schema.OneOf, e.SchemaField
	if rule == "anyOf" {
		refs = e.Schema.AnyOf
	}
	names := make([]string, len(refs))
	for i, r := range refs {
		if names[i] = r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]; names[i] == "" {
			names[i] = expectedType(r.Value)
		}
	}
	if errors.Is(e.Origin, openapi3.ErrOneOfConflict) {
		j.broken(rule+"-conflict", where, "fits more than one shape", "exactly one of "+strings.Join(names, ", "))
		return
	}
	j.broken(rule, where, "is "+kindOf(e.Value)+" that fits no documented shape", "one of "+strings.Join(names, ", "))
	var branches openapi3.MultiError
	if depth > 4 || !errors.As(e.Origin, &branches) {
		return
	}
	var closest *judgement
	for _, b := range branches {
		try := &judgement{c: j.c, op: j.op, in: j.in, status: j.status}
		try.explain(b, at, depth+1)
		if len(try.v) == 0 || try.v[0].Rule == "type" && try.v[0].Where == where {
			continue // another kind of value altogether
		}
		if closest == nil || len(try.v) < len(closest.v) {
			closest = try
		}
	}
	if closest != nil {
		j.v = append(j.v, closest.v...)
	}
}

// kindOf says what kind of value is there, never the value.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		if v == "" {
			return "an empty string"
		}
		return "a string"
	case bool:
		return "a boolean"
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "a number with a fraction"
		}
		return "an integer"
	case float64:
		if v != float64(int64(v)) {
			return "a number with a fraction"
		}
		return "a number"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "something else"
}

func expectedType(s *openapi3.Schema) string {
	if s == nil || s.Type == nil || len(*s.Type) == 0 {
		return "another kind of value"
	}
	t := strings.Join(*s.Type, " or ")
	if s.Nullable {
		t += " or null"
	}
	switch t[0] {
	case 'a', 'i', 'o':
		return "an " + t
	}
	return "a " + t
}

func list(values []any) string {
	b, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	if len(b) > 160 {
		return "one of " + strconv.Itoa(len(values)) + " values"
	}
	return "one of " + string(b)
}

func bound(exclusive, inclusive string, limit *float64, ex openapi3.ExclusiveBound) string {
	if limit == nil {
		return ""
	}
	word := inclusive
	if ex.Bool != nil && *ex.Bool {
		word = exclusive
	}
	return word + strconv.FormatFloat(*limit, 'g', -1, 64)
}
