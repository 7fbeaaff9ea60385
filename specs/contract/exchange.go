package contract

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Exchange is a recorded request with its answer. A Status of 0 means that
// there was none.
type Exchange struct {
	Time           time.Time
	Method         string
	URL            string // absolute, or only a path
	RequestHeader  http.Header
	RequestBody    []byte
	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte
	Source         string // where it was recorded, such as "shop.har entry 12"
	// NoRequestBody and NoResponseBody say that a body existed and was not
	// recorded; it is not judged then.
	NoRequestBody, NoResponseBody bool
}

// Exchange judges a request and its answer together.
func (c *Checker) Exchange(x Exchange) (op string, v []Violation) {
	u, err := url.Parse(x.URL)
	if err != nil {
		return "", []Violation{{Provider: c.provider, In: InRoute, Where: "url", What: "cannot be read", Kind: Broken, Rule: "route"}}
	}
	req := &http.Request{Method: strings.ToUpper(x.Method), URL: u, Host: u.Host, Header: x.RequestHeader}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	op, v = c.RequestBytes(req, x.RequestBody)
	if x.NoRequestBody {
		v = dropBody(v, InRequest)
	}
	if op == "" || x.Status == 0 {
		return op, v
	}
	h := x.ResponseHeader
	if h == nil {
		h = http.Header{}
	}
	rv := c.ResponseBytes(req, x.Status, h, x.ResponseBody)
	if x.NoResponseBody {
		rv = dropBody(rv, InResponse)
	}
	return op, append(v, rv...)
}

// dropBody forgets what was said about a body that is not there.
func dropBody(vs []Violation, in In) []Violation {
	var out []Violation
	for _, v := range vs {
		if v.In == in && v.Rule == "body" {
			continue
		}
		out = append(out, v)
	}
	return out
}

// String names an exchange without showing what it holds: a URL, a header
// and a body may each carry credentials.
func (x Exchange) String() string { return x.Method + " exchange from " + x.Source }

// GoString keeps %#v from showing more than [Exchange.String].
func (x Exchange) GoString() string { return x.String() }
