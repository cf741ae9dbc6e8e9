package page

import "accountgateway/internal/provider"

// notice is a reason to look at an account though its vendor answers.
type notice struct {
	Words  string // "Balance negative"
	Detail string // "−4.75 USD"; may be ""
	Tone   tone
	Remedy string // "" where the page tells it at another place
}

// notices are those of what was gathered of the account.
func (o *overview) notices() (list []notice) {
	if o.TooOld {
		list = append(list, notice{Words: "Balance too old", Tone: bad})
	}
	debt := o.Balance != nil && o.Balance.Negative() && o.money.Billing != provider.Postpaid
	if debt {
		list = append(list, notice{"Balance negative", o.Balance.String(), bad, "Top up the account. The vendor may refuse orders or stop services."})
	}
	if o.Runway.Tone == bad && (!debt || o.Runway.Words != nothingLeft) {
		list = append(list, notice{Words: "Low runway", Detail: o.Runway.Words, Tone: bad})
	}
	if o.Statistics != nil {
		for _, c := range o.Statistics.Counters {
			if c.UsedUp {
				list = append(list, notice{c.Name + " used up", c.Value + " of " + c.Limit, bad, "Buy more from the vendor, which may refuse use beyond the limit."})
			}
		}
	}
	if o.UnknownWrite() {
		list = append(list, notice{Words: "Write with unknown outcome", Tone: warn})
	}
	return list
}

// Attention tells whether somebody has to look at the account.
func (o *overview) Attention() bool { return o.State.Trouble() || len(o.Notices) > 0 }
