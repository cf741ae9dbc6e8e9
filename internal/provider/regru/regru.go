// Package regru is the adapter for REG.RU's REG.API 2. It turns the gateway's questions into REG.RU's functions and
// REG.RU's answers into common terms. It knows nothing of callers, storage, caches and retries.
package regru

import (
	"context"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// Config is one account's settings.
type Config struct {
	Username string         `envconfig:"USERNAME" required:"true" desc:"REG.RU login"`
	Password config.Secret  `envconfig:"PASSWORD" required:"true" desc:"its password, or the alternative password for the API"`
	BaseURL  config.BaseURL `envconfig:"BASE_URL" default:"https://api.reg.ru/api/regru2" desc:"where REG.API is reached"`
	Lang     string         `envconfig:"LANG" default:"en" oneof:"en|ru|th" desc:"language of REG.RU's error texts: en, ru or th"`
	Rate     config.Rate    `envconfig:"RATE" default:"1200/1h" desc:"vendor calls allowed in a span of time"`
}

// AddressConfig are the settings of all accounts at REG.RU together. It counts calls by account and by address at the
// same time (regru.md 2.4).
type AddressConfig struct {
	IPRate config.Rate `envconfig:"IP_RATE" default:"1200/1h" desc:"vendor calls allowed in a span of time for all accounts at one host together; 0 = no limit"`
}

// Client is one account at REG.RU. Safe for concurrent use.
type Client struct {
	up  *upstream.Client
	cfg Config
}

var (
	_ provider.Provider         = (*Client)(nil)
	_ provider.Pinger           = (*Client)(nil)
	_ provider.BalanceReader    = (*Client)(nil)
	_ provider.StatisticsReader = (*Client)(nil)
	_ provider.UserReader       = (*Client)(nil)
	_ provider.UserCreator      = (*Client)(nil)
	_ provider.UserChecker      = (*Client)(nil)
	_ provider.RefillChecker    = (*Client)(nil)
	_ provider.Refiller         = (*Client)(nil)
	_ provider.InvoiceFinder    = (*Client)(nil)
)

// New makes an account's client.
func New(up *upstream.Client, cfg Config) *Client { return &Client{up: up, cfg: cfg} }

// Capabilities declares what the adapter can do.
func (c *Client) Capabilities() provider.Capabilities {
	return provider.Capabilities{
		provider.OpBalance:    provider.Supported,
		provider.OpStatistics: provider.Supported,
		provider.OpUsers:      provider.Supported,
		provider.OpCreateUser: provider.Supported,
		provider.OpRefill:     provider.Unverified, // gone from the manual since 2020 (regru.md 5.5)
	}
}

// CheckCredentials calls root nop, which only a valid login passes.
func (c *Client) CheckCredentials(ctx context.Context) error {
	_, err := c.nop(ctx, provider.OpCheck)
	return err
}

// Ping calls user/nop without credentials.
func (c *Client) Ping(ctx context.Context) error {
	return c.call(ctx, request{operation: provider.OpPing, function: "user/nop", anonymous: true}, func(*answer) error { return nil })
}

// ReadBalance asks for the balance in any currency that REG.RU converts to; roubles if none is asked for.
func (c *Client) ReadBalance(ctx context.Context, q provider.BalanceQuery) (provider.Readings, error) {
	input, err := balanceInput(q)
	if err != nil {
		return provider.Readings{}, err
	}
	var balance *provider.Balance
	err = c.call(ctx, request{operation: provider.OpBalance, function: "user/get_balance", input: input}, func(a *answer) (err error) {
		balance, err = a.balance(q)
		return err
	})
	if err != nil {
		return provider.Readings{}, err
	}
	return provider.Readings{Balance: balance}, nil
}

// ReadStatistics asks for the counters; dates limit only the counters of scope period.
func (c *Client) ReadStatistics(ctx context.Context, q provider.StatisticsQuery) (provider.Readings, error) {
	var statistics *provider.Statistics
	r := request{operation: provider.OpStatistics, function: "user/get_statistics", input: statisticsInput(q)}
	err := c.call(ctx, r, func(a *answer) (err error) {
		statistics, err = a.statistics(q)
		return err
	})
	if err != nil {
		return provider.Readings{}, err
	}
	return provider.Readings{Statistics: statistics}, nil
}

// ReadUsers finds the account's own user: REG.RU shows no other.
func (c *Client) ReadUsers(ctx context.Context, q provider.UserQuery) (provider.Readings, error) {
	user, err := c.nop(ctx, provider.OpUsers)
	if err != nil {
		return provider.Readings{}, err
	}
	if q.Login != "" && q.Login != user.Login {
		return provider.Readings{}, &provider.Error{
			Kind:    provider.KindUnsupportedParameter,
			Message: "REG.RU shows only the account's own user and can't look up another login",
			Field:   "login",
		}
	}
	return provider.Readings{Users: &provider.Users{Users: []provider.User{user}}}, nil
}

// nop reads who the credentials belong to (regru.md 5.0).
func (c *Client) nop(ctx context.Context, op provider.Operation) (user provider.User, err error) {
	err = c.call(ctx, request{operation: op, function: "nop"}, func(a *answer) (err error) {
		user, err = a.user()
		return err
	})
	return user, err
}
