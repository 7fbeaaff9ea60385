package sandbox

import "time"

// The providers' ways to write a time.

func isoSeconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
func isoMillis(t time.Time) string  { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// spaced is CryptoCloud's, which is not RFC 3339.
func spaced(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

func readSpaced(s string) time.Time {
	t, _ := time.Parse("2006-01-02 15:04:05.999999", s)
	return t
}

func readISO(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
