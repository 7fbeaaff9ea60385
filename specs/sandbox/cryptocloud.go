package sandbox

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-4fcf5cf3/payclients/specs"
	"github.com/seed-4fcf5cf3/payclients/specs/contract"
)

func cryptocloud() *provider {
	return &provider{
		open:    openCryptoCloud,
		admit:   admitCryptoCloud,
		refuse:  refuseCryptoCloud,
		problem: func(status int, _, message string) *answer { return reply(status, obj("detail", message)) },
		expired: func(c *call) *answer {
			if strings.HasPrefix(c.op.Path, "/v1/") {
				return reply(http.StatusUnauthorized, obj("message", "Unauthenticated."))
			}
			return cryptocloudFailure("authorization", "Unauthorized request.")
		},
		handlers: map[string]handler{
			"createInvoice":         createInvoice,
			"cancelInvoice":         cancelInvoice,
			"listInvoices":          listInvoices,
			"getInvoicesInfo":       getInvoicesInfo,
			"createInvoiceV1":       createInvoiceV1,
			"getInvoiceStatusV1":    getInvoiceStatusV1,
			"getBalances":           cryptocloudBalances,
			"getStatistics":         cryptocloudStatistics,
			"createStaticWallet":    createStaticWallet,
			"listStaticWallets":     listStaticWallets,
			"subscribeStaticWallet": switchStaticWallet(true), "unsubscribeStaticWallet": switchStaticWallet(false),
			"createWithdrawal": createWithdrawal,
		},
	}
}

func openCryptoCloud(s *Sandbox) {
	for full, amount := range openingCryptoCloud {
		s.st.Balances["cryptocloud/"+full] = amount
	}
	var list struct {
		Result []*object `json:"result"`
	}
	info := s.providers[specs.CryptoCloud].payloads["getInvoicesInfo"]
	if json.Unmarshal(info, &list) == nil {
		for _, o := range list.Result {
			s.st.table("cryptocloud.invoices"+samplesOf).add(o.text("uuid"), o)
		}
	}
}

// refuseCryptoCloud words a broken request as the pages do: "amount not
// passed." and "Invalid value amount.", by field; some calls have a key of
// their own for everything.
func refuseCryptoCloud(c *call, vs []contract.Violation) *answer {
	result := obj()
	for _, v := range vs {
		name, text := field(v), ""
		if name == "" {
			name = "body"
		}
		text = "Invalid value " + name + "."
		if v.Rule == "required" || v.Rule == "body" {
			text = name + " not passed."
		}
		switch c.op.ID {
		case "createInvoice":
		case "listInvoices":
		case "createWithdrawal":
			key := map[string]string{"currency_code": "currency_code", "to_address": "network", "amount": "uncorrected_amount"}[name]
			if name = key; v.Rule == "required" || key == "" {
				name = "required_parameter"
			}
		case "createStaticWallet", "listStaticWallets", "subscribeStaticWallet", "unsubscribeStaticWallet":
			text, name = name+" is required", "validation_error"
		default:
			text, name = name+" is required", "validate_error"
		}
		result.set(name, text)
	}
	if strings.HasPrefix(c.op.Path, "/v1/") {
		return reply(http.StatusBadRequest, obj("status", "error", "error", fmt.Sprint(result.members[0].value))).guessed("the message of a V1 refusal")
	}
	return reply(http.StatusBadRequest, obj("status", "error", "result", result))
}

// fiat is what one unit is worth in USD, as constants. They are ours.
var fiat = map[string]string{
	"USD": "1", "UZS": "0.00008", "KGS": "0.0114", "KZT": "0.002", "AMD": "0.0026", "AZN": "0.588", "BYN": "0.3", "AUD": "0.65",
	"TRY": "0.03", "AED": "0.2723", "CAD": "0.73", "CNY": "0.14", "HKD": "0.128", "IDR": "0.00006", "INR": "0.012", "JPY": "0.0065",
	"PHP": "0.0175", "SGD": "0.74", "THB": "0.028", "VND": "0.00004", "MYR": "0.21", "RUB": "0.011", "UAH": "0.0242", "EUR": "1.08", "GBP": "1.27",
}

// coins is what one unit is worth in USD, and how the coin is described. The
// prices are ours, the descriptions those of the samples.
var coins = map[string]coin{
	"USDT_TRC20": {4, "USDT", "Tether", "TRC20", "Tron", "TRX", "1", true},
	"USDT_ERC20": {5, "USDT", "Tether", "ERC20", "Ethereum", "ETH", "1", true},
	"USDT_BSC":   {6, "USDT", "Tether", "BSC", "BNB Smart Chain", "BNB", "1", true},
	"USDC_ERC20": {7, "USDC", "USD Coin", "ERC20", "Ethereum", "ETH", "1", true},
	"ETH":        {3, "ETH", "Ethereum", "ERC20", "Ethereum", "ETH", "2500", false},
	"BTC":        {1, "BTC", "Bitcoin", "BTC", "Bitcoin", "BTC", "60000", false},
	"LTC":        {2, "LTC", "Litecoin", "LTC", "Litecoin", "LTC", "80", false},
	"TRX":        {8, "TRX", "Tron", "TRC20", "Tron", "TRX", "0.2", false},
	"SOL":        {9, "SOL", "Solana", "SOL", "Solana", "SOL", "150", false},
	"TON":        {10, "TON", "Toncoin", "TON", "TON", "TON", "5", false},
	"BNB":        {11, "BNB", "BNB", "BSC", "BNB Smart Chain", "BNB", "600", false},
}

type coin struct {
	id                                             int
	code, name, network, networkName, chain, price string
	stable                                         bool
}

// listedCoin describes codes that the pages list and this table does not by
// their own name.
func listedCoin(full string) (coin, bool) {
	if k, ok := coins[full]; ok {
		return k, true
	}
	short, network, ok := strings.Cut(full, "_")
	if !ok || short == "" || strings.ToUpper(full) != full {
		return coin{}, false
	}
	return coin{20, short, short, network, network, network, "1", strings.HasPrefix(short, "USD")}, true
}

func (k coin) icons() (base, network, qr string) {
	const cdn = "https://cdn.cryptocloud.plus/"
	low := strings.ToLower(k.code)
	return cdn + "currency/icons/main/" + low + ".svg", cdn + "icons-currency/" + k.code + "-" + k.network + ".svg", cdn + "currency/icons/stroke/" + low + ".svg"
}

func (k coin) networkObject() *object {
	return obj("code", k.network, "id", jsonInt(k.id), "icon", "https://cdn.cryptocloud.plus/currency/crypto/"+k.chain+".svg", "fullname", k.networkName)
}

// invoiceView has the short code in code; walletView has the full one there.
func (k coin) invoiceView(full string) *object {
	base, network, qr := k.icons()
	return obj("id", jsonInt(k.id), "code", k.code, "fullcode", full, "network", k.networkObject(), "name", k.name, "is_email_required", false,
		"stablecoin", k.stable, "icon_base", base, "icon_network", network, "icon_qr", qr, "order", jsonInt(1))
}

func (k coin) walletView(full string) *object {
	base, network, qr := k.icons()
	return obj("id", jsonInt(k.id), "code", full, "short_code", k.code, "name", k.name, "is_email_required", false, "stablecoin", k.stable,
		"icon_base", base, "icon_network", network, "icon_qr", qr, "order", jsonInt(1), "obj_network", k.networkObject(), "enable", true)
}

// address is a fake address that cannot be mistaken for a real one.
func (k coin) address(st *state) string {
	return "FAKE" + k.chain + st.codeID("cryptocloud.address", 24)
}

func (c *call) shop() *answer {
	if c.sandbox.accepts(specs.CryptoCloud, c.in.text("shop_id"), func(k Credentials) string { return k.ShopID }) {
		return nil
	}
	return cryptocloudFailure("shop_id", "Invalid value shop_id.").guessed("what an unknown shop_id gets")
}

func createInvoice(c *call) *answer {
	if a := c.shop(); a != nil {
		return a
	}
	currency := c.in.text("currency")
	if currency == "" {
		currency = "USD"
	}
	price, ok := fiat[currency]
	if !ok {
		return cryptocloudFailure("currency", "Invalid account currency specified. Available currencies "+fiatList()+".")
	}
	amount := rat(c.in.text("amount"))
	if amount.Sign() <= 0 {
		return cryptocloudFailure("amount", "Invalid value amount.")
	}
	options := c.in.object("add_fields")
	full, address := "USDT_TRC20", ""
	if chosen := options.text("cryptocurrency"); chosen != "" {
		k, ok := listedCoin(chosen)
		if !ok {
			return cryptocloudFailure("cryptocurrency", "Invalid value cryptocurrency.").guessed("what an unknown cryptocurrency gets")
		}
		full, address = chosen, k.address(c.st())
	}
	usd := mul(amount, rat(price))
	r := newInvoice(c, usd, full, address, lifetime(options.object("time_to_pay")))
	r.Doc.set("amount_in_fiat", float(amount, 8)).set("fiat_currency", currency)
	if id := c.in.text("order_id"); id != "" {
		r.Doc.set("order_id", id)
	}
	if mail := c.in.text("email"); mail != "" {
		r.Doc.set("user_email", mail)
	}
	made := c.sample("createInvoice")
	made.object("result").take(r.Doc, "uuid", "created", "address", "expiry_date", "amount", "amount_usd", "amount_in_fiat", "fee", "fee_usd",
		"service_fee", "service_fee_usd", "fiat_currency", "link", "currency", "test_mode").
		drop("side_commission_cc").set("side_commission_service", "merchant").set("project", cryptocloudProject())
	return success(made)
}

func cryptocloudProject() *object {
	return obj("id", jsonInt(1), "name", "Fake Shop", "fail", "https://shop.invalid/fail", "success", "https://shop.invalid/success", "logo", "None")
}

func lifetime(o *object) time.Duration {
	if o == nil {
		return 24 * time.Hour
	}
	hours, minutes := min(toInt(o.get("hours"), 0), 1e5), min(toInt(o.get("minutes"), 0), 1e6)
	if d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute; d > 0 {
		return d
	}
	return 24 * time.Hour
}

func fiatList() string {
	names := []string{}
	for n := range fiat {
		names = append(names, "'"+n+"'")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// newInvoice keeps an invoice as getInvoicesInfo shows it. The fees are those
// of the samples: 1.4 to transfer, 1.9 per cent for the service.
func newInvoice(c *call, usd *big.Rat, full, address string, life time.Duration) *row {
	k, _ := listedCoin(full)
	id := c.st().codeID("cryptocloud.invoice", 8)
	price := rat(k.price)
	amount, fee, service := quo(usd, price), quo(rat("1.4"), price), quo(mul(usd, rat("0.019")), price)
	toPay := add(amount, fee)
	doc := obj(
		"uuid", "INV-"+id, "created", spaced(c.now), "address", address, "date_finished", nil, "expiry_date", spaced(c.now.Add(life)),
		"side_commission", "client", "side_commission_cc", "merchant", "type_payments", "crypto",
		"amount", float(amount, 8), "amount_usd", float(usd, 2), "amount_in_fiat", float(usd, 2), "amount_in_crypto", nil,
		"amount_to_pay", float(toPay, 8), "amount_to_pay_usd", float(mul(toPay, price), 2), "amount_paid", float(rat("0"), 8), "amount_paid_usd", float(rat("0"), 2),
		"fee", float(fee, 8), "fee_usd", float(rat("1.4"), 2), "service_fee", float(service, 8), "service_fee_usd", float(mul(service, price), 2),
		"received", jsonInt(0), "received_usd", jsonInt(0), "to_surcharge", float(toPay, 8), "to_surcharge_usd", float(mul(toPay, price), 2),
		"fiat_currency", "USD", "status", "created", "order_id", nil, "user_email", nil, "type", "up", "tx_list", []any{}, "is_email_required", false,
		"link", "https://pay.cryptocloud.plus/"+id, "invoice_id", nil, "currency", k.invoiceView(full), "project", cryptocloudProject(), "test_mode", false,
	)
	return c.table("invoices").add("INV-"+id, doc, "full", full)
}

// invoice finds an invoice by its id with or without the prefix, and lets it
// grow old.
func (c *call) invoice(id string) *row {
	if id != "" && !strings.HasPrefix(id, "INV-") {
		id = "INV-" + id
	}
	r := c.find("invoices", id)
	if r != nil && c.table("invoices").get(id) != nil {
		ageInvoice(r, c.now)
	}
	return r
}

// ageInvoice cancels an invoice nobody paid in time, as the page on statuses
// says.
func ageInvoice(r *row, now time.Time) {
	if r.Doc.text("status") == "created" && !now.Before(readSpaced(r.Doc.text("expiry_date"))) {
		r.Doc.set("status", "canceled").set("date_finished", r.Doc.get("expiry_date"))
	}
}

func cancelInvoice(c *call) *answer {
	r := c.invoice(c.in.text("uuid"))
	switch {
	case c.in.text("uuid") == "":
		return cryptocloudFailure("validate_error", "uuid is required")
	case r == nil:
		return cryptocloudFailure("validate_error", "Invoice is not created").guessed("what an unknown invoice gets")
	case r.Doc.text("status") != "created":
		return cryptocloudFailure("validate_error", "Invoice is not created")
	}
	r.Doc.set("status", "canceled").set("date_finished", spaced(c.now))
	return success(c.sample("cancelInvoice"))
}

func getInvoicesInfo(c *call) *answer {
	result := []any{}
	for _, id := range c.in.list("uuids") {
		s, _ := id.(string)
		if r := c.invoice(s); r != nil {
			result = append(result, r.Doc)
		}
	}
	return success(obj("status", "success", "result", result))
}

// listInvoices reads limit as documented: the number of the last record, so
// that offset 10 and limit 20 give ten records.
func listInvoices(c *call) *answer {
	rows, bad := c.period()
	if bad != nil {
		return bad
	}
	offset, limit := 0, 10
	if c.in.has("offset") {
		offset = toInt(c.in.get("offset"), 0)
	}
	if c.in.has("limit") {
		limit = toInt(c.in.get("limit"), 10)
	}
	offset = min(max(offset, 0), len(rows))
	end := min(max(limit, offset), offset+100, len(rows))
	result := []any{}
	for _, r := range rows[offset:end] {
		result = append(result, r.Doc)
	}
	return success(obj("status", "success", "result", result, "all_count", jsonInt(len(rows))))
}

// period lists the invoices created between two days, both included.
func (c *call) period() ([]*row, *answer) {
	const layout = "02.01.2006"
	start, err := time.Parse(layout, c.in.text("start"))
	if err != nil {
		return nil, cryptocloudFailure("start", "Invalid value start.").guessed("the text for a bad date")
	}
	end, err := time.Parse(layout, c.in.text("end"))
	if err != nil || end.Before(start) {
		return nil, cryptocloudFailure("end", "Invalid value end.").guessed("the text for a bad date")
	}
	end = end.Add(24 * time.Hour)
	return c.table("invoices").where(func(r *row) bool {
		ageInvoice(r, c.now)
		at := readSpaced(r.Doc.text("created"))
		return r.meta("v1") == "" && !at.Before(start) && at.Before(end)
	}), nil
}
