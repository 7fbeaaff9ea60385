package authn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/authn"
)

// Somebody else's API: it logs in with a JSON body, gives tokens of a quarter of
// an hour, and wants them in X-Acme-Session.
func ExampleNewSession() {
	acme := httptest.NewServer(acmeAPI())
	defer acme.Close()

	post := func(ctx context.Context, path string, in any) (authn.Grant, error) {
		body, err := json.Marshal(in)
		if err != nil {
			return authn.Grant{}, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, acme.URL+path, strings.NewReader(string(body)))
		if err != nil {
			return authn.Grant{}, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return authn.Grant{}, err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusUnauthorized {
			return authn.Grant{}, authn.ErrRejected // not asked again for a while
		}
		var out struct {
			Session, Renew authn.Secret
			Seconds        int
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&out)
		return authn.Grant{Access: out.Session, Refresh: out.Renew, Life: time.Duration(out.Seconds) * time.Second}, err
	}
	session, err := authn.NewSession(authn.Flow{
		Provider: "acme",
		Login: func(ctx context.Context) (authn.Grant, error) {
			return post(ctx, "/login", map[string]string{"user": "ann", "password": os.Getenv("ACME_PASSWORD")})
		},
		Refresh: func(ctx context.Context, renew authn.Secret) (authn.Grant, error) {
			return post(ctx, "/renew", map[string]string{"renew": renew.Reveal()})
		},
	}, authn.WithOrigin(acme.URL))
	if err != nil {
		fmt.Println(err)
		return
	}

	client := &http.Client{Transport: &authn.Transport{
		Source: session,
		Edit:   authn.Header("X-Acme-Session", session),
		Header: "X-Acme-Session",
		Always: true,
	}}
	for range 3 { // the second call is refused, renewed and repeated
		resp, err := client.Get(acme.URL + "/balance")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, string(body))
	}
	// Output:
	// 200 12.50 for session 1
	// 200 12.50 for session 2
	// 200 12.50 for session 2
}

// acmeAPI forgets session 1 after one call.
func acmeAPI() http.Handler {
	calls := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"session":"1","renew":"r","seconds":900}`)
	})
	mux.HandleFunc("POST /renew", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"session":"2","renew":"r","seconds":900}`)
	})
	mux.HandleFunc("GET /balance", func(w http.ResponseWriter, r *http.Request) {
		session := r.Header.Get("X-Acme-Session")
		if calls++; session == "" || session == "1" && calls > 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "12.50 for session "+session)
	})
	return mux
}

// What went wrong is told by errors.Is, and the provider's words by errors.As.
func ExampleError() {
	kuna := httptest.NewServer(answering(http.StatusBadRequest, `{"errors":[{"code":"REFRESH_TOKEN_EXPIRED","message":"Invalid token"}]}`))
	defer kuna.Close()
	session, err := authn.KunaLogin{Email: "ann@shop.example", Password: "wrong", MerchantID: "m-1"}.
		Session(authn.Config{BaseURL: kuna.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = session.Token(context.Background())
	var e *authn.Error
	if errors.Is(err, authn.ErrRejected) && errors.As(err, &e) {
		fmt.Println(err)
		fmt.Println(e.Status, e.Code)
	}
	// Output:
	// kuna: login: credentials rejected: status 400: REFRESH_TOKEN_EXPIRED: Invalid token
	// 400 REFRESH_TOKEN_EXPIRED
}

// The events can be counted, and logged without a secret.
func ExampleWithObserver() {
	session, _ := authn.NewSession(authn.Flow{
		Provider: "acme",
		Login: func(context.Context) (authn.Grant, error) {
			return authn.Grant{Access: "hush", Life: time.Hour}, nil
		},
	}, authn.WithObserver(func(_ context.Context, e authn.Event) {
		fmt.Println(e.Provider, e.Kind, e.Life)
	}), authn.WithLogger(slog.New(slog.DiscardHandler)))
	tok, _ := session.Token(context.Background())
	fmt.Println(tok.Access)
	// Output:
	// acme login 1h0m0s
	// [redacted]
}
