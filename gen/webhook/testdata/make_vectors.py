"""Writes gen/<provider>/testdata/webhook_vectors.json. Run it in gen/.

Signatures are made here by Python's standard library, so that the Go code is
not judged by itself. Secrets, ids and amounts are invented or the providers'
own samples.
"""
import base64, hashlib, hmac, json, os

NOW = 1704103530  # 2024-01-01T10:05:30Z
ISO = "2024-01-01T10:05:30Z"


def mac(secret, text):
    if isinstance(text, str):
        text = text.encode()
    return hmac.new(secret.encode(), text, hashlib.sha256)


def write(provider, about, vectors):
    path = os.path.join(provider, "testdata", "webhook_vectors.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"provider": provider, "about": about, "vectors": vectors}, f, indent=2, ensure_ascii=False)
        f.write("\n")


def vec(name, headers, body, secrets, want, now=ISO, method="POST"):
    v = {"name": name, "method": method, "headers": headers}
    if isinstance(body, bytes):
        v["body_base64"] = base64.b64encode(body).decode()
    else:
        v["body"] = body
    v.update({"secrets": secrets, "now": now, "want": want})
    return v


ABOUT = (
    "secrets are all those in force, now is the receiver's clock. body is text, body_base64 bytes. want is ok or the kind of "
    "refusal: no_secret, method, malformed, signature, expired. Made by gen/webhook/testdata/make_vectors.py."
)

# --- CryptoPay: X-Webhook-Signature = hex(HMAC-SHA256(secret, raw body)) ---

S, OLD, BAD = "whsec_current_8d0f", "whsec_old_11aa", "whsec_of_somebody_else"


def event(name="payment.confirmed", ts="2024-01-01T10:05:00Z", **data):
    d = {"order_id": "ORD-abc123def456", **data}
    e = {"event": name, "data": d, "timestamp": ts, "webhook_id": "wh_abc123def456"}
    return e


def dump(v, **kw):
    kw.setdefault("separators", (",", ":"))
    return json.dumps(v, ensure_ascii=False, **kw)


full = dump(event(
    transaction_hash="0xabcdef1234567890...", amount="100.00", currency="USDC", blockchain="base", status="confirmed",
    confirmations=15, block_number=12345678, from_address="0x9876543210987654321098765432109876543210",
    to_address="0x1234567890123456789012345678901234567890", order_info='{"product": "Premium Plan", "quantity": 1}',
    created_at="2024-01-01T10:00:00Z", confirmed_at="2024-01-01T10:04:00Z"))
J = "application/json"


def cp(name, body, secrets, want, sign=S, header=None, **kw):
    h = {"Content-Type": J}
    sig = mac(sign, body).hexdigest() if header is None else header
    if sig != "absent":
        h["X-Webhook-Signature"] = sig
    return vec(name, h, body, secrets, want, **kw)


good = mac(S, full).hexdigest()
spaced = dump(json.loads(full), separators=(", ", ": "), indent=2)
no_ts = event("order.expired")
del no_ts["timestamp"], no_ts["webhook_id"]
write("cryptopay", ABOUT, [
    cp("the documented event", full, [S], "ok"),
    cp("pretty-printed body, signed as sent", spaced, [S], "ok"),
    cp("escaped slashes and unusual number notation, signed as sent", full.replace("15", "1.5e1").replace("USDC", "US\\u0044C"), [S], "malformed"),
    cp("escapes in a string, signed as sent", full.replace("USDC", "US\\u0044C").replace("Plan", "Pl\\/an"), [S], "ok"),
    cp("an expired order has neither transaction nor times", dump(no_ts), [S], "ok"),
    cp("a new event name", dump(event("payment.refunded")), [S], "ok"),
    cp("old secret while rotating", full, [S, OLD], "ok", sign=OLD),
    cp("new secret while rotating", full, [OLD, S], "ok"),
    cp("secret after rotation", full, [S], "signature", sign=OLD),
    cp("secret of somebody else", full, [S, OLD], "signature", sign=BAD),
    cp("no secret configured", full, [], "no_secret"),
    cp("empty secret configured", full, [""], "no_secret", header=hmac.new(b"", full.encode(), hashlib.sha256).hexdigest()),
    cp("one of two secrets empty", full, [S, ""], "no_secret"),
    cp("no signature", full, [S], "signature", header="absent"),
    cp("empty signature", full, [S], "signature", header=""),
    cp("signature in upper case", full, [S], "signature", header=good.upper()),
    cp("signature with a prefix", full, [S], "signature", header="sha256=" + good),
    cp("signature cut by a byte", full, [S], "signature", header=good[:-2]),
    cp("signature longer by a byte", full, [S], "signature", header=good + "00"),
    cp("signature that is not hex", full, [S], "signature", header="z" * 64),
    cp("signature of SHA-1", full, [S], "signature", header=hmac.new(S.encode(), full.encode(), hashlib.sha1).hexdigest()),
    cp("one digit of the amount changed", full.replace("100.00", "900.00"), [S], "signature", header=good),
    cp("body written anew", dump(json.loads(full), separators=(", ", ": ")), [S], "signature", header=good),
    cp("a line break after the body", full + "\n", [S], "signature", header=good),
    cp("empty body, rightly signed", "", [S], "malformed"),
    cp("signed text that is not JSON", "hello", [S], "malformed"),
    cp("signed, but two values", full + "{}", [S], "malformed"),
    cp("signed null", "null", [S], "malformed"),
    cp("signed, but without order_id", dump({"event": "payment.pending", "data": {}}), [S], "malformed"),
    cp("signed, but without event", dump({"data": {"order_id": "ORD-1"}}), [S], "malformed"),
    cp("GET", full, [S], "method", method="GET"),
    cp("a day later", full, [S], "ok", now="2024-01-02T10:05:00Z"),
    cp("a day and a second later", full, [S], "expired", now="2024-01-02T10:05:01Z"),
    cp("more than a day ahead", full, [S], "expired", now="2023-12-31T10:04:59Z"),
])

# --- CryptoCloud: token in the body, HS256 ---

K, K2, KBAD = "project-secret-key-fake", "project-secret-key-next-fake", "another-projects-key-fake"


def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def jwt(secret, claims, header=None, digest=hashlib.sha256):
    header = header if header is not None else {"alg": "HS256", "typ": "JWT"}
    text = b64(dump(header).encode()) + "." + b64((claims if isinstance(claims, str) else dump(claims)).encode())
    return text + "." + b64(hmac.new(secret.encode(), text.encode(), digest).digest())


LIFE = {"exp": NOW + 300}
tok = jwt(K, {"id": 13, **LIFE})


def pb(token, **more):
    return {"status": "success", "invoice_id": "IZY5FACO", "amount_crypto": 0.05, "currency": "USDT_BSC", "order_id": "order_12345", "token": token, **more}


def cc(name, token, secrets, want, body=None, **kw):
    return vec(name, {"Content-Type": J}, dump(pb(token)) if body is None else body, secrets, want, **kw)


def quote(s):
    from urllib.parse import quote_plus
    return quote_plus(s)


def form(token, tail="&invoice_info=links_invoice", invoice="IZY5FACO"):
    return "status=success&invoice_id=" + invoice + "&amount_crypto=0.05&currency=USDT_BSC&order_id=order_12345&token=" + quote(token) + tail


F = {"Content-Type": "application/x-www-form-urlencoded"}
h, p, s = tok.split(".")
none = b64(b'{"alg":"none","typ":"JWT"}') + "." + p + "."
info = {"uuid": "INV-IZY5FACO", "created": "2024-08-22 11:49:59.756692", "address": "address", "status": "overpaid", "test_mode": True,
        "currency": {"id": 4, "code": "USDT", "fullcode": "USDT_TRC20", "network": {"code": "TRC20", "id": 4, "icon": "i", "fullname": "Tron"}, "name": "Tether",
                     "is_email_required": False, "stablecoin": True, "icon_base": "i", "icon_network": "i", "icon_qr": "i", "order": 1}}
write("cryptocloud", ABOUT, [
    cc("JSON", tok, [K], "ok"),
    cc("JSON with invoice_info", tok, [K], "ok", body=dump(pb(tok, invoice_info=info))),
    cc("JSON with garbage for invoice_info", tok, [K], "ok", body=dump(pb(tok, invoice_info="links_invoice"))),
    cc("JSON with an invoice_info of other types", tok, [K], "ok", body=dump(pb(tok, invoice_info={"uuid": 1, "aml_checks": [{}]}))),
    cc("JSON without order_id", tok, [K], "ok", body=dump({k: v for k, v in pb(tok).items() if k != "order_id"})),
    cc("JSON with order_id null", tok, [K], "ok", body=dump(pb(tok, order_id=None))),
    vec("JSON without a Content-Type", {}, dump(pb(tok)), [K], "ok"),
    vec("form", F, form(tok), [K], "ok"),
    vec("form with a charset", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, form(tok), [K], "ok"),
    vec("form with invoice_info once per member", F, form(tok, "&invoice_info=uuid&invoice_info=created&invoice_info=links_invoice"), [K], "ok"),
    vec("form with a bytes literal around the token", F, form("b'" + tok + "'"), [K], "ok"),
    cc("bytes literal with double quotes", 'b"' + tok + '"', [K], "ok"),
    cc("bytes literal that is not closed", "b'" + tok, [K], "signature"),
    cc("claim id is the invoice", jwt(K, {"id": "IZY5FACO", **LIFE}), [K], "ok"),
    cc("claim id is the invoice with its prefix", jwt(K, {"id": "INV-IZY5FACO", **LIFE}), [K], "ok"),
    cc("claim uuid is the invoice", jwt(K, {"uuid": "INV-IZY5FACO", **LIFE}), [K], "ok"),
    cc("claim id has another form", jwt(K, {"id": "some-other-form", **LIFE}), [K], "ok"),
    cc("no claim but exp", jwt(K, LIFE), [K], "ok"),
    cc("claim id is another invoice", jwt(K, {"id": "AAAAAAAA", **LIFE}), [K], "signature"),
    cc("claim uuid is another invoice", jwt(K, {"id": 13, "uuid": "INV-AAAAAAAA", **LIFE}), [K], "signature"),
    cc("next secret while rotating", jwt(K2, LIFE), [K, K2], "ok"),
    cc("secret of another project", jwt(KBAD, LIFE), [K, K2], "signature"),
    cc("no secret configured", tok, [], "no_secret"),
    cc("empty secret configured", jwt("", LIFE), [""], "no_secret"),
    cc("a second before the end", tok, [K], "ok", now="2024-01-01T10:10:29Z"),
    cc("at the end", tok, [K], "expired", now="2024-01-01T10:10:30Z"),
    cc("the documentation's sample claims, long over", jwt(K, {"id": 13, "exp": 1631786426}), [K], "expired"),
    cc("no exp", jwt(K, {"id": 13}), [K], "malformed"),
    cc("exp is a string", jwt(K, {"exp": str(NOW + 300)}), [K], "malformed"),
    cc("exp is null", jwt(K, {"exp": None}), [K], "malformed"),
    cc("exp in milliseconds", jwt(K, {"exp": (NOW + 300) * 1000}), [K], "malformed"),
    cc("exp with a fraction", jwt(K, {"exp": NOW + 300.5}), [K], "ok"),
    cc("claims are not an object", jwt(K, "[1]"), [K], "malformed"),
    cc("no token", "", [K], "signature"),
    cc("token null", tok, [K], "signature", body=dump(pb(None))),
    vec("form with an empty token, as a simulator sends it", F, form(""), [K], "signature"),
    cc("alg none, no signature", none, [K], "signature"),
    cc("alg none, right signature", jwt(K, LIFE, {"alg": "none"}), [K], "signature"),
    cc("alg hs256 in lower case", jwt(K, LIFE, {"alg": "hs256"}), [K], "signature"),
    cc("alg HS512", jwt(K, LIFE, {"alg": "HS512"}, hashlib.sha512), [K], "signature"),
    cc("alg RS256 with an HMAC", jwt(K, LIFE, {"alg": "RS256"}), [K], "signature"),
    cc("no alg", jwt(K, LIFE, {"typ": "JWT"}), [K], "signature"),
    cc("a critical extension", jwt(K, LIFE, {"alg": "HS256", "crit": ["exp"]}), [K], "signature"),
    cc("claims changed", h + "." + b64(dump({"exp": NOW + 9999}).encode()) + "." + s, [K], "signature"),
    cc("padding", tok + "=", [K], "signature"),
    cc("two parts", h + "." + p, [K], "signature"),
    cc("four parts", tok + "." + s, [K], "signature"),
    cc("empty parts", "..", [K], "signature"),
    cc("an API key in the token's place", "eyJhbGciOiJIUzI1NiJ9.eyJ1dWlkIjoiZmFrZSIsInR5cGUiOiJwcm9qZWN0IiwiZXhwIjo4ODEyMTEyMTQwN30.c2lnbmVkLWJ5LXNvbWVib2R5LWVsc2U", [K], "signature"),
    cc("empty body", tok, [K], "malformed", body=""),
    cc("not JSON", tok, [K], "malformed", body="status=success"),
    cc("JSON and more", tok, [K], "malformed", body=dump(pb(tok)) + "{}"),
    cc("a member twice", tok, [K], "malformed", body=dump(pb(tok))[:-1] + ',"INVOICE_ID":"AAAAAAAA"}'),
    cc("no invoice_id", tok, [K], "malformed", body=dump({**pb(tok), "invoice_id": ""})),
    cc("invoice_id is only the prefix", tok, [K], "malformed", body=dump({**pb(tok), "invoice_id": "INV-"})),
    cc("no amount_crypto", tok, [K], "malformed", body=dump({k: v for k, v in pb(tok).items() if k != "amount_crypto"})),
    vec("form with a field twice", F, form(tok, "&invoice_id=AAAAAAAA"), [K], "malformed"),
    vec("form with an amount that is no number", F, form(tok).replace("0.05", "0,05"), [K], "malformed"),
    vec("form with a broken escape", F, form(tok, "&x=%zz"), [K], "malformed"),
    cc("PUT", tok, [K], "method", method="PUT"),
])

# --- Ecart Pay: SHA256=hex(HMAC(secret, timestamp.id.data)) ---

G, G2, GBAD = "global-secret-fake", "global-secret-next-fake", "global-secret-of-another-fake"
ID = "hook_0b8a7c56-1f43-4a58-9f6d-2d7d1a1c9e55"
data = dump({
    "id": "67a3be71c388eff4563a0aa8", "provider_client_id": "67a3be71596b3124a992774a", "user_id": "1849", "active": True,
    "billing_information": {"country_code": "ES", "name": "Sociedad 2 <&>", "business_type": "Persona Física", "address1": "Camino al monte \u2028"},
    "created_at": "2025-02-05T19:39:29.587Z", "raw": "Sociedad 2"})
MS = str(NOW * 1000 + 250)


def sig(d, secret=G, ms=MS, hook=ID):
    return "SHA256=" + mac(secret, ms + "." + hook + "." + d).hexdigest()


def ep(name, want, body=None, d=data, secrets=(G,), ms=MS, hook=ID, signature=None, drop=(), event="billing_information.updated", **kw):
    hd = {"Content-Type": J, "X-Pay-Timestamp": ms, "X-Pay-Webhook-Id": hook, "X-Pay-Signature": sig(d, ms=ms, hook=hook) if signature is None else signature}
    for k in drop:
        del hd[k]
    return vec(name, hd, '{"event":"%s","data":%s}' % (event, d) if body is None else body, list(secrets), want, **kw)


pretty = json.dumps({"event": "billing_information.updated", "data": json.loads(data)}, indent=2, ensure_ascii=False)
order = dump({"id": "62559ba8085afe001606a916", "status": "paid"})
escaped = json.dumps(json.loads(data), separators=(",", ":"))
write("ecartpay", ABOUT, [
    ep("the documented notification", "ok"),
    ep("an order event, with what clients know of it", "ok", d=order, event="orders.confirmation"),
    ep("undocumented types in data", "ok", d='{"id":5,"created_at":"yesterday","amount":12345678.910}', event="transfer.created"),
    ep("a new event name", "ok", event="transactions.paid"),
    ep("data before event", "ok", body='{"data":%s,"event":"orders.update"}' % data),
    ep("white space around data, compact inside", "ok", body='{ "event" : "orders.update" ,\n "data" :\t%s }' % data),
    ep("pretty-printed on the way, signed compact", "ok", body=pretty),
    ep("a member data inside data", "ok", d='{"data":{"id":"1"},"id":"2"}'),
    ep("member name with an escape", "ok", body='{"event":"orders.update","d\\u0061ta":%s}' % data),
    ep("non-ASCII escaped on the way", "signature", body='{"event":"x","data":%s}' % escaped, signature=sig(data)),
    ep("members in another order", "signature", body='{"event":"x","data":%s}' % dump(dict(reversed(json.loads(data).items()))), signature=sig(data)),
    ep("the whole body signed instead of data", "signature", signature=sig('{"event":"billing_information.updated","data":%s}' % data)),
    ep("next secret while rotating", "ok", secrets=(G, G2), signature=sig(data, G2)),
    ep("secret of somebody else", "signature", secrets=(G, G2), signature=sig(data, GBAD)),
    ep("no secret configured", "no_secret", secrets=()),
    ep("empty secret configured", "no_secret", secrets=("",), signature=sig(data, "")),
    ep("no signature", "signature", drop=("X-Pay-Signature",)),
    ep("empty signature", "signature", signature=""),
    ep("signature without its prefix", "signature", signature=sig(data)[7:]),
    ep("only the prefix", "signature", signature="SHA256="),
    ep("prefix in lower case", "signature", signature="sha256=" + sig(data)[7:]),
    ep("hex in upper case", "signature", signature="SHA256=" + sig(data)[7:].upper()),
    ep("signature cut by a byte", "signature", signature=sig(data)[:-2]),
    ep("no timestamp", "signature", drop=("X-Pay-Timestamp",)),
    ep("empty timestamp", "signature", ms=""),
    ep("no webhook id", "signature", drop=("X-Pay-Webhook-Id",)),
    ep("empty webhook id", "signature", hook=""),
    ep("another timestamp", "signature", ms=str(NOW * 1000 + 251), signature=sig(data)),
    ep("another webhook id", "signature", hook="hook_x", signature=sig(data)),
    ep("a dot in the webhook id", "signature", hook="hook.1"),
    ep("timestamp moved into the webhook id", "signature", ms=MS[:5], hook=MS[5:] + "." + ID, signature=sig(data)),
    ep("signed timestamp that is no number", "malformed", ms="now"),
    ep("signed timestamp in seconds", "expired", ms=str(NOW)),
    ep("signed timestamp that is negative", "malformed", ms="-5"),
    ep("five minutes later", "ok", now="2024-01-01T10:10:30.250Z"),
    ep("more than five minutes later", "expired", now="2024-01-01T10:10:30.251Z"),
    ep("five minutes ahead of our clock", "ok", now="2024-01-01T10:00:30.250Z"),
    ep("more than five minutes ahead of our clock", "expired", now="2024-01-01T10:00:30.249Z"),
    ep("one digit of data changed", "signature", body='{"event":"x","data":%s}' % data.replace("1849", "1848"), signature=sig(data)),
    ep("a second data after the signed one", "malformed", body='{"event":"x","data":%s,"data":{"id":"forged"}}' % data, signature=sig(data)),
    ep("a second Data in another case", "malformed", body='{"event":"x","data":%s,"Data":{"id":"forged"}}' % data, signature=sig(data)),
    ep("a second event", "malformed", body='{"event":"x","Event":"y","data":%s}' % data, signature=sig(data)),
    ep("no data", "malformed", body='{"event":"x"}'),
    ep("data is null, rightly signed", "malformed", d="null"),
    ep("data is an array, rightly signed", "malformed", d="[1]"),
    ep("data is broken inside, rightly signed", "malformed", d='{"id":}'),
    ep("no event", "malformed", body='{"data":%s}' % data),
    ep("event is a number", "malformed", body='{"event":5,"data":%s}' % data),
    ep("empty event", "malformed", event=""),
    ep("not JSON", "malformed", body="hello"),
    ep("JSON and more", "malformed", body='{"event":"x","data":%s}{}' % data),
    ep("empty body", "malformed", body=""),
    ep("GET", "method", method="GET"),
])
