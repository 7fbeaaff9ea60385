package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// admitCryptoCloud checks the static key: "Token <key>", one key for the
// project and another for withdrawals.
func admitCryptoCloud(c *call) *answer {
	key, ok := strings.CutPrefix(c.req.Header.Get("Authorization"), "Token ")
	field := func(k Credentials) string { return k.APIKey }
	if withdrawal(c) {
		field = func(k Credentials) string { return k.WithdrawalAPIKey }
	}
	if ok && c.sandbox.accepts(specs.CryptoCloud, key, field) {
		return nil
	}
	switch {
	case strings.HasPrefix(c.op.Path, "/v1/"):
		return reply(http.StatusUnauthorized, obj("message", "Unauthenticated."))
	case c.op.ID == "getBalances" && ok:
		// The balance page alone documents these two, which come from PyJWT.
		detail := "Invalid header padding"
		if strings.Count(key, ".") == 2 {
			detail = "Signature verification failed"
		}
		return reply(http.StatusForbidden, obj("detail", detail))
	case withdrawal(c):
		return cryptocloudFailure("authorization", "Unauthorized request.").guessed("what a wrong key gets on a withdrawal")
	}
	return cryptocloudFailure("authorization", "Unauthorized request.")
}

func withdrawal(c *call) bool {
	return slices.ContainsFunc(c.op.Security, func(alt []string) bool { return slices.Contains(alt, "withdrawalKey") })
}

// cryptocloudFailure is V2's refusal: texts by field or reason.
func cryptocloudFailure(pairs ...any) *answer {
	return reply(http.StatusBadRequest, obj("status", "error", "result", obj(pairs...)))
}
