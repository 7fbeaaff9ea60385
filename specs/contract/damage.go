package contract

import (
	"encoding/json"
	"maps"
	"slices"
)

// damage is one way to spoil a fixture.
type damage struct {
	kind string
	path []any
	// apply puts the damage in, and returns how to take it out again.
	apply func(root *any) (undo func())
}

// The kinds of damage, in the order in which they are listed. Wrong types
// must be refused; whether a member may be missing, and a value unknown, is
// for the document to say, so that those are only counted.
const (
	damageObject  = "leaf becomes an object"
	damageArray   = "leaf becomes an array"
	damageScalar  = "leaf becomes another scalar type"
	damageNull    = "leaf becomes null"
	damageNested  = "object or array becomes a string"
	damageRenamed = "member is renamed"
	damageRemoved = "member is removed"
	damageValue   = "text becomes an unknown one"
)

var damageKinds = []string{damageObject, damageArray, damageScalar, damageNull, damageNested, damageRenamed, damageRemoved, damageValue}

// typeDamage reports whether a kind is about types, which is what the bar of
// 95 % is about.
func typeDamage(kind string) bool { return kind != damageRemoved && kind != damageValue }

const spoiled = "damaged by a test"

// damages lists every way to spoil a value that we know.
func damages(v any) []damage {
	var out []damage
	walkValue(nil, v, func(path []any, v any) {
		switch v := v.(type) {
		case map[string]any:
			if len(path) > 0 {
				out = append(out, replace(damageNested, path, spoiled))
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				out = append(out, rename(path, name), remove(path, name))
			}
		case []any:
			if len(path) > 0 {
				out = append(out, replace(damageNested, path, spoiled))
			}
		default:
			if len(path) > 0 {
				out = append(out, spoilLeaf(path, v)...)
			}
		}
	})
	return out
}

func spoilLeaf(path []any, v any) []damage {
	out := []damage{
		replace(damageObject, path, map[string]any{"damaged": true}),
		replace(damageArray, path, []any{map[string]any{"damaged": true}}),
	}
	switch v := v.(type) {
	case nil:
		return out
	case string:
		out = append(out, replace(damageScalar, path, json.Number("7")))
		if v != spoiled {
			out = append(out, replace(damageValue, path, spoiled))
		}
	default:
		out = append(out, replace(damageScalar, path, spoiled))
	}
	return append(out, replace(damageNull, path, nil))
}

func walkValue(path []any, v any, visit func([]any, any)) {
	visit(path, v)
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walkValue(append(slices.Clip(path), name), v[name], visit)
		}
	case []any:
		for i, e := range v {
			walkValue(append(slices.Clip(path), i), e, visit)
		}
	}
}

// replace puts another value at a path.
func replace(kind string, path []any, by any) damage {
	return damage{kind: kind, path: path, apply: func(root *any) func() {
		old := get(*root, path)
		set(root, path, by)
		return func() { set(root, path, old) }
	}}
}

func remove(owner []any, name string) damage {
	return damage{kind: damageRemoved, path: append(slices.Clip(owner), name), apply: func(root *any) func() {
		m := get(*root, owner).(map[string]any)
		old := m[name]
		delete(m, name)
		return func() { m[name] = old }
	}}
}

func rename(owner []any, name string) damage {
	return damage{kind: damageRenamed, path: append(slices.Clip(owner), name), apply: func(root *any) func() {
		m := get(*root, owner).(map[string]any)
		old := m[name]
		other := name + "_renamed"
		delete(m, name)
		m[other] = old
		return func() {
			delete(m, other)
			m[name] = old
		}
	}}
}

func get(v any, path []any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

func set(root *any, path []any, by any) {
	if len(path) == 0 {
		*root = by
		return
	}
	owner := get(*root, path[:len(path)-1])
	switch p := path[len(path)-1].(type) {
	case string:
		owner.(map[string]any)[p] = by
	case int:
		owner.([]any)[p] = by
	}
}
