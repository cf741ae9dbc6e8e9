// Package selzy is the adapter for Selzy, and for UniSender, which speaks the same protocol under another address. It
// turns the gateway's questions into the vendor's methods and the vendor's answers into common terms. It knows nothing
// of callers, storage, caches and retries.
package selzy

import (
	"context"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// Config is one account's settings.
type Config struct {
	APIKey  config.Secret  `envconfig:"API_KEY" required:"true" desc:"API key from the account's page at Selzy"`
	BaseURL config.BaseURL `envconfig:"BASE_URL" default:"https://api.selzy.com" desc:"where the API is reached"`
	Lang    string         `envconfig:"LANG" default:"en" oneof:"en|ua|ru|pt" desc:"language of the vendor's texts: en, ua, ru or pt"`
	Rate    config.Rate    `envconfig:"RATE" default:"1200/1m" desc:"vendor calls allowed in a span of time"`
}

// UniSenderConfig is Config with UniSender's defaults.
type UniSenderConfig struct {
	APIKey  config.Secret  `envconfig:"API_KEY" required:"true" desc:"API key from the account's page at UniSender"`
	BaseURL config.BaseURL `envconfig:"BASE_URL" default:"https://api.unisender.com" desc:"where the API is reached"`
	Lang    string         `envconfig:"LANG" default:"en" oneof:"en|ru|it" desc:"language of the vendor's texts: en, ru or it"`
	Rate    config.Rate    `envconfig:"RATE" default:"1200/1m" desc:"vendor calls allowed in a span of time"`
}

// AddressConfig are the settings of all accounts at Selzy, or at UniSender, together. They count calls by key and by
// address (selzy.md 4).
type AddressConfig struct {
	IPRate config.Rate `envconfig:"IP_RATE" default:"1200/1m" desc:"vendor calls allowed in a span of time for all accounts at one host together; 0 = no limit"`
}

// Client is one account at Selzy or UniSender. Safe for concurrent use.
type Client struct {
	up  *upstream.Client
	cfg Config
}

var (
	_ provider.Provider         = (*Client)(nil)
	_ provider.BalanceReader    = (*Client)(nil)
	_ provider.StatisticsReader = (*Client)(nil)
	_ provider.UserReader       = (*Client)(nil)
	_ provider.UserCreator      = (*Client)(nil)
	_ provider.UserChecker      = (*Client)(nil)
	_ provider.OneCall          = (*Client)(nil)
)

// New makes the client of an account at Selzy.
func New(up *upstream.Client, cfg Config) *Client { return &Client{up: up, cfg: cfg} }

// NewUniSender makes the client of an account at UniSender.
func NewUniSender(up *upstream.Client, cfg UniSenderConfig) *Client { return New(up, Config(cfg)) }

// Capabilities declares what the adapter can do.
func (c *Client) Capabilities() provider.Capabilities {
	return provider.Capabilities{
		provider.OpBalance:    provider.Supported,
		provider.OpStatistics: provider.Supported,
		provider.OpUsers:      provider.Supported,
		provider.OpCreateUser: provider.Unverified, // what register answers is seen only in an old client (selzy.md 8)
		provider.OpRefill:     provider.Unsupported,
	}
}

// OneCall says that one getUserInfo answers balance, statistics and, for all but resellers, users.
func (c *Client) OneCall(op provider.Operation) bool {
	return op == provider.OpBalance || op == provider.OpStatistics || op == provider.OpUsers
}

// CheckCredentials calls getUserInfo, which only a valid key passes.
func (c *Client) CheckCredentials(ctx context.Context) error {
	return c.userInfo(ctx, provider.OpCheck, "", func(*info) error { return nil })
}

// ReadBalance asks for the balance in the account's own currency, the only one there is. The answer teaches
// statistics and users too.
func (c *Client) ReadBalance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	var readings provider.Readings
	err := c.userInfo(ctx, provider.OpBalance, "", func(own *info) error {
		balance, err := own.balance()
		if err != nil {
			return err
		}
		if q.Currency != "" && q.Currency != balance.Balance.Currency {
			return &provider.Error{
				Kind:    provider.KindUnsupportedCurrency,
				Message: "the account is kept in " + string(balance.Balance.Currency) + ", and the vendor converts to no other currency",
				Field:   "currency",
			}
		}
		readings = own.teach()
		readings.Balance = balance
		return nil
	})
	if err != nil {
		return provider.Readings{}, err
	}
	return readings, nil
}

// ReadStatistics asks for the counters of the vendor's own current period. The answer teaches balance and users too.
func (c *Client) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	if err := checkPeriod(q); err != nil {
		return provider.Readings{}, err
	}
	var readings provider.Readings
	err := c.userInfo(ctx, provider.OpStatistics, "", func(own *info) error {
		statistics, err := own.statistics()
		if err != nil {
			return err
		}
		readings = own.teach()
		readings.Statistics = statistics
		return nil
	})
	if err != nil {
		return provider.Readings{}, err
	}
	return readings, nil
}

// ReadUsers asks for the key's owner and, if it is a reseller, for its users. The owner's answer teaches balance and
// statistics too.
//
// The owner is always asked for first, because the vendor ignores login for others than resellers, and because an
// answer does not tell whether it speaks of the owner.
func (c *Client) ReadUsers(ctx context.Context, q provider.UserQuery) (provider.Readings, error) {
	var (
		readings provider.Readings
		owner    provider.User
		reseller bool
	)
	err := c.userInfo(ctx, provider.OpUsers, "", func(own *info) (err error) {
		if owner, err = own.owner(); err != nil {
			return err
		}
		reseller, readings = own.reseller(), own.teach()
		return nil
	})
	if err != nil {
		return provider.Readings{}, err
	}
	var users *provider.Users
	switch {
	case q.Login == owner.Login, q.Login == "" && !reseller:
		users = &provider.Users{Users: []provider.User{owner}}
	case q.Login == "":
		users, err = c.allUsers(ctx, owner)
	case reseller:
		users, err = c.oneUser(ctx, q.Login)
	default:
		err = &provider.Error{
			Kind:    provider.KindUnsupportedParameter,
			Message: "the vendor shows other users to resellers only, and the account is no reseller",
			Field:   "login",
		}
	}
	if err != nil {
		return provider.Readings{}, err
	}
	readings.Users = users
	return readings, nil
}

// allUsers is a reseller and its users.
func (c *Client) allUsers(ctx context.Context, owner provider.User) (*provider.Users, error) {
	var users *provider.Users
	r := request{operation: provider.OpUsers, method: "getUsers"}
	err := c.call(ctx, r, func(a *answer) (err error) {
		users, err = a.users(owner)
		return err
	})
	return users, err
}

// oneUser is a reseller's user.
func (c *Client) oneUser(ctx context.Context, login string) (*provider.Users, error) {
	var user provider.User
	err := c.userInfo(ctx, provider.OpUsers, login, func(other *info) (err error) {
		user, err = other.subUser()
		return err
	})
	if err == nil && user.Login != login {
		err = &provider.Error{
			Kind:    provider.KindNotFound,
			Message: "the vendor answered about another login than the one asked for",
			Field:   "login",
		}
	}
	return &provider.Users{Users: []provider.User{user}}, err
}

func (c *Client) userInfo(ctx context.Context, op provider.Operation, login string, read func(*info) error) error {
	r := request{operation: op, method: "getUserInfo", login: login}
	return c.call(ctx, r, func(a *answer) error {
		info, err := a.info()
		if err != nil {
			return err
		}
		return read(info)
	})
}
