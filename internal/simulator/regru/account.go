package regru

import (
	"time"

	"github.com/govalues/decimal"
)

const (
	firstID   = 4811200 // ids of accounts count on from here
	firstBill = 70044   // ids of invoices too
)

// Account is one customer of REG.RU.
type Account struct {
	ID          int64 // user_id; 0: the server numbers it
	Login       string
	Password    string
	AltPassword string // alternative API password; empty: none
	Email       string // works as a login too, in ProfileCurrent
	Partner     bool
	// Refuse is the error code with which every call is refused: ACCESS_DENIED, ACCOUNT_BLOCKED; empty: none.
	Refuse string
	// AllowedIPs are the source addresses that may call, in the forms of white_list_ips (2.1): single, CIDR, IP/netmask,
	// partial prefix. nil: loopback. Empty but not nil: none, as for an account whose owner has not listed any.
	AllowedIPs []string

	// In roubles. Credit is told to partners only.
	Prepay, Blocked, Credit decimal.Decimal

	Counters Counters
	Days     []Day
}

// Counters are what user/get_statistics tells of now (5.3).
type Counters struct {
	ActiveDomains, ActiveDomainsGetCtrl int
	RenewDomains, RenewDomainsGetCtrl   int
	UndelegatedDomains, DomainFolders   int
	TransInDomains                      int // told only if there are any
}

// Day is what user/get_statistics sums up for a period.
type Day struct {
	Date       time.Time // its date counts, not its time
	Costs      decimal.Decimal
	Registered int // domains
}

// account is an Account with what only the server knows.
type account struct {
	Account
	test         bool              // test/test: everything is checked, nothing is changed (2.1)
	balanceTotal decimal.Decimal   // of test only; others have their Prepay there
	urls         map[string]string // url_type → url
}

// Seeds are the accounts of a server that was given none: a partner and an ordinary client.
func Seeds() []Account {
	money := decimal.MustParse
	day := func(month time.Month, day int, costs string, registered int) Day {
		return Day{Date: time.Date(2026, month, day, 0, 0, 0, 0, time.UTC), Costs: money(costs), Registered: registered}
	}
	return []Account{
		{
			Login: "partner", Password: "partner-secret", AltPassword: "partner-api-secret", Email: "partner@example.ru", Partner: true,
			Prepay: money("48213.07"), Blocked: money("1250.50"), Credit: money("30000"),
			Counters: Counters{ActiveDomains: 1287, ActiveDomainsGetCtrl: 14, RenewDomains: 96, RenewDomainsGetCtrl: 2,
				UndelegatedDomains: 41, DomainFolders: 23, TransInDomains: 3},
			Days: []Day{
				day(1, 1, "199.00", 1), day(1, 15, "3980.25", 17), day(1, 31, "1290.00", 2),
				day(2, 10, "24310.90", 61), day(3, 4, "777.77", 3), day(6, 30, "15204.05", 44),
			},
		},
		{
			Login: "shop", Password: "shop-secret", Email: "shop@example.ru",
			Prepay:   money("312.40"),
			Counters: Counters{ActiveDomains: 4, RenewDomains: 1, UndelegatedDomains: 1, DomainFolders: 1},
			Days:     []Day{day(1, 20, "398.00", 2)},
		},
	}
}

// testAccount holds the manual's values for test/test (5.0, 5.3, 5.4).
func testAccount() *account {
	return &account{
		Account: Account{
			Login: "test", Password: "test", Partner: true,
			Prepay: decimal.MustParse("1000"), Credit: decimal.MustParse("10"),
			Counters: Counters{ActiveDomains: 5, ActiveDomainsGetCtrl: 3, RenewDomains: 4, RenewDomainsGetCtrl: 1,
				UndelegatedDomains: 6, DomainFolders: 2},
		},
		test:         true,
		balanceTotal: decimal.MustParse("100"),
		urls:         map[string]string{"refill": "http://test2.com", "refund": "http://test2.com"},
	}
}

// addAccount takes a over and returns its id.
func (s *Server) addAccount(a Account) int64 {
	if a.ID == 0 {
		s.lastID++
		a.ID = s.lastID
	}
	if a.AllowedIPs == nil {
		a.AllowedIPs = []string{"127.0.0.0/8", "::1"}
	}
	s.accounts = append(s.accounts, &account{Account: a, urls: map[string]string{}})
	return a.ID
}

func (s *Server) find(login string) *account {
	for _, a := range s.accounts {
		if a.Login == login {
			return a
		}
	}
	return nil
}

// Account returns the present state of the account with that login, those made by user/create included.
func (s *Server) Account(login string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(login); a != nil {
		return a.Account, true
	}
	return Account{}, false
}
