package contract_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func shop(t testing.TB, opts ...contract.Option) *contract.Checker {
	t.Helper()
	c, err := contract.Load("testdata/shop.yaml", opts...)
	require.NoError(t, err)
	return c
}

const goodOrder = `{"id":12,"amount":"10.00","status":"open","note":null,"created":"2024-02-09T19:23:17Z","link":"https://a.example/x",
 "customer":{"name":"N","vip":true},"payer":{"iban":"X"},"metadata":{"any":1},"rates":{"EUR":1.5},"lines":[{"count":1,"children":[{"count":2}]}]}`

var jsonHeader = http.Header{"Content-Type": {"application/json; charset=utf-8"}}

// short is a violation without what every line repeats.
func short(vs []contract.Violation) []string {
	var out []string
	for _, v := range vs {
		out = append(out, fmt.Sprintf("%s %s %s", v.Kind, v.Rule, v.Where))
	}
	return out
}

func TestResponseIsJudged(t *testing.T) {
	c := shop(t)
	for _, tc := range []struct {
		name, path string
		status     int
		header     http.Header
		body       string
		want       []string
	}{
		{name: "as documented", body: goodOrder},
		{name: "undeclared status", status: 418, body: goodOrder, want: []string{"broken status status"}},
		{name: "undeclared redirect", status: 301, body: "", want: []string{"broken status status"}},
		{name: "wrong type", body: `{"id":"12","amount":"10.00"}`, want: []string{"broken type /id"}},
		{name: "several at once", body: `{"id":1.5,"note":7}`, want: []string{"broken type /id", "broken type /note", "broken required /amount"}},
		{name: "null where not nullable", body: `{"id":null,"amount":"1.00"}`, want: []string{"broken null /id"}},
		{name: "unknown member", body: `{"id":1,"amount":"1.00","surprise":true}`, want: []string{"undocumented undocumented /surprise"}},
		{name: "unknown member deep inside", body: `{"id":1,"amount":"1.00","lines":[{"children":[{"x":1}]}]}`, want: []string{"undocumented undocumented /lines/0/children/0/x"}},
		{name: "unknown member of allOf", body: `{"id":1,"amount":"1.00","customer":{"name":"N","age":3}}`, want: []string{"undocumented undocumented /customer/age"}},
		{name: "unknown member of oneOf", body: `{"id":1,"amount":"1.00","payer":{"name":"N","age":3}}`, want: []string{"undocumented undocumented /payer/age"}},
		{name: "unlisted value of an open enum", body: `{"id":1,"amount":"1.00","status":"lost"}`, want: []string{"undocumented extensible-enum /status"}},
		{name: "pattern", body: `{"id":1,"amount":"1"}`, want: []string{"broken pattern /amount"}},
		{name: "date-time", body: `{"id":1,"amount":"1.00","created":"2023-05-29 19:17:19.2"}`, want: []string{"broken format /created"}},
		{name: "uri", body: `{"id":1,"amount":"1.00","link":"shop"}`, want: []string{"broken format /link"}},
		{name: "too long", body: `{"id":1,"amount":"1.00","note":"123456789012345678901"}`, want: []string{"broken maxLength /note"}},
		{name: "map value", body: `{"id":1,"amount":"1.00","rates":{"EUR":"1"}}`, want: []string{"broken type /rates/EUR"}},
		{name: "inside allOf", body: `{"id":1,"amount":"1.00","customer":{"name":7}}`, want: []string{"broken type /customer/name"}},
		{name: "neither of oneOf", body: `{"id":1,"amount":"1.00","payer":{"name":7}}`, want: []string{"broken oneOf /payer", "broken type /payer/name"}},
		{name: "both of oneOf", body: `{"id":1,"amount":"1.00","payer":{"name":"N","iban":"X"}}`, want: []string{"broken oneOf-conflict /payer"}},
		{name: "empty list", body: `{"id":1,"amount":"1.00","lines":[]}`, want: []string{"broken minItems /lines"}},
		{name: "too small", body: `{"id":1,"amount":"1.00","lines":[{"count":0}]}`, want: []string{"broken minimum /lines/0/count"}},
		{name: "duplicate key", body: `{"id":1,"amount":"1.00","amount":"2.00"}`, want: []string{"broken duplicate /amount"}},
		{name: "duplicate key in a list", body: `{"id":1,"amount":"1.00","lines":[{},{"count":1,"count":2}]}`, want: []string{"broken duplicate /lines/1/count"}},
		{name: "trailing bytes", body: `{"id":1,"amount":"1.00"} {"id":2}`, want: []string{"broken trailing body"}},
		{name: "cut off", body: `{"id":1,"amount":"1.0`, want: []string{"broken syntax /amount"}},
		{name: "not JSON", body: `<html>`, want: []string{"broken syntax body"}},
		{name: "byte order mark", body: "\ufeff" + `{"id":1,"amount":"1.00"}`, want: []string{"broken syntax body"}},
		{name: "not UTF-8", body: "{\"id\":1,\"amount\":\"1.00\",\"note\":\"\xff\"}", want: []string{"broken utf-8 /note"}},
		{name: "a list instead", body: `[1]`, want: []string{"broken type /"}},
		{name: "empty body", body: "", want: []string{"broken body body"}},
		{name: "HTML labelled so", header: http.Header{"Content-Type": {"text/html"}}, body: "<html>", want: []string{"broken content-type header Content-Type"}},
		{name: "no label", header: http.Header{}, body: `{"id":1}`, want: []string{"broken content-type header Content-Type", "broken required /amount"}},
		{name: "body where none is documented", path: "GET /v2/orders", status: 204, body: "x", want: []string{"broken body body"}},
		{name: "redirect with a body", path: "GET /v2/orders", status: 302, body: "x", want: []string{"broken body body"}},
		{name: "required header missing", path: "GET /v2/orders", body: "[]", want: []string{"broken required header X-Total"}},
		{name: "header of another type", path: "GET /v2/orders", header: http.Header{"Content-Type": {"application/json"}, "X-Total": {"many"}}, body: "[]", want: []string{"broken type header X-Total"}},
		{name: "text", path: "GET /v2/orders/", header: http.Header{"Content-Type": {"text/plain"}}, body: "fine"},
		{name: "JSON without a schema", path: "GET /v2/files/a.json", body: `{"what":"ever"}`},
		{name: "broken JSON without a schema", path: "GET /v2/files/a.json", body: `{"what"}`, want: []string{"broken syntax body"}},
		{name: "unknown path", path: "GET /v2/nothing", body: "", want: []string{"broken route GET path"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.path == "" {
				tc.path = "GET /v2/orders/7"
			}
			if tc.status == 0 {
				tc.status = 200
			}
			if tc.header == nil {
				tc.header = jsonHeader
			}
			method, path, _ := strings.Cut(tc.path, " ")
			got := c.ResponseBytes(httptest.NewRequest(method, path, nil), tc.status, tc.header, []byte(tc.body))
			require.Equal(t, tc.want, short(got), "%v", got)
		})
	}
}

func TestRequestIsJudged(t *testing.T) {
	c := shop(t)
	good := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer abc"}}
	form := func(ct string) http.Header {
		return http.Header{"Content-Type": {ct}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))}}
	}
	var multi bytes.Buffer
	w := multipart.NewWriter(&multi)
	require.NoError(t, w.WriteField("amount", "5"))
	require.NoError(t, w.WriteField("tags", "a"))
	require.NoError(t, w.Close())
	list := http.Header{"Api-Key": {"k"}, "merchant_id": {"b34555b7-dca4-5ec1-ade3-64a3ad545310"}}
	for _, tc := range []struct {
		name, path string
		header     http.Header
		body       string
		want       []string
	}{
		{name: "JSON", body: `{"amount":5,"currency":"EUR"}`},
		{name: "form", header: form("application/x-www-form-urlencoded"), body: "amount=5.25&currency=EUR&tags=a&tags=b"},
		{name: "multipart", header: form(w.FormDataContentType()), body: multi.String()},
		{name: "form of another type", header: form("application/x-www-form-urlencoded"), body: "amount=much&x=1", want: []string{"broken type /amount", "undocumented undocumented /x"}},
		{name: "form with a field twice", header: form("application/x-www-form-urlencoded"), body: "amount=1&amount=2", want: []string{"broken duplicate /amount"}},
		{name: "multipart cut off", header: form(w.FormDataContentType()), body: multi.String()[:80], want: []string{"broken syntax body"}},
		{name: "closed enum", body: `{"amount":5,"currency":"XXX"}`, want: []string{"broken enum /currency"}},
		{name: "no body", body: "", want: []string{"broken body body"}},
		{name: "body on a GET", path: "GET /v2/orders/7", header: jsonHeader, body: `{}`, want: []string{"broken body body"}},
		{name: "no credentials", header: jsonHeader, body: `{"amount":5}`, want: []string{"broken security header Authorization"}},
		{name: "credentials without the prefix", header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"abc"}}, body: `{"amount":5}`, want: []string{"broken security header Authorization"}},
		{name: "basic that is none", header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Basic !!"}}, body: `{"amount":5}`, want: []string{"broken security header Authorization"}},
		{name: "parameters", path: "GET /v2/orders?status=open&page=2", header: list},
		{name: "header parameter missing", path: "GET /v2/orders?status=open", header: http.Header{"Api-Key": {"k"}}, want: []string{"broken required header merchant_id"}},
		{name: "header parameter of another format", path: "GET /v2/orders?status=open", header: http.Header{"Api-Key": {"k"}, "Merchant_id": {"7"}}, want: []string{"broken format header merchant_id"}},
		{name: "query parameter missing", path: "GET /v2/orders", header: list, want: []string{"broken required query status"}},
		{name: "query parameter of another type", path: "GET /v2/orders?status=open&page=two", header: list, want: []string{"broken type query page"}},
		{name: "query parameter too small", path: "GET /v2/orders?status=open&page=0", header: list, want: []string{"broken minimum query page"}},
		{name: "query parameter not listed", path: "GET /v2/orders?status=lost", header: list, want: []string{"broken enum query status"}},
		{name: "query parameter unknown", path: "GET /v2/orders?status=open&x=1", header: list, want: []string{"undocumented undocumented query x"}},
		{name: "path parameter of another type", path: "GET /v2/orders/seven/lines", want: []string{"broken type path id"}},
		{name: "key in the query", path: "GET /v2/files/a.json?key=k"},
		{name: "key missing from the query", path: "GET /v2/files/a.json", want: []string{"broken security query key"}},
		{name: "other method", path: "DELETE /v2/orders/7", want: []string{"broken route DELETE path"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.path == "" {
				tc.path = "POST /v2/orders"
				if tc.header == nil {
					tc.header = good
				}
			}
			method, path, _ := strings.Cut(tc.path, " ")
			req := httptest.NewRequest(method, path, strings.NewReader(tc.body))
			req.Header = tc.header
			_, got := c.Request(req)
			require.ElementsMatch(t, tc.want, short(got), "%v", got)
			b, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.Equal(t, tc.body, string(b), "the body is put back")
		})
	}
}

func TestOperationsAreFoundByPath(t *testing.T) {
	c := shop(t)
	for path, want := range map[string]string{
		"GET https://shop.example/v2/orders": "listOrders", "GET http://127.0.0.1:9/v2/orders": "listOrders",
		"GET /v2/orders/": "listOrdersSlash", "GET /v2/orders/7": "getOrder", "GET /v2/orders/public": "getOrder",
		"GET /v2/orders/public/7": "getPublicOrder", "GET /v2/orders/7/lines": "getPart", "GET /v2/files/a.json": "getFile",
		"GET /v2/orders/a%2Fb": "getOrder", "GET /v2/%6Frders/7": "getOrder",
		"GET /orders": "", "GET /v2": "", "GET /v2/": "", "GET /v2/orders//": "", "GET /v2/orders/7/": "", "GET /v22/orders": "",
		"GET /v2/orders/..": "", "GET /v2/orders/.": "", "GET /v2/orders/%2e%2e": "", "GET /v2/files/.json": "", "PUT /v2/orders": "",
	} {
		method, target, _ := strings.Cut(path, " ")
		req, err := http.NewRequest(method, target, nil)
		require.NoError(t, err)
		got, ok := c.Operation(req)
		require.Equal(t, want, got, path)
		require.Equal(t, want != "", ok, path)
	}
	moved, err := c.With(contract.WithServer("http://127.0.0.1:1234/shop/"))
	require.NoError(t, err)
	op, _ := moved.Operation(httptest.NewRequest("GET", "/shop/orders/7", nil))
	require.Equal(t, "getOrder", op)
	_, ok := moved.Operation(httptest.NewRequest("GET", "/v2/orders/7", nil))
	require.False(t, ok, "the server under test replaces the document's")
}

func TestDocumentsThatCannotBeUsedAreRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"not YAML":  ":::",
		"3.1":       `{"openapi":"3.1.0","info":{"title":"a","version":"1"},"paths":{}}`,
		"not valid": `{"openapi":"3.0.3","info":{"title":"a"},"paths":{}}`,
		"undeclared scheme": `{"openapi":"3.0.3","info":{"title":"a","version":"1"},
			"paths":{"/a":{"get":{"operationId":"a","security":[{"none":[]}],"responses":{"200":{"description":"d"}}}}}}`,
	} {
		_, err := contract.New([]byte(doc))
		require.Error(t, err, name)
	}
	_, err := contract.For("nobody")
	require.ErrorContains(t, err, "nobody")
}

func TestFixtureIsJudgedInItsPlaces(t *testing.T) {
	c := shop(t, contract.WithProvider("shop"))
	for _, tc := range []struct {
		name, file, body string
		want             []string
	}{
		{"request", "createOrder.request.json", `{"amount":5}`, nil},
		{"request as form", "createOrder.request.form", `amount=5&tags=a`, nil},
		{"response", "createOrder.response.200.json", goodOrder, nil},
		{"class of statuses", "getOrder.response.4xx.json", `{"error":"x"}`, nil},
		{"any operation", "anyOperation.response.401.json", `{"error":7}`, []string{"broken type /error"}},
		{"any operation with a status of none", "anyOperation.response.500.json", `{}`, []string{"broken status status 500"}},
		{"undeclared status", "getOrder.response.500.json", `{}`, []string{"broken status status 500"}},
		{"unknown operation", "makeTea.response.200.json", `{}`, []string{"broken operation operation"}},
		{"request of a GET", "getOrder.request.json", `{}`, []string{"broken body body"}},
		{"webhook", "orderPaid.webhook.paid.json", `{"event":"paid","order":7}`, nil},
		{"webhook with a surprise", "orderPaid.webhook.paid.json", `{"event":"paid","order":7,"x":1}`, []string{"undocumented undocumented /x"}},
		{"webhook as form", "orderPaid.webhook.paid.form", "event=paid&order=7&info=abc\n", nil},
		{"webhook as form with a surprise", "orderPaid.webhook.paid.form", "event=paid&order=seven&x=1", []string{"broken type /order", "undocumented undocumented /x"}},
		{"unknown webhook", "other.webhook.paid.json", `{}`, []string{"broken webhook schema Other"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := specs.ParseFixtureName("shop", tc.file)
			require.NoError(t, err)
			f.Body = []byte(tc.body)
			require.ElementsMatch(t, tc.want, short(c.Fixture(f)))
		})
	}
}

func TestExceptionsAreHeldToWhatTheySay(t *testing.T) {
	c := shop(t)
	f, err := specs.ParseFixtureName("shop", "getOrder.response.200.json")
	require.NoError(t, err)
	f.Body = []byte(`{"id":1}`)
	require.NotEmpty(t, c.Fixture(f))
	require.Empty(t, c.FixtureStrict(f, specs.Exceptions{KnownBad: map[string]string{f.Name: "r"}}), "known to be bad, and bad")
	require.Empty(t, c.FixtureStrict(f, specs.Exceptions{Partial: map[string]string{f.Name: "r"}}), "what is missing proves nothing")
	f.Body = []byte(`{"id":"1"}`)
	require.NotEmpty(t, c.FixtureStrict(f, specs.Exceptions{Partial: map[string]string{f.Name: "r"}}), "types still count")
	f.Body = []byte(`{"id":1,"amount":"1.00"}`)
	require.NotEmpty(t, c.FixtureStrict(f, specs.Exceptions{KnownBad: map[string]string{f.Name: "r"}}), "known to be bad, and good")
}

func TestBodyOverTheLimitPassesUnjudgedAndWhole(t *testing.T) {
	c := shop(t, contract.WithBodyLimit(100))
	body := `{"id":1,"amount":"1.00","note":"` + strings.Repeat("x", 200) + `"}`
	res := &http.Response{StatusCode: 200, Header: jsonHeader, Body: io.NopCloser(strings.NewReader(body))}
	got := c.Response(httptest.NewRequest("GET", "/v2/orders/7", nil), res)
	require.Equal(t, []string{"unjudged limit body"}, short(got))
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, body, string(b))
}

func TestBodyThatBreaksOffIsReportedAndPassedOn(t *testing.T) {
	c := shop(t)
	broken := io.MultiReader(strings.NewReader(`{"id":1`), errReader{})
	res := &http.Response{StatusCode: 200, Header: jsonHeader, Body: io.NopCloser(broken)}
	got := c.Response(httptest.NewRequest("GET", "/v2/orders/7", nil), res)
	require.Contains(t, short(got), "broken read body")
	_, err := io.ReadAll(res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCompressedBodyIsJudged(t *testing.T) {
	c := shop(t)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(`{"id":"1","amount":"1.00"}`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	h := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	req := httptest.NewRequest("GET", "/v2/orders/7", nil)
	require.Equal(t, []string{"broken type /id"}, short(c.ResponseBytes(req, 200, h, b.Bytes())))
	h.Set("Content-Encoding", "br")
	require.Equal(t, []string{"unjudged encoding body"}, short(c.ResponseBytes(req, 200, h, b.Bytes())))
}

// Whatever is wrong, a violation never shows what was sent.
func TestViolationsShowNoValues(t *testing.T) {
	const canary = "cnry7SECRETcnry"
	c := shop(t)
	bodies := []string{
		`{"id":"%s","amount":"%s","note":{"%s1234567890":1},"status":"%s","created":"%s","link":"%s","lines":"%s","payer":"%s","customer":{"name":["%s"]}}`,
		`{"amount":"%s`, `%s`, `{"%s12345":%s}`, `{"id":1,"amount":"1.00"} %s`, `{"rates":{"sk_live_%s_1234567":"%s"}}`, `{"currency":"%s"}`, `"%s"`, `["%s"]`,
		`amount=%s&%s1234567=1`, `{"password":7,"password":"%s"}`,
	}
	var all []contract.Violation
	for _, b := range bodies {
		b = strings.ReplaceAll(b, "%s", canary)
		for _, ct := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=" + canary, "text/" + canary + " x", ""} {
			h := http.Header{"Content-Type": {ct}, "Authorization": {canary}, "Api-Key": {""}, "Merchant_id": {canary}, "X-Total": {canary}}
			req := httptest.NewRequest("POST", "/v2/orders", strings.NewReader(b))
			req.Header = h
			_, vs := c.Request(req)
			all = append(all, vs...)
			for _, target := range []string{
				"/v2/orders?page=" + canary + "&" + canary + "123456=1&status=" + canary, "/v2/orders/" + canary + "/x", "/v2/" + canary, "/v2/orders/7",
				"/v2/files/x.json?kex=" + canary,
			} {
				req := httptest.NewRequest("GET", target, nil)
				req.Header = h
				_, vs := c.Request(req)
				all = append(all, vs...)
				for _, status := range []int{200, 401, 500} {
					all = append(all, c.ResponseBytes(req, status, h, []byte(b))...)
				}
			}
		}
	}
	require.Greater(t, len(all), 200)
	for _, v := range all {
		text := fmt.Sprintf("%s %#v", v, v)
		// A media type is a label, not a secret, unless it looks like none.
		require.NotContains(t, strings.ReplaceAll(text, "text/"+strings.ToLower(canary), ""), canary)
		require.NotContains(t, v.String(), "\n")
	}
}

func TestCheckerIsSafeForConcurrentUse(t *testing.T) {
	c := shop(t)
	f, err := specs.ParseFixtureName("shop", "getOrder.response.200.json")
	require.NoError(t, err)
	f.Body = []byte(`{"id":1}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				req := httptest.NewRequest("GET", "/v2/orders/7", nil)
				c.ResponseBytes(req, 200, jsonHeader, []byte(goodOrder))
				c.FixtureStrict(f, specs.Exceptions{Partial: map[string]string{f.Name: ""}})
				_, _ = c.With(contract.WithServer("http://x/y"))
			}
		})
	}
	wg.Wait()
}
