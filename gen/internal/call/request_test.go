package call

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-4fcf5cf3/payclients/authn"
	"github.com/seed-4fcf5cf3/payclients/gen/apierr"
	"github.com/seed-4fcf5cf3/payclients/gen/operation"
)

var (
	opItem    = operation.Operation{Provider: "p", ID: "getItem", Method: http.MethodGet, Path: "/items/{id}", Effect: operation.Read}
	opSummary = operation.Operation{Provider: "p", ID: "getSummary", Method: http.MethodGet, Path: "/items/summary", Effect: operation.Read}
	opPart    = operation.Operation{Provider: "p", ID: "getPart", Method: http.MethodGet, Path: "/{kind}/{id}", Effect: operation.Read}
	opPost    = operation.Operation{Provider: "p", ID: "post", Method: http.MethodPost, Path: "/items", Effect: operation.Write}
	common    = Server{Operations: map[string]*operation.Operation{"getItem": &opItem, "getSummary": &opSummary, "getPart": &opPart, "post": &opPost}}
)

func build(server string, op *operation.Operation, f func(*Builder)) (*http.Request, error) {
	b := NewBuilder(context.Background(), server, &common, op)
	f(b)
	return b.Request()
}

func TestPathParametersThatWouldStrayAreRefused(t *testing.T) {
	for _, v := range []string{
		"", ".", "..", "%2e", "%2E%2e", "%252e%252e", "../x", "x/..", "x/../y", "a/./b", `..\x`, `x\..\y`, "..;jsession=1", "x%2f..%2fy", "%5c..",
		"a\x00b", "a\nb", "a\x7f", "..%2f", "summary", "Summary",
	} {
		_, err := build("https://h", &opItem, func(b *Builder) { b.Path(opItem.Path, v) })
		require.ErrorIs(t, err, apierr.ErrValidation, "%q", v)
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "getItem", e.Operation.ID)
	}
	for v, want := range map[string]string{
		"x": "x", "a b": "a%20b", "a/b": "a%2Fb", "...": "...", "..a": "..a", "a;b": "a%3Bb", "100%": "100%25", "?": "%3F", "#": "%23", "é": "%C3%A9", "%41": "%2541",
		"summary2": "summary2",
	} {
		req, err := build("https://h/base", &opItem, func(b *Builder) { b.Path(opItem.Path, v) })
		require.NoError(t, err, "%q", v)
		require.Equal(t, "https://h/base/items/"+want, req.URL.String())
	}
	_, err := build("https://h", &opPart, func(b *Builder) { b.Path(opPart.Path, "items", "Summary") })
	require.ErrorContains(t, err, "another operation")
	_, err = build("https://h", &opPart, func(b *Builder) { b.Path(opPart.Path, "others", "summary") })
	require.NoError(t, err)
	_, err = build("https://h", &opPart, func(b *Builder) { b.Path(opPart.Path, "one", "two", "three") })
	require.Error(t, err, "more values than parameters")
}

func TestBuilderRefusesWhatCannotBeMeant(t *testing.T) {
	for name, f := range map[string]func(*Builder){
		"empty header":           func(b *Builder) { b.Header("X-Id", "") },
		"header with line break": func(b *Builder) { b.Header("X-Id", "a\r\nX-Evil: 1") },
		"no content type":        func(b *Builder) { b.Body("", strings.NewReader("x")) },
		"nil body":               func(b *Builder) { b.JSON("application/json", json.RawMessage(nil)) },
		"nil pointer body":       func(b *Builder) { b.JSON("application/json", (*struct{})(nil)) },
		"bad number":             func(b *Builder) { b.JSON("application/json", json.Number("1,5")) },
		"missing parameters":     func(b *Builder) { b.Missing("id") },
	} {
		_, err := build("https://h", &opPost, f)
		require.ErrorIs(t, err, apierr.ErrValidation, name)
		require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
	}
	for _, server := range []string{"", "h", "http://h", "https://user:canary@h", "https://h?x=1", "://"} {
		_, err := build(server, &opPost, func(*Builder) {})
		require.ErrorIs(t, err, apierr.ErrValidation, server)
		require.NotContains(t, err.Error(), "canary")
	}
	var none context.Context
	b := NewBuilder(none, "https://h", &common, &opPost)
	b.Path("/items")
	_, err := b.Request()
	require.ErrorContains(t, err, "context is nil")

	req, err := build("https://h", &opPost, func(b *Builder) { b.JSON("application/json", map[string]any(nil)) })
	require.NoError(t, err)
	require.EqualValues(t, 2, req.ContentLength, "a nil map is an empty object")
}

func TestEditBuilderRefusesAnotherOperationsRequest(t *testing.T) {
	req, err := build("https://h", &opItem, func(b *Builder) { b.Path(opItem.Path, "1"); b.Query("a", "form", true, "", "", "1") })
	require.NoError(t, err)
	b := EditBuilder(req, &opItem)
	b.Query("b", "form", true, "", "", "x&y")
	require.NoError(t, b.Apply(req))
	require.Equal(t, "a=1&b=x%26y", req.URL.RawQuery)
	require.Error(t, EditBuilder(req, &opPost).Apply(req))
}

func TestAnEmptyAmountIsRefused(t *testing.T) {
	type item struct {
		Price json.Number `json:"price"`
	}
	type body struct {
		Amount   json.Number            `json:"amount"`
		Fee      json.Number            `json:"fee,omitempty"`
		Zero     json.Number            `json:"zero,omitzero"`
		Optional *json.Number           `json:"optional,omitempty"`
		Items    []item                 `json:"items,omitempty"`
		Rates    map[string]json.Number `json:"rates,omitempty"`
		Open     any                    `json:"open,omitempty"`
		Next     *body                  `json:"next,omitempty"`
		At       time.Time              `json:"at"`
		Hidden   json.Number            `json:"-"`
		private  json.Number
	}
	empty := json.Number("")
	ok := json.Number("1")
	for name, tc := range map[string]struct {
		body any
		want string // the member; empty: nothing is wrong
	}{
		"fine":         {body{Amount: "1", private: "x"}, ""},
		"zero is fine": {body{Amount: "0", Optional: &ok}, ""},
		"missing":      {body{}, "amount"},
		"optional":     {body{Amount: "1", Optional: &empty}, "optional"},
		"in a list":    {body{Amount: "1", Items: []item{{"1"}, {""}}}, "items.1.price"},
		"in a map":     {body{Amount: "1", Rates: map[string]json.Number{"x": ""}}, "rates.x"},
		"in any":       {body{Amount: "1", Open: map[string]any{"y": json.Number("")}}, "open.y"},
		"nested":       {body{Amount: "1", Next: &body{}}, "next.amount"},
		"pointer":      {&body{}, "amount"},
		"open map":     {map[string]any{"amount": json.Number("")}, "amount"},
		"nil":          {nil, ""},
	} {
		member, found := emptyNumber(tc.body)
		require.Equal(t, tc.want != "", found, name)
		require.Equal(t, tc.want, member, name)
	}
	_, err := build("https://h", &opPost, func(b *Builder) { b.JSON("application/json", body{}) })
	require.ErrorIs(t, err, apierr.ErrValidation)
	require.ErrorContains(t, err, "member amount is an empty json.Number")
}

func TestFormsKeepOrderAndLeaveNullsOut(t *testing.T) {
	body := struct {
		B string  `json:"b"`
		A string  `json:"a"`
		N *string `json:"n"`
		I int     `json:"i"`
	}{B: "x &=", A: `"q"`, I: 5}
	req, err := build("https://h", &opPost, func(b *Builder) { b.Form(body) })
	require.NoError(t, err)
	raw, _ := io.ReadAll(req.Body)
	require.Equal(t, "b=x+%26%3D&a=%22q%22&i=5", string(raw))
	require.NotNil(t, req.GetBody)

	req, err = build("https://h", &opPost, func(b *Builder) { b.Multipart(body) })
	require.NoError(t, err)
	raw, _ = io.ReadAll(req.Body)
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	require.NoError(t, err)
	form, err := multipart.NewReader(bytes.NewReader(raw), params["boundary"]).ReadForm(1 << 20)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"b": {"x &="}, "a": {`"q"`}, "i": {"5"}}, form.Value)
}

func TestServerIsParsedOnceAndNotShared(t *testing.T) {
	var s Server
	a, err := s.parse("https://h/base/")
	require.NoError(t, err)
	b, err := s.parse("https://h/base/")
	require.NoError(t, err)
	require.Same(t, a, b)
	req, err := build("https://h/b%2Fc", &opPost, func(b *Builder) { b.Path("/items") })
	require.NoError(t, err)
	require.Equal(t, "https://h/b%2Fc/items", req.URL.String(), "an escaped base path stays so")
	req.URL.Host = "evil.example.net"
	req, err = build("https://h/b%2Fc", &opPost, func(b *Builder) { b.Path("/items") })
	require.NoError(t, err)
	require.Equal(t, "h", req.URL.Host)
}

func TestShapeFindsTheValue(t *testing.T) {
	for _, tc := range []struct {
		shape Shape
		body  string
		want  string // empty: an error
	}{
		{Shape{}, `{"a":1}`, `{"a":1}`},
		{Shape{}, ` null `, ``},
		{Shape{}, ` `, ``},
		{Shape{Result: "data"}, `{"x":1,"data":{"a":1}}`, `{"a":1}`},
		{Shape{Result: "data"}, `{"data":null}`, ``},
		{Shape{Result: "data"}, `{"data":{"a":1}`, ``},
		{Shape{Result: "data"}, `[]`, ``},
		{Shape{Result: "data"}, `{"data":{"a":1},"data":null}`, ``},
		{Shape{Required: []string{"id", "status"}}, `{"id":"1","status":""}`, `{"id":"1","status":""}`},
		{Shape{Required: []string{"id", "status"}}, `{"id":"","status":"x"}`, ``},
		{Shape{Required: []string{"id", "status"}}, `{"id":"1","id":"2"}`, ``},
		{Shape{Required: []string{"id", "status"}}, `{"id":"1","status":null}`, ``},
		{Shape{Required: []string{"access"}}, `{"access":""}`, ``},
		{Shape{Required: []string{"count"}}, `{"count":0}`, `{"count":0}`},
	} {
		got, err := tc.shape.find([]byte(tc.body))
		require.Equal(t, tc.want == "", err != nil, "%+v %s: %v", tc.shape, tc.body, err)
		if err == nil {
			require.Equal(t, tc.want, string(got))
		}
	}
}

func TestReadIsCapped(t *testing.T) {
	for _, declared := range []int64{-1, 0, 10, 1 << 40} {
		for _, size := range []int{0, 9, 10, 11, 5000} {
			res := &http.Response{ContentLength: declared, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size)))}
			got, err := read(res, 10)
			require.Len(t, got, min(size, 10))
			require.Equal(t, size > 10, err != nil, "%d declared, %d sent", declared, size)
		}
	}
}

func TestAClientThatNewDidNotMakeSaysSo(t *testing.T) {
	req, err := build("https://h", &opPost, func(b *Builder) { b.Path("/items") })
	require.NoError(t, err)
	_, err = Caller{Provider: &Provider{Name: "p"}}.Do(req, nil)
	require.ErrorContains(t, err, "not made by New")
	require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
	_, err = Caller{Provider: &Provider{Name: "p"}, Doer: nothing{}}.Do(req, nil)
	require.ErrorIs(t, err, apierr.ErrOutcomeUnknown)
}

type nothing struct{}

func (nothing) Do(*http.Request) (*http.Response, error) { return nil, nil }

func TestATokenFailureIsTypedAndTheCallWasNotMade(t *testing.T) {
	req, err := build("https://h", &opPost, func(b *Builder) { b.Path("/items") })
	require.NoError(t, err)
	cause := &authn.Error{Provider: "p", Op: "login", Status: 429, RetryAfter: time.Minute, Kind: authn.ErrUnavailable}
	err = Caller{Provider: &Provider{Name: "p"}}.lost(req, &url.Error{Op: "Post", URL: "https://h/?token=x", Err: cause}, true)
	var e *apierr.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, apierr.ErrRateLimited)
	require.ErrorIs(t, err, authn.ErrUnavailable)
	require.NotErrorIs(t, err, apierr.ErrOutcomeUnknown)
	require.Equal(t, time.Minute, e.RetryAfter)
	require.NotContains(t, err.Error(), "https://")
}
