package sandbox

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// openingCryptoCloud is what the fake merchant owns at the start.
var openingCryptoCloud = map[string]string{"USDT_TRC20": "1000", "BTC": "1"}

func cryptocloudBalances(c *call) *answer {
	list := []any{}
	for _, account := range slices.Sorted(maps.Keys(c.st().Balances)) {
		full, ok := strings.CutPrefix(account, "cryptocloud/")
		if !ok {
			continue
		}
		k, _ := listedCoin(full)
		amount := c.st().balance(account)
		usd := float(mul(amount, rat(k.price)), 2)
		list = append(list, obj("currency", k.walletView(full), "balance_crypto", float(amount, 8), "balance_usd", usd,
			"available_balance", float(amount, 8), "available_balance_usd", usd))
	}
	return success(obj("status", "success", "result", list))
}

func cryptocloudStatistics(c *call) *answer {
	rows, bad := c.period()
	if bad != nil {
		return bad
	}
	count, amount := map[string]int{}, map[string]*big.Rat{}
	names := []string{"all", "created", "paid", "overpaid", "partial", "canceled"}
	for _, n := range names {
		amount[n] = new(big.Rat)
	}
	for _, r := range rows {
		for _, n := range []string{"all", r.Doc.text("status")} {
			count[n]++
			amount[n] = add(amount[n], rat(r.Doc.text("amount_usd")))
		}
	}
	counts, amounts := obj(), obj()
	for _, n := range names {
		counts.set(n, jsonInt(count[n]))
		amounts.set(n, float(amount[n], 2))
	}
	return success(obj("status", "success", "result", obj("count", counts, "amount", amounts)))
}

func staticRefusal(text string) *answer {
	return cryptocloudFailure("validation_error", text).guessed("a refusal about static wallets; client code only")
}

// createStaticWallet returns the wallet a customer already has in a currency;
// whether the provider does is not documented.
func createStaticWallet(c *call) *answer {
	if a := c.shop(); a != nil {
		return a
	}
	full, identify := c.in.text("currency"), c.in.text("identify")
	k, ok := listedCoin(full)
	if !ok || full == "TON" {
		return staticRefusal("Invalid currency")
	}
	for _, r := range c.table("static").Rows {
		if r.meta("full") == full && r.Doc.text("identify") == identify {
			return success(obj("status", "success", "result", r.Doc.only("currency", "address", "uuid")))
		}
	}
	id := c.st().codeID("cryptocloud.static", 32)
	doc := obj("currency", k.walletView(full), "address", k.address(c.st()), "uuid", id, "active", true, "identify", identify, "created", spaced(c.now))
	r := c.table("static").add(id, doc, "full", full)
	return success(obj("status", "success", "result", r.Doc.only("currency", "address", "uuid")))
}

func listStaticWallets(c *call) *answer {
	if c.shop() != nil {
		return staticRefusal("shop_id not passed")
	}
	rows := c.table("static").Rows
	from := min(max(toInt(c.in.get("offset"), 0), 0), len(rows))
	to := min(from+max(toInt(c.in.get("limit"), 100), 0), len(rows))
	list := []any{}
	for _, r := range rows[from:to] {
		list = append(list, r.Doc.only("currency", "active", "address", "uuid", "identify"))
	}
	return success(obj("status", "success", "result", obj("staticWallets", list, "all_count", jsonInt(len(rows)))))
}

func switchStaticWallet(on bool) handler {
	return func(c *call) *answer {
		r := c.table("static").get(c.in.text("uuid"))
		if r == nil {
			return staticRefusal("Wallet not found")
		}
		r.Doc.set("active", on)
		return success(obj("status", "success", "result", r.Doc.only("currency", "active", "address", "created", "identify")))
	}
}

// createWithdrawal enforces the documented twelve seconds between two calls.
func createWithdrawal(c *call) *answer {
	refuse := func(key, text string) *answer {
		return cryptocloudFailure(key, text).guessed("the status and the text of a refused withdrawal; the key is documented")
	}
	if last := c.st().Settings["cryptocloud.withdrawal"]; last != "" && c.now.Sub(readISO(last)) < 12*time.Second {
		return refuse("rate_limit", "Too many requests")
	}
	c.st().Settings["cryptocloud.withdrawal"] = isoMillis(c.now)
	full, amount := c.in.text("currency_code"), rat(c.in.text("amount"))
	if _, ok := listedCoin(full); !ok {
		return refuse("currency_code", "Unsupported currency")
	}
	account := "cryptocloud/" + full
	if amount.Sign() <= 0 || c.st().balance(account).Cmp(amount) < 0 {
		return refuse("uncorrected_amount", "Incorrect amount")
	}
	c.st().move(account, new(big.Rat).Neg(amount))
	id := "INV-" + c.st().codeID("cryptocloud.invoice", 8)
	doc := obj("invoice_id", id, "status", "created", "currency", full, "amount", json.Number(decimal(amount, 18)))
	c.table("withdrawals").add(id, doc)
	return success(obj("status", "success", "data", doc))
}
