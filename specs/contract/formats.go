package contract

import (
	"encoding/base64"
	"errors"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// formats are checked wherever a document declares them. They are handed over
// with each validation, so that kin-openapi's process-wide registry, which
// other packages may use, stays as it is.
var formats = map[string]openapi3.StringFormatValidator{
	"date-time": format(func(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil }),
	"date":      format(func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }),
	"uri": format(func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
	}),
	"email": format(func(s string) bool {
		a, err := mail.ParseAddress(s)
		return err == nil && a.Address == s
	}),
	"uuid": format(regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString),
	"ipv4": format(func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }),
	"ipv6": format(func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() }),
	"byte": format(func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }),
}

var errFormat = errors.New("does not have this format")

type format func(string) bool

// Validate implements kin-openapi's interface; its error never holds the value.
func (f format) Validate(s string) error {
	if !f(s) {
		return errFormat
	}
	return nil
}
