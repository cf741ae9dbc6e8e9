package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

const tokenLong = `The only setting needed is GATEWAY_DATABASE_URL. Running gateways accept a new
token at once and reject a revoked one within two seconds. Only the SHA-256 of a
token is stored.`

func tokenCommand(env environment) *cobra.Command {
	create := &cobra.Command{
		Use: "create", Short: "Create a token, and print it once", Args: arguments(),
		Long: "Prints the new token once. If accounts are configured here, --accounts must name\nsome of them.",
	}
	var asked tokenFlags
	flags := create.Flags()
	flags.StringVar(&asked.name, "name", "", "`name` of the caller, shown in logs")
	flags.StringVar(&asked.scopes, "scopes", "", "`scopes`, comma-separated: read, users:read, users:write, refills:write, operations:read, operations:write")
	oneOf(create, "scopes", token.Scopes()...)
	flags.StringVar(&asked.accounts, "accounts", "", "`accounts` that the token can access, comma-separated; * for all")
	flags.StringVar(&asked.expires, "expires", "90d", "`lifetime`, e.g. 90d or 12h, or never")
	create.RunE = func(c *cobra.Command, _ []string) error { return createToken(c.Context(), env, asked) }

	list := &cobra.Command{Use: "list", Short: "List all tokens, without their secrets", Args: arguments()}
	asJSON := jsonFlag(list)
	list.RunE = func(c *cobra.Command, _ []string) error { return listTokens(c.Context(), env, *asJSON) }

	revoke := &cobra.Command{Use: "revoke ID", Short: "End a token", Args: arguments("ID")}
	revoke.RunE = func(c *cobra.Command, args []string) error { return revokeToken(c.Context(), env, args[0]) }

	rotate := &cobra.Command{
		Use: "rotate ID", Short: "Give a token a new secret, and print it once", Args: arguments("ID"),
		Long: "Gives a token a new secret and prints it once. The old secret stays valid for the\ngrace period.",
	}
	grace := durationFlag(rotate.Flags(), "grace", "`time` that the old secret stays valid, e.g. 1h or 2d (default 0)")
	rotate.RunE = func(c *cobra.Command, args []string) error { return rotateToken(c.Context(), env, args[0], *grace) }
	return group("token", "Create, list, revoke and rotate callers' tokens", tokenLong, create, list, revoke, rotate)
}

// tokenName goes into log lines and tables.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// tokenFlags are those of a new token, as they were given.
type tokenFlags struct{ name, scopes, accounts, expires string }

func createToken(ctx context.Context, env environment, asked tokenFlags) error {
	accounts, err := configuredAccounts(env)
	if err != nil {
		return err
	}
	known := accountNames(accounts)
	spec, err := asked.spec(known)
	if err != nil {
		return &usageError{err}
	}
	if known == nil && asked.accounts != token.AllAccounts {
		fmt.Fprintln(env.stderr, "warning: no accounts are configured here; the names in --accounts were not checked")
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	text, row := token.New(spec, time.Now())
	if err := st.AddToken(ctx, row); err != nil {
		return err
	}
	return handOver(env, text, row)
}

// configuredAccounts are those that the settings here have; there are none where
// the gateway that has them is elsewhere.
func configuredAccounts(env environment) ([]accountSetting, error) {
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "ACCOUNTS", "VENDORS_DIR")
	accounts := readAccounts(r, readVendors(r, s.VendorsDir), s.Accounts)
	if err := r.Err(); err != nil && s.Accounts != "" {
		return nil, &settingsError{err}
	}
	return accounts, nil
}

// accountNames are nil for no accounts.
func accountNames(accounts []accountSetting) []string {
	var names []string
	for _, a := range accounts {
		names = append(names, a.name)
	}
	return names
}

// spec checks the flags. Without known accounts their names are checked for
// their form alone.
func (asked tokenFlags) spec(known []string) (token.Spec, error) {
	var faults []error
	fault := func(flag, format string, args ...any) {
		faults = append(faults, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	spec := token.Spec{Name: asked.name}
	if !tokenName.MatchString(asked.name) {
		fault("name", "must be at most 64 letters, digits, dots, hyphens and underscores")
	}
	var err error
	if asked.scopes == "" {
		fault("scopes", "is not set")
	} else if spec.Scopes, err = token.ParseScopes(asked.scopes); err != nil {
		fault("scopes", "%v", err)
	}
	if asked.accounts == "" {
		fault("accounts", "required: account names, or * for all")
	} else {
		for entry := range strings.SplitSeq(asked.accounts, ",") {
			entry = strings.TrimSpace(entry)
			switch {
			case asked.accounts == token.AllAccounts:
			case !accountName.MatchString(entry):
				fault("accounts", "invalid account name %q: must be at most 63 lower-case letters, digits and inner hyphens, or * for all", entry)
			case known != nil && !slices.Contains(known, entry):
				fault("accounts", "unknown account %q; must be one of %s, or * for all", entry, strings.Join(known, ", "))
			}
			if !slices.Contains(spec.Accounts, entry) {
				spec.Accounts = append(spec.Accounts, entry)
			}
		}
	}
	if asked.expires != "never" {
		if spec.Lifetime, err = config.ParseDuration(asked.expires); err != nil || spec.Lifetime <= 0 {
			fault("expires", "must be a duration, e.g. 90d or 12h, or never")
		}
	}
	return spec, errors.Join(faults...)
}

// handOver prints only the token on stdout, so that it can be piped, and what
// else there is to say on stderr.
func handOver(env environment, text string, row store.Token) error {
	if _, err := fmt.Fprintln(env.stdout, text); err != nil {
		return fmt.Errorf("token %s was created but could not be printed; revoke it: %w", row.ID, err)
	}
	fmt.Fprintf(env.stderr, "token %s (%s) expires %s; it will not be shown again\n", row.ID, row.Name, orNever(row.ExpiresAt))
	return nil
}

// orNever is a time in a table; never for none.
func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func listTokens(ctx context.Context, env environment, asJSON bool) error {
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.Tokens(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	if asJSON {
		entries := make([]tokenEntry, len(rows))
		for i, row := range rows {
			entries[i] = tokenLine(row, now)
		}
		return printJSON(env, map[string]any{"tokens": entries})
	}
	var lines [][]string
	for _, row := range rows {
		lines = append(lines, []string{
			row.ID, row.Name, strings.Join(row.Scopes, ","), strings.Join(row.Accounts, ","),
			orNever(row.CreatedAt), orNever(row.ExpiresAt), orNever(row.LastUsedAt), token.State(row, now),
		})
	}
	return printTable(env, "ID\tNAME\tSCOPES\tACCOUNTS\tCREATED\tEXPIRES\tLAST USED\tSTATE", lines)
}

// tokenEntry is a token in the list's JSON form.
type tokenEntry struct {
	ID             string        `json:"id"`
	Name           string        `json:"name"`
	Scopes         []string      `json:"scopes"`
	Accounts       []string      `json:"accounts"`
	CreatedAt      httpapi.Time  `json:"created_at"`
	IssuedAt       httpapi.Time  `json:"issued_at"`    // of the present secret
	ExpiresAt      *httpapi.Time `json:"expires_at"`   // null: never
	LastUsedAt     *httpapi.Time `json:"last_used_at"` // null, as the next two: not so far
	RevokedAt      *httpapi.Time `json:"revoked_at"`
	OldSecretUntil *httpapi.Time `json:"old_secret_until"`
	State          string        `json:"state"`
}

func tokenLine(row store.Token, now time.Time) tokenEntry {
	at := func(t time.Time) *httpapi.Time {
		if t.IsZero() {
			return nil
		}
		return &httpapi.Time{Time: t}
	}
	return tokenEntry{
		ID: row.ID, Name: row.Name, Scopes: row.Scopes, Accounts: row.Accounts, State: token.State(row, now),
		CreatedAt: httpapi.Time{Time: row.CreatedAt}, IssuedAt: httpapi.Time{Time: row.IssuedAt}, ExpiresAt: at(row.ExpiresAt), LastUsedAt: at(row.LastUsedAt),
		RevokedAt: at(row.RevokedAt), OldSecretUntil: at(row.OldUntil),
	}
}

var tokenID = regexp.MustCompile(`^(?:gw_)?([a-z2-7]{10})(?:_[a-z2-7]*)?$`)

// readTokenID takes an ID, or a whole token, which is what one has of a token
// that leaked. The error doesn't hold it for that reason.
func readTokenID(arg string) (string, error) {
	match := tokenID.FindStringSubmatch(arg)
	if match == nil {
		return "", &usageError{errors.New("invalid token ID; gateway token list shows the IDs")}
	}
	return match[1], nil
}

// openToken opens the database and finds the token that an argument names. The
// caller closes the database.
func openToken(ctx context.Context, arg string, env environment) (*store.Store, store.Token, error) {
	id, err := readTokenID(arg)
	if err != nil {
		return nil, store.Token{}, err
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return nil, store.Token{}, err
	}
	row, found, err := st.Token(ctx, id)
	if err == nil && !found {
		err = fmt.Errorf("token %s not found", id)
	}
	if err != nil {
		st.Close()
		return nil, store.Token{}, err
	}
	return st, row, nil
}

func revokeToken(ctx context.Context, env environment, id string) error {
	st, row, err := openToken(ctx, id, env)
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.RevokeToken(ctx, row.ID, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(env.stderr, "token %s (%s) revoked\n", row.ID, row.Name)
	return nil
}

func rotateToken(ctx context.Context, env environment, id string, grace time.Duration) error {
	if grace < 0 {
		return &usageError{errors.New("--grace: must not be negative")}
	}
	st, was, err := openToken(ctx, id, env)
	if err != nil {
		return err
	}
	defer st.Close()
	if !was.RevokedAt.IsZero() {
		return fmt.Errorf("token %s is revoked; create a new one", was.ID)
	}
	text, row := token.Rotate(was, grace, time.Now())
	switch done, err := st.RotateToken(ctx, row, was.Hash); {
	case err != nil:
		return err
	case !done:
		return fmt.Errorf("token %s was changed concurrently; nothing was done", was.ID)
	}
	return handOver(env, text, row)
}
