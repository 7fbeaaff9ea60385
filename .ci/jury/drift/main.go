// Command drift prints what breaks a client between two versions of a
// document, one line each: operation, tab, what. Judged by oasdiff.
//
//	drift <old> <new>
package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: drift <old> <new>"))
	}
	before, after := read(os.Args[1]), read(os.Args[2])
	report, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), before, after)
	if err != nil {
		fail(err)
	}
	local := checker.NewDefaultLocalizer()
	lines := map[string]bool{}
	for _, c := range checker.CheckBackwardCompatibility(checker.NewConfig(checker.GetAllChecks()), report, sources) {
		if !c.IsBreaking() {
			continue
		}
		operation := c.GetOperationId()
		if operation == "" {
			operation = "document"
		}
		lines[fmt.Sprintf("%s\t%s [%s]", operation, c.GetUncolorizedText(local), c.GetId())] = true
	}
	sorted := make([]string, 0, len(lines))
	for line := range lines {
		sorted = append(sorted, line)
	}
	sort.Strings(sorted)
	for _, line := range sorted {
		fmt.Println(line)
	}
}

// read loads a document. A schema that nothing refers to is a webhook: it
// becomes an answer, so that changes of it are seen.
func read(name string) *load.SpecInfo {
	data, err := os.ReadFile(name)
	if err != nil {
		fail(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		fail(fmt.Errorf("%s: %w", name, err))
	}
	for schema, value := range doc.Components.Schemas {
		if bytes.Contains(data, []byte(`#/components/schemas/`+schema+`"`)) {
			continue
		}
		answer := openapi3.NewResponse().WithDescription("Sent to us.").WithJSONSchemaRef(openapi3.NewSchemaRef("#/components/schemas/"+schema, value.Value))
		doc.Paths.Set("/webhook/"+schema, &openapi3.PathItem{Get: &openapi3.Operation{
			OperationID: schema,
			Responses:   openapi3.NewResponses(openapi3.WithStatus(200, &openapi3.ResponseRef{Value: answer})),
		}})
	}
	return &load.SpecInfo{Url: name, Spec: doc}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "drift:", err)
	os.Exit(1)
}
