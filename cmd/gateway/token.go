package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

const tokenUsage = `Usage: gateway token create --name NAME --scopes SCOPE,… --accounts ACCOUNT,… [--expires 90d]
       gateway token list [--json]
       gateway token revoke ID
       gateway token rotate ID [--grace 1h]

create prints the new token once; only its SHA-256 is stored. rotate gives a
token a new secret and prints it once; the old secret stays valid for the grace
period. Running gateways accept a new token at once and reject a revoked one
within two seconds. The only setting needed is GATEWAY_DATABASE_URL. If accounts
are configured here, --accounts must name some of them.
`

// tokenCommand makes, lists, ends and renews callers' tokens.
func tokenCommand(ctx context.Context, args []string, env environment) error {
	switch {
	case len(args) > 0 && args[0] == "create":
		return createToken(ctx, args[1:], env)
	case len(args) > 0 && args[0] == "list":
		return listTokens(ctx, args[1:], env)
	case len(args) > 0 && args[0] == "revoke":
		return revokeToken(ctx, args[1:], env)
	case len(args) > 0 && args[0] == "rotate":
		return rotateToken(ctx, args[1:], env)
	case len(args) == 1 && slices.Contains([]string{"-h", "--help", "help"}, args[0]):
		fmt.Fprint(env.stdout, tokenUsage)
		return nil
	}
	return &usageError{fmt.Errorf("token: missing or unknown subcommand: must be create, list, revoke ID or rotate ID\n\n%s", tokenUsage)}
}

// tokenName goes into log lines and tables.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func createToken(ctx context.Context, args []string, env environment) error {
	flags := newFlags("token create")
	name := flags.String("name", "", "name of the caller, shown in logs")
	scopes := flags.String("scopes", "", "scopes, comma-separated: read, users:read, users:write, refills:write, operations:read, operations:write")
	accounts := flags.String("accounts", "", "accounts that the token can access, comma-separated; * for all")
	expires := flags.String("expires", "90d", "lifetime, e.g. 90d or 12h, or never")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	known, err := configuredAccounts(env)
	if err != nil {
		return err
	}
	spec, err := tokenSpec(*name, *scopes, *accounts, *expires, known)
	if err != nil {
		return &usageError{err}
	}
	if known == nil && *accounts != token.AllAccounts {
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

// configuredAccounts are the names of the accounts that the settings here have;
// nil for none: the gateway that has them is elsewhere then.
func configuredAccounts(env environment) ([]string, error) {
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "ACCOUNTS", "VENDORS_DIR")
	var names []string
	for _, a := range readAccounts(r, readVendors(r, s.VendorsDir), s.Accounts) {
		names = append(names, a.name)
	}
	if err := r.Err(); err != nil && s.Accounts != "" {
		return nil, &settingsError{err}
	}
	return names, nil
}

// tokenSpec checks the flags. Without known accounts their names are checked for
// their form alone.
func tokenSpec(name, scopes, accounts, expires string, known []string) (token.Spec, error) {
	var faults []error
	fault := func(flag, format string, args ...any) {
		faults = append(faults, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	spec := token.Spec{Name: name}
	if !tokenName.MatchString(name) {
		fault("name", "must be at most 64 letters, digits, dots, hyphens and underscores")
	}
	var err error
	if scopes == "" {
		fault("scopes", "is not set")
	} else if spec.Scopes, err = token.ParseScopes(scopes); err != nil {
		fault("scopes", "%v", err)
	}
	if accounts == "" {
		fault("accounts", "required: account names, or * for all")
	} else {
		for entry := range strings.SplitSeq(accounts, ",") {
			entry = strings.TrimSpace(entry)
			switch {
			case accounts == token.AllAccounts:
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
	if expires != "never" {
		if spec.Lifetime, err = config.ParseDuration(expires); err != nil || spec.Lifetime <= 0 {
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

func listTokens(ctx context.Context, args []string, env environment) error {
	flags := newFlags("token list")
	asJSON := flags.Bool("json", false, "print one JSON object per line")
	if err := parse(flags, args, env); err != nil {
		return err
	}
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
	if *asJSON {
		out := json.NewEncoder(env.stdout)
		for _, row := range rows {
			if err := out.Encode(tokenLine(row, now)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPES\tACCOUNTS\tCREATED\tEXPIRES\tLAST USED\tSTATE")
	for _, row := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.ID, row.Name, strings.Join(row.Scopes, ","), strings.Join(row.Accounts, ","),
			orNever(row.CreatedAt), orNever(row.ExpiresAt), orNever(row.LastUsedAt), token.State(row, now))
	}
	return table.Flush()
}

// tokenEntry is a token in the list's JSON form.
type tokenEntry struct {
	ID             string       `json:"id"`
	Name           string       `json:"name"`
	Scopes         []string     `json:"scopes"`
	Accounts       []string     `json:"accounts"`
	CreatedAt      httpapi.Time `json:"created_at"`
	IssuedAt       httpapi.Time `json:"issued_at"` // of the present secret
	ExpiresAt      httpapi.Time `json:"expires_at,omitzero"`
	LastUsedAt     httpapi.Time `json:"last_used_at,omitzero"`
	RevokedAt      httpapi.Time `json:"revoked_at,omitzero"`
	OldSecretUntil httpapi.Time `json:"old_secret_until,omitzero"`
	State          string       `json:"state"`
}

func tokenLine(row store.Token, now time.Time) tokenEntry {
	at := func(t time.Time) httpapi.Time { return httpapi.Time{Time: t} }
	return tokenEntry{
		ID: row.ID, Name: row.Name, Scopes: row.Scopes, Accounts: row.Accounts, State: token.State(row, now),
		CreatedAt: at(row.CreatedAt), IssuedAt: at(row.IssuedAt), ExpiresAt: at(row.ExpiresAt), LastUsedAt: at(row.LastUsedAt),
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

func revokeToken(ctx context.Context, args []string, env environment) error {
	id, err := parseWith(newFlags("token revoke"), args, env, "ID")
	if err != nil {
		return err
	}
	st, row, err := openToken(ctx, id[0], env)
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

func rotateToken(ctx context.Context, args []string, env environment) error {
	flags := newFlags("token rotate")
	grace := durationFlag(flags, "grace", "how long the old secret stays valid (default 0)")
	id, err := parseWith(flags, args, env, "ID")
	if err != nil {
		return err
	}
	if *grace < 0 {
		return &usageError{errors.New("--grace: must not be negative")}
	}
	st, was, err := openToken(ctx, id[0], env)
	if err != nil {
		return err
	}
	defer st.Close()
	if !was.RevokedAt.IsZero() {
		return fmt.Errorf("token %s is revoked; create a new one", was.ID)
	}
	text, row := token.Rotate(was, *grace, time.Now())
	switch done, err := st.RotateToken(ctx, row, was.Hash); {
	case err != nil:
		return err
	case !done:
		return fmt.Errorf("token %s was changed concurrently; nothing was done", was.ID)
	}
	return handOver(env, text, row)
}
