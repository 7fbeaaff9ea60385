package cryptocloud

// Get returns the withdrawal from whichever member holds it: one version of the
// documentation calls it data, another result. It is nil if neither does: then
// the withdrawal was accepted, and nobody said more.
func (e *WithdrawalEnvelope) Get() *Withdrawal {
	if e == nil {
		return nil
	}
	if e.Data != nil {
		return e.Data
	}
	return e.Result
}
