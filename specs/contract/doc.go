// Package contract holds recorded and live traffic against the OpenAPI
// documents of package specs, or against any OpenAPI 3.0 document of yours.
//
// A [Checker] judges a request, a response, a fixture or a whole recorded
// exchange and returns every [Violation] it finds, one line each. It is
// stricter than a plain validator: undeclared statuses, content types and
// bodies, duplicate keys, bytes after the JSON, missing credentials and
// declared formats all count, and what the document does not mention is
// reported as [Undocumented].
//
//	c, err := contract.For("kuna")
//	op, violations := c.Request(req)
//	violations = append(violations, c.Response(req, res)...)
//
// No violation ever holds a value from a body, a header or a query: it says
// where, what kind of thing is there, and what the document expects.
//
// In tests use [Client], [Assert] and [FixturesFS]; in production a sampling
// [Transport]; for recordings package record.
package contract
