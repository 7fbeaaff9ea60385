// Package record reads recorded traffic and judges it: HAR files as browsers
// and proxies export them, and JSON lines. Both are read as streams, an
// exchange at a time; a damaged part is reported with its position and the
// rest is read all the same.
//
//	sum := record.Judge(record.HAR(file, "shop.har"), checkers...)
//
// Recordings are full of credentials. Nothing here prints a header, a query
// or a body: errors and findings name places.
package record
