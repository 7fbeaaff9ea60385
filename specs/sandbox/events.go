package sandbox

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/seed-4fcf5cf3/payclients/specs"
)

// Pay pays what an id stands for, in full: an invoice or static wallet of
// CryptoCloud, an order of CryptoPay, an order, payout or subscription of
// Ecart Pay, an operation or deposit address of Kuna. Webhooks follow. A
// customer of Crypterium gets one bitcoin.
func (s *Sandbox) Pay(id string) error { return s.happen("pay", id, "") }

// PayAmount pays less or more than is asked for, or chooses the amount where
// none is asked for.
func (s *Sandbox) PayAmount(id, amount string) error {
	if !isAmount(amount) {
		return fmt.Errorf("sandbox: %q is not an amount", amount)
	}
	return s.happen("pay", id, amount)
}

// Expire lets the time to pay run out: invoices of CryptoCloud, orders of
// CryptoPay.
func (s *Sandbox) Expire(id string) error { return s.happen("expire", id, "") }

// Fail lets a payment fail: orders of CryptoPay and Ecart Pay, subscriptions,
// operations of Kuna.
func (s *Sandbox) Fail(id string) error { return s.happen("fail", id, "") }

// Hold puts an operation of Kuna on hold, as a failed AML check does.
func (s *Sandbox) Hold(id string) error { return s.happen("hold", id, "") }

// happen finds what an id stands for and lets an event happen to it.
func (s *Sandbox) happen(event, id, amount string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range happenings {
		p := s.providers[x.provider]
		if p == nil {
			continue
		}
		c := s.inside(p)
		key := id
		if x.table == "invoices" && x.provider == specs.CryptoCloud && !strings.HasPrefix(id, "INV-") {
			key = "INV-" + id
		}
		r := c.table(x.table).get(key)
		if r == nil {
			continue
		}
		do := x.events[event]
		if do == nil {
			return fmt.Errorf("sandbox: %s: nothing like %q can happen to one of the %s", x.provider, event, x.table)
		}
		return do(c, r, amount)
	}
	return fmt.Errorf("sandbox: nothing here has the id %q", id)
}

// inside is a call without a caller, for what happens by itself.
func (s *Sandbox) inside(p *provider) *call {
	return &call{sandbox: s, provider: p, in: obj(), now: s.Now()}
}

type happening func(c *call, r *row, amount string) error

var happenings = []struct {
	provider, table string
	events          map[string]happening
}{
	{specs.CryptoCloud, "invoices", map[string]happening{"pay": payInvoice, "expire": expireInvoice}},
	{specs.CryptoCloud, "static", map[string]happening{"pay": payStatic}},
	{specs.CryptoPay, "orders", map[string]happening{"pay": payOrder, "expire": expireOrder, "fail": failOrder}},
	{specs.Crypterium, "customers", map[string]happening{"pay": payCustomer}},
	{specs.EcartPay, "orders", map[string]happening{"pay": payEcartOrder, "fail": failEcartOrder}},
	{specs.EcartPay, "payouts", map[string]happening{"pay": payPayout}},
	{specs.EcartPay, "subscriptions", map[string]happening{"pay": paySubscription, "fail": failSubscription}},
	{specs.Kuna, "operations", map[string]happening{"pay": payOperation, "fail": failOperation, "hold": holdOperation}},
	{specs.Kuna, "addresses", map[string]happening{"pay": payAddress}},
}

func stuck(r *row) error {
	return fmt.Errorf("sandbox: %s is %s already", r.ID, r.Doc.text("status"))
}

// payInvoice adds up: what comes in less both fees is what is received, and
// what is received is in the balance.
func payInvoice(c *call, r *row, amount string) error {
	ageInvoice(r, c.now)
	status := r.Doc.text("status")
	if status != "created" && status != "partial" {
		return stuck(r)
	}
	full := r.meta("full")
	k, _ := listedCoin(full)
	price, toPay := rat(k.price), rat(r.Doc.text("amount_to_pay"))
	before := rat(r.Doc.text("amount_paid"))
	in := sub(toPay, before)
	if amount != "" {
		in = rat(amount)
	}
	paid := add(before, in)
	received := sub(sub(paid, rat(r.Doc.text("fee"))), rat(r.Doc.text("service_fee")))
	if received.Sign() < 0 {
		received = new(big.Rat)
	}
	c.st().move("cryptocloud/"+full, sub(received, rat(r.Doc.text("received"))))
	left := sub(toPay, paid)
	switch left.Sign() {
	case 0:
		status = "paid"
	case -1:
		status, left = "overpaid", new(big.Rat)
	default:
		status = "partial"
	}
	hash := "fake" + c.st().hexID("cryptocloud.tx", 60)
	r.Doc.set("status", status).set("amount_paid", float(paid, 8)).set("amount_paid_usd", float(mul(paid, price), 2)).
		set("amount_in_crypto", float(paid, 8)).set("received", float(received, 8)).set("received_usd", float(mul(received, price), 2)).
		set("to_surcharge", float(left, 8)).set("to_surcharge_usd", float(mul(left, price), 2)).
		set("tx_list", append(slices.Clone(r.Doc.list("tx_list")), hash))
	if r.Doc.text("address") == "" {
		r.Doc.set("address", k.address(c.st()))
	}
	if status == "partial" {
		return nil // nothing is documented to be sent
	}
	r.Doc.set("date_finished", spaced(c.now)).set("invoice_status", "success")
	c.postback(r, number(paid, 8))
	return nil
}

func expireInvoice(c *call, r *row, _ string) error {
	if r.Doc.text("status") != "created" {
		return stuck(r)
	}
	r.Doc.set("status", "canceled").set("date_finished", spaced(c.now)).set("expiry_date", spaced(c.now))
	return nil
}

func payStatic(c *call, r *row, amount string) error {
	if on, _ := r.Doc.get("active").(bool); !on {
		return fmt.Errorf("sandbox: static wallet %s is not active", r.ID)
	}
	if amount == "" {
		amount = "10"
	}
	c.st().move("cryptocloud/"+r.meta("full"), mul(rat(amount), rat("0.981"))) // less the service fee
	r.put("static", "yes")
	c.postback(r, json.Number(decimal(rat(amount), 8)))
	return nil
}

// cryptopayTransaction puts a payment on the fake chain.
func cryptopayTransaction(c *call, order *row, status, amount string) *row {
	if amount == "" {
		amount = order.Doc.text("amount")
	}
	hash := "0x" + c.st().hexID("cryptopay.tx", 64)
	doc := obj("transaction_hash", hash, "payment_order", order.Doc.only("id", "order_id").set("amount", amount).set("currency", order.Doc.get("currency")),
		"blockchain", order.Doc.get("blockchain"), "block_number", jsonInt(c.st().serial("cryptopay.block", 12345678)), "block_timestamp", isoSeconds(c.now),
		"confirmations", jsonInt(15), "status", status, "from_address", "0xfa4e00000000000000000000000000000000beef", "to_address", cryptopayAddress,
		"gas_used", jsonInt(21000), "gas_price", "1000000000", "transaction_fee", "0.000021")
	if status == "failed" {
		doc.set("confirmations", jsonInt(0))
	}
	r := c.table("transactions").add(hash, doc, "created_at", isoSeconds(c.now))
	order.Doc.set("transaction", obj("transaction_hash", hash, "status", status))
	return r
}

func pendingOrder(r *row) error {
	if r.Doc.text("status") != "pending" {
		return stuck(r)
	}
	return nil
}

func payOrder(c *call, r *row, amount string) error {
	c.expireOrders()
	if err := pendingOrder(r); err != nil {
		return err
	}
	t := cryptopayTransaction(c, r, "confirmed", amount)
	c.cryptopayEvent("payment.pending", r, t)
	r.Doc.set("status", "confirmed")
	c.cryptopayEvent("payment.confirmed", r, t)
	return nil
}

func failOrder(c *call, r *row, amount string) error {
	if err := pendingOrder(r); err != nil {
		return err
	}
	t := cryptopayTransaction(c, r, "failed", amount)
	r.Doc.set("status", "failed")
	c.cryptopayEvent("payment.failed", r, t)
	return nil
}

func expireOrder(c *call, r *row, _ string) error {
	if err := pendingOrder(r); err != nil {
		return err
	}
	r.Doc.set("expires_at", isoSeconds(c.now))
	c.expireOrder(r)
	return nil
}

func payCustomer(c *call, r *row, amount string) error {
	if amount == "" {
		amount = "1"
	}
	c.st().move("crypterium/"+r.ID+"/BTC", rat(amount))
	return nil
}

func payEcartOrder(c *call, r *row, amount string) error {
	if s := r.Doc.text("status"); s != "created" && s != "declined" {
		return stuck(r)
	}
	if amount != "" && rat(amount).Cmp(rat(r.Doc.object("totals").text("total"))) != 0 {
		return fmt.Errorf("sandbox: ecartpay: an order is paid in full or not at all")
	}
	r.Doc.drop("decline_reason")
	c.ecartpayPay(r)
	return nil
}

func failEcartOrder(c *call, r *row, _ string) error {
	if s := r.Doc.text("status"); s != "created" && s != "declined" {
		return stuck(r)
	}
	r.Doc.set("status", "declined").set("decline_reason", "Declined by the bank").set("updated_at", isoMillis(c.now))
	c.ecartpayOrderEvent("orders.update", r)
	return nil
}

func payPayout(c *call, r *row, _ string) error {
	if r.Doc.text("status") != "pending" {
		return stuck(r)
	}
	c.ecartpayRelease(r)
	return nil
}

func paySubscription(c *call, r *row, _ string) error {
	if r.Doc.text("status") != "active" {
		return stuck(r)
	}
	c.ecartpayTransaction("payment", rat(r.Doc.text("amount")), r.Doc.text("currency"))
	next := readISO(r.Doc.text("next_payment_date")).AddDate(0, max(toInt(r.Doc.get("frequency"), 1), 1), 0)
	r.Doc.set("attempts", jsonInt(0)).set("last_payment_date", isoMillis(c.now)).set("next_payment_date", isoMillis(next)).set("updated_at", isoMillis(c.now))
	c.ecartpayEvent("subscription.payment_success", r.ID, r.Doc.only("id", "status"), r.meta("notify_url"))
	return nil
}

// failSubscription counts attempts: the second is reported, the fifth pauses.
func failSubscription(c *call, r *row, _ string) error {
	if r.Doc.text("status") != "active" {
		return stuck(r)
	}
	n := toInt(r.Doc.get("attempts"), 0) + 1
	r.Doc.set("attempts", jsonInt(n)).set("errors", append(slices.Clone(r.Doc.list("errors")), "Declined by the bank | visa 4242")).set("updated_at", isoMillis(c.now))
	if n == 2 {
		c.ecartpayEvent("subscription.payment_failed", r.ID, r.Doc.only("id", "status"), r.meta("notify_url"))
	}
	if n >= 5 {
		r.Doc.set("status", "pause")
		c.ecartpayEvent("subscription.paused", r.ID, r.Doc.only("id", "status"), r.meta("notify_url"))
	}
	return nil
}

func openOperation(r *row) error {
	if s := r.Doc.text("status"); s == "Completed" || s == "Declined" {
		return stuck(r)
	}
	return nil
}

func payOperation(c *call, r *row, _ string) error {
	if err := openOperation(r); err != nil {
		return err
	}
	if r.Doc.text("type") == "DepositWithExchange" {
		c.st().move(kunaAccount(r.Doc.text("walletId"), r.Doc.text("targetAsset")), rat(r.Doc.text("targetAmount")))
	}
	c.kunaStatus(r, "Completed")
	return nil
}

// failOperation gives back what the operation had taken.
func failOperation(c *call, r *row, _ string) error {
	if err := openOperation(r); err != nil {
		return err
	}
	if s := r.Doc.text("type"); s == "Withdraw" || s == "WithdrawWithExchange" {
		c.st().move(kunaAccount(r.Doc.text("walletId"), r.Doc.text("sourceAsset")), rat(r.Doc.text("sourceAmount")))
	}
	c.kunaStatus(r, "Declined")
	return nil
}

func holdOperation(c *call, r *row, _ string) error {
	if err := openOperation(r); err != nil {
		return err
	}
	c.kunaStatus(r, "OnHold")
	return nil
}

func payAddress(c *call, r *row, amount string) error {
	if amount == "" {
		amount = "100"
	}
	wallet, asset := r.Doc.text("walletId"), r.Doc.text("asset")
	c.st().move(kunaAccount(wallet, asset), rat(amount))
	c.operation("Deposit", "Completed", wallet, obj("targetAsset", asset, "targetAmount", decimal(rat(amount), 18)))
	return nil
}
