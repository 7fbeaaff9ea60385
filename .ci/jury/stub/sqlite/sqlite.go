// Package sqlite stands in for the database that vacuum links for its HTML
// reports. We write none, and the real one takes a minute to compile.
package sqlite
