//go:build tools

// Package payclients pins the code generator. Nothing here is ever built into
// a program: the build tag keeps it out, the import keeps its version in go.mod.
package payclients

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
