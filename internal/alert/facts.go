package alert

import (
	"errors"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// Facts are what is known of an account at a moment.
type Facts struct {
	Account  string
	Provider string
	Now      time.Time     // by the clock that replicas share
	Watched  time.Duration // for how long this process has been reading: what it has not read by then is missing
	Patience time.Duration // for how long a vendor may fail: two background readings
	Limits   Limits
	// Credentials name the settings that hold them, with their prefix.
	Credentials []string

	Vendor     Vendor
	Balance    Figure[provider.Balance]
	Statistics Figure[provider.Statistics]
	Runway     Runway
	Writes     Writes
	Budget     Budget
}

// lasted tells whether something has been so for d. A time in the future is from
// before a clock was set back, and as good as long ago.
func (f *Facts) lasted(since time.Time, d time.Duration) bool {
	ago := f.Now.Sub(since)
	return ago >= d || ago < -time.Minute
}

// Limits are an account's own thresholds.
type Limits struct {
	BalanceLow Threshold
	DaysLow    time.Duration // 0: none
}

// Threshold is an amount that a balance should stay above, written "500 RUB", or
// "500" in whatever currency the balance has. The zero value is none.
type Threshold struct {
	Amount   decimal.Decimal
	Currency provider.Currency // "": the balance's
	Set      bool
}

// UnmarshalText reads a threshold. It may be negative, for those who live on credit.
func (t *Threshold) UnmarshalText(text []byte) error {
	want := errors.New("must be an amount, e.g. 500, or an amount with a currency, e.g. 500 RUB")
	fields := strings.Fields(string(text))
	if len(fields) == 0 || len(fields) > 2 {
		return want
	}
	read := Threshold{Set: true}
	var err error
	switch read.Amount, err = provider.ParseAmount(fields[0]); {
	case errors.Is(err, provider.ErrTooManyDigits):
		return err
	case err != nil:
		return want
	}
	if len(fields) == 2 {
		if read.Currency, err = provider.ParseCurrency(fields[1]); err != nil {
			return want
		}
	}
	*t = read
	return nil
}

// Vendor is how the last call to the account's vendor ended.
type Vendor struct {
	Trouble     Code      // "": the vendor answered
	Known       bool      // false: no call has been made
	Since       time.Time // when that began
	Detail      string
	LastSuccess *time.Time // nil: never
	BadReply    *BadReply  // nil: there was none
}

// BadReply is the last reply of the vendor that was not understood.
type BadReply struct {
	At     time.Time `json:"at"`
	Before time.Time `json:"before"` // when the one before it came; zero: it was the first
	Format bool      `json:"format"` // its form was not the expected one; else it was an error that is not known
	Detail string    `json:"detail"`
}

// Figure is a reading at hand.
type Figure[T any] struct {
	Readable bool // the vendor can be asked for it
	Regular  bool // it is read in the background
	Value    *T   // nil: there is none
	AsOf     time.Time
	Age      time.Duration
	OldAfter time.Duration // older, it says nothing of now
}

// current tells whether the figure says something of now.
func (f *Figure[T]) current() bool { return f.Value != nil && f.Age <= f.OldAfter }

// Runway is how long the money lasts at the rate at which it was spent.
type Runway struct {
	Known bool
	Ends  bool // false: never, at that rate
	End   time.Time
}

// Writes are the account's writes whose outcome is unknown.
type Writes struct {
	Known  bool
	Count  int
	Oldest time.Time // when the oldest was asked for
}

// Budget is how many calls the vendor may still get.
type Budget struct {
	Known       bool
	Left, Limit int
	LowFor      time.Duration // for how long it has been Low
}

// Low tells whether less than a tenth of the calls is left.
func (b Budget) Low() bool { return b.Left <= (b.Limit-1)/10 }
