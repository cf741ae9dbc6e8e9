package operation

import (
	"encoding/json"
	"slices"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Candidate is an unpaid invoice that a refill with an unknown outcome may have
// made.
type Candidate struct {
	ID      string          `json:"id"`
	Payment *provider.Money `json:"payment"` // in the refill's currency if the vendor tells that
	Date    provider.Date   `json:"date"`    // the vendor's day
}

// maxCandidates is how many candidates of one operation are kept.
const maxCandidates = 20

// encodeCandidates is empty for none.
func encodeCandidates(candidates []Candidate) ([]byte, error) {
	if len(candidates) == 0 {
		return []byte{}, nil
	}
	return json.Marshal(candidates)
}

func decodeCandidates(data []byte) (candidates []Candidate, err error) {
	if len(data) > 0 {
		err = json.Unmarshal(data, &candidates)
	}
	return candidates, err
}

// lookup is one look at an account's unpaid invoices, and what is known of its
// refills.
type lookup struct {
	began    time.Time
	invoices []provider.UnpaidInvoice
	all      []store.Operation          // the account's refills that may have made one of them
	before   map[string]map[string]bool // by operation: the invoices that were unpaid before it; absent if not known
}

// refill tells which invoices a refill of unknown outcome may have made, and
// which one is its own, nil if there is any doubt.
//
// If the vendor told the number, that decides. Else an invoice is the refill's
// own if the list before the call was read and does not have it, all that the
// vendor shows of it fits (see sure), it is seen soon after the call, it is the
// only candidate, and no other refill may have made it.
func (l lookup) refill(op store.Operation) (candidates []Candidate, own *provider.UnpaidInvoice) {
	if op.Reference != "" {
		return nil, l.numbered(op)
	}
	var asked provider.RefillRequest
	if json.Unmarshal(op.Request, &asked) != nil {
		return nil, nil
	}
	before, known := l.before[op.ID]
	claimed := l.claimed(op)
	// What was seen before and is not there any more may be paid by now.
	earlier, err := decodeCandidates(op.Candidates)
	if err != nil {
		return nil, nil
	}
	for _, c := range earlier {
		if !claimed[c.ID] {
			candidates = append(candidates, c)
		}
	}
	for i, invoice := range l.invoices {
		if claimed[invoice.ID] || before[invoice.ID] || !possible(op, invoice) {
			continue
		}
		if !slices.ContainsFunc(candidates, func(c Candidate) bool { return c.ID == invoice.ID }) {
			candidates = append(candidates, candidate(asked, invoice))
		}
		if known && l.soonAfter(op) && sure(op, asked, invoice) && l.rivals(op, invoice) == 0 {
			own = &l.invoices[i]
		}
	}
	if len(candidates) != 1 {
		own = nil
	}
	return candidates[:min(len(candidates), maxCandidates)], own
}

// numbered finds the invoice whose number the vendor told.
func (l lookup) numbered(op store.Operation) *provider.UnpaidInvoice {
	i := slices.IndexFunc(l.invoices, func(invoice provider.UnpaidInvoice) bool { return invoice.ID == op.Reference })
	if i < 0 || l.claimed(op)[op.Reference] || l.before[op.ID][op.Reference] {
		return nil
	}
	return &l.invoices[i]
}

func candidate(asked provider.RefillRequest, invoice provider.UnpaidInvoice) Candidate {
	c := Candidate{ID: invoice.ID, Payment: invoice.Payment, Date: provider.Date(invoice.Date.Format(time.DateOnly))}
	for _, m := range invoice.Amounts {
		if m.Currency == asked.Amount.Currency {
			c.Payment = &m
		}
	}
	return c
}

// soonAfter tells whether the look began early enough to settle a refill.
func (l lookup) soonAfter(op store.Operation) bool {
	return !l.began.Before(op.CreatedAt) && l.began.Before(op.GiveUpAt.Add(settleWithin))
}

// claimed are the invoices that the vendor or a person said to be of other
// refills.
func (l lookup) claimed(op store.Operation) map[string]bool {
	ids := map[string]bool{}
	for _, other := range l.all {
		if other.Reference != "" && other.ID != op.ID {
			ids[other.Reference] = true
		}
	}
	return ids
}

// rivals counts the other refills that may have made an invoice, those under
// way included.
func (l lookup) rivals(op store.Operation, invoice provider.UnpaidInvoice) int {
	n := 0
	for _, other := range l.all {
		if other.ID != op.ID && other.State != store.Failed && other.Reference == "" && possible(other, invoice) {
			n++
		}
	}
	return n
}

// oneDay is the grain of vendors' dates.
const oneDay = 24 * time.Hour

// possible tells whether a refill may have made an invoice: nothing that the
// vendor shows of it speaks against that. A day is told in a zone that is not
// known, so that a day more on both sides of the call is possible.
func possible(op store.Operation, invoice provider.UnpaidInvoice) bool {
	var asked provider.RefillRequest
	if json.Unmarshal(op.Request, &asked) != nil || invoice.Method != asked.Method {
		return false
	}
	first, last := op.CreatedAt.Truncate(oneDay).Add(-oneDay), op.GiveUpAt.Truncate(oneDay).Add(oneDay)
	fits, _ := sumFits(asked.Amount, invoice)
	return fits &&
		(invoice.Currency == "" || invoice.Currency == asked.Amount.Currency) &&
		(invoice.WalletID == "" || invoice.WalletID == asked.WalletID) &&
		!invoice.Date.Before(first) && !invoice.Date.After(last)
}

// sure tells whether what the vendor shows of a possible invoice leaves no
// doubt. Its day must not be before the call's day in UTC: vendors east of
// Greenwich, as Moscow is, are at the same day or the next. For one west of it
// some refills wait for a person.
func sure(op store.Operation, asked provider.RefillRequest, invoice provider.UnpaidInvoice) bool {
	_, told := sumFits(asked.Amount, invoice)
	return told && invoice.Currency == asked.Amount.Currency && !invoice.Date.Before(op.CreatedAt.Truncate(oneDay))
}

// sumFits tells whether an invoice can be for a sum, and whether the vendor
// tells it in that currency. The total, which has the fees in it, proves
// nothing, but it can't be less than the sum.
func sumFits(asked provider.Money, invoice provider.UnpaidInvoice) (fits, told bool) {
	for _, m := range invoice.Amounts {
		if m.Currency == asked.Currency {
			if m.Amount.Cmp(asked.Amount) != 0 {
				return false, false
			}
			told = true
		}
	}
	total := invoice.TotalPayment
	if total != nil && total.Currency == asked.Currency && total.Amount.Cmp(asked.Amount) < 0 {
		return false, false
	}
	return true, told
}
