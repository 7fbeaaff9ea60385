// Package clienttest holds the tests that all clients of gen share: one table of
// the five providers, and what has to be true of each of them.
package clienttest
