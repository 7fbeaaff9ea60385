package authn_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

func TestOAuth2Adapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		s := newSession(t, i.flow())
		ts := authn.OAuth2(t.Context(), s)
		tok, err := ts.Token()
		require.NoError(t, err)
		require.Equal(t, "access-1", tok.AccessToken)
		require.Equal(t, "Bearer", tok.Type())
		require.Empty(t, tok.RefreshToken, "a refresh token has one owner")
		require.Equal(t, time.Hour, time.Until(tok.Expiry))
		require.True(t, tok.Valid())

		time.Sleep(61 * time.Minute)
		tok, err = ts.Token()
		require.NoError(t, err)
		require.Equal(t, "access-2", tok.AccessToken)

		i.set(func() { i.onLogin, i.onRefresh = func() error { return errDown }, func() error { return errDown } })
		time.Sleep(61 * time.Minute)
		tok, err = ts.Token()
		require.ErrorIs(t, err, errDown)
		require.Nil(t, tok)
	})
}

func TestCrypteriumTokenSource(t *testing.T) {
	m := authn.CrypteriumMerchant{MerchantID: "780628fc-3926-470e-a22a-ac60bb42b040", Password: "123456", UserAgent: "Mozilla/5.0"}
	ts, err := m.TokenSource(t.Context(), config(answering(200, documented(t, "crypterium", "createMerchantToken.response.200.json"))))
	require.NoError(t, err)
	var sent string
	c := &http.Client{Transport: &oauth2.Transport{Source: ts, Base: inProcess{http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
	})}}}
	resp, err := c.Get("https://api.example.com/v1/merchant/wallet")
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, "Bearer fb3cee22-08a5-4f77-95e7-ba7c23aaf8af", sent)

	m.MerchantID = ""
	_, err = m.TokenSource(t.Context(), authn.Config{})
	require.ErrorContains(t, err, "Merchant.MerchantID is empty")
}

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

func TestFromOAuth2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		src := authn.FromOAuth2(tokenSource(func() (*oauth2.Token, error) {
			time.Sleep(time.Second)
			asked.Add(1)
			return &oauth2.Token{AccessToken: "theirs", Expiry: time.Now().Add(time.Hour)}, nil
		}))
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := src.Token(short)
		require.ErrorIs(t, err, context.DeadlineExceeded, "x/oauth2 alone would have kept the caller")
		require.ErrorIs(t, err, authn.ErrUnavailable)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { mustToken(t, src) })
		}
		wg.Wait()
		require.Equal(t, int32(1), asked.Load())
		time.Sleep(59*time.Minute + 55*time.Second)
		require.Equal(t, authn.Secret("theirs"), mustToken(t, src).Access)
		require.Equal(t, int32(2), asked.Load())
	})
	for name, c := range map[string]struct {
		tok  *oauth2.Token
		err  error
		want error
	}{
		"nothing": {nil, nil, authn.ErrNoToken},
		"empty":   {&oauth2.Token{}, nil, authn.ErrNoToken},
		"error":   {nil, errDown, errDown},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authn.FromOAuth2(tokenSource(func() (*oauth2.Token, error) { return c.tok, c.err })).Token(t.Context())
			require.True(t, errors.Is(err, c.want), "err = %v", err)
		})
	}
	asked := 0
	src := authn.FromOAuth2(tokenSource(func() (*oauth2.Token, error) { asked++; return &oauth2.Token{AccessToken: "a"}, nil }))
	mustToken(t, src)
	mustToken(t, src)
	require.Equal(t, 2, asked, "a token without an expiry must not live for ever")
}
