//go:build race

package contract

// RaceEnabled says that timings mean nothing.
const RaceEnabled = true
