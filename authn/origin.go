package authn

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ErrOrigin: a credential was about to leave for a place it was not made for.
var ErrOrigin = errors.New("credentials are bound to another origin")

// ParseBaseURL parses the root of an API. It refuses plain http except to
// loopback, and URLs with user, query or fragment. A trailing slash goes.
func ParseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil { // the text of err quotes s, which may hold a password
		return nil, errors.New("authn: base URL cannot be parsed")
	}
	switch {
	case s == "":
		return nil, errors.New("authn: base URL is empty")
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("authn: base URL needs a scheme and a host, like https://api.example.com")
	case u.User != nil:
		return nil, errors.New("authn: base URL must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return nil, errors.New("authn: base URL must not hold a query or fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("authn: base URL must be https (plain http only to loopback), got %s://%s", u.Scheme, u.Host)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// SameOrigin compares scheme, host and port; a missing port is the scheme's own.
func SameOrigin(a, b *url.URL) bool {
	return a != nil && b != nil && strings.EqualFold(a.Scheme, b.Scheme) &&
		(a.Host == b.Host || strings.EqualFold(hostPort(a), hostPort(b)))
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(strings.TrimSuffix(u.Hostname(), "."), port)
}

func checkOrigin(origin, target *url.URL) error {
	if SameOrigin(origin, target) {
		return nil
	}
	return fmt.Errorf("authn: request for %s, credentials for %s: %w", originOf(target), originOf(origin), ErrOrigin)
}

func originOf(u *url.URL) string {
	if u == nil {
		return "nowhere"
	}
	return u.Scheme + "://" + u.Host
}

// CheckRedirect is an [http.Client] redirect policy: GET and HEAD follow within
// the origin, ten times at most; anything else keeps the 3xx answer. net/http on
// its own would carry Api-key headers, and on 307 the body, to any host.
func CheckRedirect(origin *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0].Method
		if first != http.MethodGet && first != http.MethodHead || len(via) > 10 || !SameOrigin(origin, req.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}
