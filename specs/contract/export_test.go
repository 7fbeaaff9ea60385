package contract

// NewUnchecked is New as [For] uses it: without checking the document itself.
func NewUnchecked(doc []byte) (*Checker, error) { return New(doc, withoutValidation()) }
