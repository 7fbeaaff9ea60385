package sandbox

import (
	"math/big"
	"slices"
	"strings"
	"time"
)

// Wallets, rates and operations. Of the answers nothing but fragments is
// documented: names and shapes follow what is known, and are guesses.

const kunaGuess = "the fields of the answer, which the pages show in part or not at all"

// kunaSampleWallet is the wallet the samples name; it has money from the start.
const kunaSampleWallet = "1f44b1c7-9fd4-4d20-b9a4-7aca3646d0d5"

// kunaPrices is what one unit is worth in USD. They are ours.
var kunaPrices = map[string]string{"USD": "1", "EUR": "1.08", "UAH": "0.0242", "USDT": "1", "USDC": "1", "BTC": "60000", "ETH": "2500", "TRX": "0.2"}

// kunaNetworks are the ways in and out for an asset.
var kunaNetworks = map[string][]string{"USDT": {"TRX", "ETH"}, "USDC": {"ETH"}, "BTC": {"BTC"}, "ETH": {"ETH"}, "TRX": {"TRX"}}

func kunaOpenMoney(s *Sandbox) {
	s.st.Balances["kuna/"+kunaSampleWallet+"/USDT"] = "1000"
	s.st.Balances["kuna/"+kunaSampleWallet+"/BTC"] = "1"
	s.st.table("kuna.rates"+samplesOf).add("cbd59181-46e6-4287-95f5-81b8da4c1c97",
		obj("sourceAsset", "BTC", "targetAsset", "USDT", "sourceAmount", "0.0001", "targetAmount", "6"))
	doc := decodeObject(fixture("kuna", "getOperationDetails.response.2xx.partial.json"))
	for _, v := range doc.list("data") {
		if o, ok := v.(*object); ok {
			s.st.table("kuna.operations"+samplesOf).add(o.text("id"), o)
		}
	}
}

func kunaData(v any) *answer { return success(obj("data", v)).guessed(kunaGuess) }

func kunaBalance(c *call) *answer {
	wallet := c.in.text("walletId")
	var names []string
	for _, v := range c.in.list("assets") {
		if s, ok := v.(string); ok {
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		for account := range c.st().Balances {
			if name, ok := strings.CutPrefix(account, "kuna/"+wallet+"/"); ok {
				names = append(names, name)
			}
		}
		slices.Sort(names)
	}
	list := []any{}
	for _, n := range names {
		list = append(list, obj("asset", n, "balance", decimal(c.st().balance("kuna/"+wallet+"/"+n), 18), "lockBalance", "0"))
	}
	return kunaData(list)
}

func kunaMethods(asset string, fields ...any) []any {
	list := []any{}
	for _, n := range kunaNetworks[asset] {
		list = append(list, obj("code", asset+"_"+n, "asset", asset, "source", n, "feeFixed", "0", "feeRate", "0", "feeStrategy", "external",
			"minAmount", "0.000001", "maxAmount", "99999999999999999", "fields", fields))
	}
	return list
}

func kunaDepositMethods(c *call) *answer { return kunaData(kunaMethods(c.in.text("asset"))) }

func kunaWithdrawMethods(c *call) *answer {
	return kunaData(kunaMethods(c.in.text("asset"), obj("name", "address", "isRequired", true)))
}

func kunaExchangeMethods(c *call) *answer {
	card := obj("code", c.in.text("sourceAsset")+"_CARD", "feeFixed", "0", "feeRate", "0", "fields", []any{})
	return kunaData(obj("depositMethods", []any{card}, "withdrawMethods", kunaMethods(c.in.text("targetAsset"), obj("name", "address", "isRequired", true)),
		"minSourceAmount", "1", "maxSourceAmount", "100000", "minTargetAmount", "1", "maxTargetAmount", "100000"))
}

// kunaAddress returns the same address for the same arguments, as documented.
func kunaAddress(c *call) *answer {
	asset, source, wallet := c.in.text("asset"), c.in.text("source"), c.in.text("walletId")
	key := asset + "/" + source + "/" + wallet
	for _, r := range c.table("addresses").Rows {
		if r.meta("key") == key {
			return kunaData(r.Doc)
		}
	}
	if wallet == "" {
		wallet = kunaSampleWallet
	}
	address := "FAKE" + source + c.st().codeID("kuna.address", 24)
	return kunaData(c.table("addresses").add(address, obj("address", address, "asset", asset, "source", source, "walletId", wallet), "key", key).Doc)
}

func kunaFreeze(c *call) *answer {
	source, target := c.in.text("sourceAsset"), c.in.text("targetAsset")
	from, ok := kunaPrices[source]
	to, ok2 := kunaPrices[target]
	if !ok || !ok2 {
		return kunaBad("unknown asset")
	}
	rate := quo(rat(from), rat(to))
	sourceAmount := rat(c.in.text("sourceAmount"))
	targetAmount := mul(sourceAmount, rate)
	if t := c.in.text("targetAmount"); t != "" && sourceAmount.Sign() == 0 {
		targetAmount = rat(t)
		sourceAmount = quo(targetAmount, rate)
	}
	id := c.st().uuid("kuna.rate")
	doc := obj("id", id, "sourceAsset", source, "targetAsset", target, "rate", decimal(rate, 12), "sourceAmount", decimal(sourceAmount, 12),
		"targetAmount", decimal(targetAmount, 12), "expiredAt", isoMillis(c.now.Add(30*time.Second)))
	return kunaData(c.table("rates").add(id, doc).Doc)
}

// rate is a frozen rate that still holds.
func (c *call) rate() (*object, *answer) {
	r := c.find("rates", c.in.text("rateId"))
	if r == nil {
		return nil, kunaBad("rate not found")
	}
	if at := r.Doc.text("expiredAt"); at != "" && !c.now.Before(readISO(at)) {
		return nil, kunaBad("rate expired")
	}
	return r.Doc, nil
}

// operation records one; of the documented fields those that do not apply are
// null.
func (c *call) operation(kind, status, wallet string, rate *object, extra ...any) *row {
	id := c.st().uuid("kuna.operation")
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	doc := obj("id", id, "walletId", wallet, "type", kind, "status", status, "sourceAsset", null(rate.text("sourceAsset")),
		"targetAsset", null(rate.text("targetAsset")), "targetAmount", null(rate.text("targetAmount"))).
		take(rate, "sourceAmount").take(c.in, "externalId").
		set("metadata", nil).set("createdAt", isoMillis(c.now)).set("updatedAt", isoMillis(c.now))
	for i := 0; i+1 < len(extra); i += 2 {
		doc.set(extra[i].(string), extra[i+1])
	}
	r := c.table("operations").add(id, doc, "callback", c.in.text("callbackUrl"))
	if status == "Completed" {
		c.kunaCallback(r)
	}
	return r
}

func kunaAccount(wallet, asset string) string { return "kuna/" + wallet + "/" + asset }

// spend takes money out of a wallet, if it is there.
func (c *call) spend(wallet, asset string, amount *big.Rat) *answer {
	if amount.Sign() <= 0 {
		return kunaBad("amount must be positive")
	}
	if c.st().balance(kunaAccount(wallet, asset)).Cmp(amount) < 0 {
		return kunaBad("insufficient balance")
	}
	c.st().move(kunaAccount(wallet, asset), new(big.Rat).Neg(amount))
	return nil
}

func kunaExchange(c *call) *answer {
	rate, bad := c.rate()
	if bad != nil {
		return bad
	}
	wallet := c.in.text("walletId")
	if bad := c.spend(wallet, rate.text("sourceAsset"), rat(rate.text("sourceAmount"))); bad != nil {
		return bad
	}
	c.st().move(kunaAccount(wallet, rate.text("targetAsset")), rat(rate.text("targetAmount")))
	return kunaData(c.operation("CryptoExchange", "Completed", wallet, rate).Doc)
}

func kunaTransfer(c *call) *answer {
	from, to, asset := c.in.text("fromWalletId"), c.in.text("toWalletId"), c.in.text("asset")
	if !isAmount(c.in.text("amount")) {
		return kunaBad("amount must be a decimal")
	}
	amount := rat(c.in.text("amount"))
	if bad := c.spend(from, asset, amount); bad != nil {
		return bad
	}
	c.st().move(kunaAccount(to, asset), amount)
	one := obj("sourceAsset", asset, "targetAsset", asset, "sourceAmount", decimal(amount, 18), "targetAmount", decimal(amount, 18))
	return kunaData(c.operation("Transfer", "Completed", from, one, "toWalletId", to).Doc)
}

// kunaWithdraw takes the names one expects, asset and amount; the table that
// holds the real ones was not read. It stays Processing until Pay or Fail.
func kunaWithdraw(c *call) *answer {
	wallet, asset := c.in.text("walletId"), c.in.text("asset")
	if asset == "" {
		asset, _, _ = strings.Cut(c.in.text("paymentMethodCode"), "_")
	}
	amount := rat(c.in.text("amount"))
	if c.in.has("amount") {
		if bad := c.spend(wallet, asset, amount); bad != nil {
			return bad
		}
	}
	one := obj("sourceAsset", asset, "sourceAmount", decimal(amount, 18))
	if !c.in.has("amount") {
		one.drop("sourceAmount")
	}
	return kunaData(c.operation("Withdraw", "Processing", wallet, one).Doc)
}

// kunaFiat is an exchange that waits for a payment or makes one.
func kunaFiat(kind string) handler {
	return func(c *call) *answer {
		rate, bad := c.rate()
		if bad != nil {
			return bad
		}
		wallet := c.in.text("walletId")
		if wallet == "" {
			wallet = kunaSampleWallet
		}
		if kind == "WithdrawWithExchange" {
			if bad := c.spend(wallet, rate.text("sourceAsset"), rat(rate.text("sourceAmount"))); bad != nil {
				return bad
			}
			return kunaData(c.operation(kind, "Processing", wallet, rate).Doc)
		}
		r := c.operation(kind, "Created", wallet, rate)
		r.Doc.set("metadata", obj("invoice", obj("link", "https://pay.invalid/"+r.ID)))
		return kunaData(r.Doc)
	}
}

func kunaRetry(c *call) *answer {
	r := c.find("operations", c.in.text("id"))
	switch {
	case r == nil:
		return kunaBad("operation not found")
	case c.table("operations").get(r.ID) == nil: // the documented one
		return kunaData(r.Doc)
	case r.Doc.text("type") != "BuyToSendCrypto" || r.Doc.text("status") != "OnHold":
		return kunaBad("operation is not on hold")
	}
	c.kunaStatus(r, "Processing")
	return kunaData(r.Doc)
}

// kunaStatus moves an operation on and tells the callback.
func (c *call) kunaStatus(r *row, status string) {
	r.Doc.set("status", status).set("updatedAt", isoMillis(c.now))
	c.kunaCallback(r)
}

func kunaFindOperations(c *call) *answer {
	from, to := readISO(c.in.text("dateFrom")), readISO(c.in.text("dateTo"))
	rows := c.table("operations").where(func(r *row) bool {
		for _, f := range []string{"type", "status", "walletId", "externalId", "targetAsset", "sourceAsset"} {
			if v := c.in.text(f); v != "" && r.Doc.text(f) != v {
				return false
			}
		}
		return within(readISO(r.Doc.text("createdAt")), from, to)
	})
	return kunaData(window(rows, c.query.Get("skip"), c.query.Get("take")))
}

// kunaOperation answers an array, although one id is asked for.
func kunaOperation(c *call) *answer {
	list := []any{}
	if r := c.find("operations", c.in.text("id")); r != nil {
		list = append(list, r.Doc)
	}
	return kunaData(list)
}
