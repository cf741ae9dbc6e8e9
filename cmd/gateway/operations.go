package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"accountgateway/internal/httpapi"
	"accountgateway/internal/operation"
	"accountgateway/internal/store"
)

const operationsUsage = `Usage: gateway operations list [--account NAME] [--state STATE] [--limit N] [--json]
       gateway operations settle ID --state succeeded|failed --by NAME --reason TEXT [--reference TEXT]

list prints the journal: every write, newest first.
settle records the outcome of an operation that is unknown, after you have
checked with the vendor. --reference is the vendor's number of what was created;
--by defaults to $USER.
`

// operationsCommand reads the journal, and settles unknown outcomes by hand.
func operationsCommand(ctx context.Context, args []string, env environment) error {
	switch {
	case len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help"):
		fmt.Fprint(env.stdout, operationsUsage)
		return errHelp
	case len(args) > 0 && args[0] == "list":
		return listOperations(ctx, args[1:], env)
	case len(args) > 0 && args[0] == "settle":
		return settleOperation(ctx, args[1:], env)
	}
	return &usageError{fmt.Errorf("operations: missing or unknown subcommand: must be list or settle ID\n\n%s", operationsUsage)}
}

func listOperations(ctx context.Context, args []string, env environment) error {
	flags := newFlags("operations list")
	account := flags.String("account", "", "only operations of this account")
	state := flags.String("state", "", "only operations in this state: started, succeeded, failed or unknown")
	limit := flags.Int("limit", 0, "maximum number of operations; 0 = all")
	asJSON := flags.Bool("json", false, "print one JSON object per line")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	states := []store.OperationState{"", store.Started, store.Succeeded, store.Failed, store.Unknown}
	if !slices.Contains(states, store.OperationState(*state)) {
		return &usageError{fmt.Errorf("--state: must be started, succeeded, failed or unknown, not %q", *state)}
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	filter := store.OperationFilter{State: store.OperationState(*state), Limit: *limit}
	if *account != "" {
		filter.Accounts = []string{*account}
	}
	list, err := st.Operations(ctx, filter)
	if err != nil {
		return err
	}
	if len(list) == 0 && *account != "" {
		if err := checkAccount(ctx, st, *account, env); err != nil {
			return err
		}
	}
	if *asJSON {
		out := json.NewEncoder(env.stdout)
		for _, op := range list {
			if err := out.Encode(journalLine(op)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tACCOUNT\tKIND\tSTATE\tCREATED\tCALLER\tAMOUNT\tREFERENCE\tCANDIDATES")
	for _, op := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s %s\t%s\t%s\n", op.ID, op.Account, op.Kind, op.State,
			op.CreatedAt.Format(time.RFC3339), op.Caller, op.Amount, op.Currency, op.Reference, candidateIDs(op))
	}
	return table.Flush()
}

// checkAccount finds out whether there is an account of that name: in the settings
// here, or in the journal, which outlives accounts.
func checkAccount(ctx context.Context, st *store.Store, name string, env environment) error {
	known, err := configuredAccounts(env)
	if err != nil || slices.Contains(known, name) {
		return err
	}
	if some, err := st.Operations(ctx, store.OperationFilter{Accounts: []string{name}, Limit: 1}); err != nil || len(some) > 0 {
		return err
	}
	if known == nil {
		return &usageError{fmt.Errorf("--account: the journal has no operation of an account %q", name)}
	}
	return &usageError{fmt.Errorf("--account: unknown account %q; must be one of %s", name, strings.Join(known, ", "))}
}

// candidateIDs are the numbers of the unpaid invoices that an operation may
// have made, while the outcome is unknown.
func candidateIDs(op store.Operation) string {
	var candidates []struct{ ID string }
	if op.State != store.Unknown || len(op.Candidates) == 0 || json.Unmarshal(op.Candidates, &candidates) != nil {
		return ""
	}
	ids := make([]string, len(candidates))
	for i, c := range candidates {
		ids[i] = c.ID
	}
	return strings.Join(ids, ",")
}

// journalEntry is an operation in the journal's JSON form.
type journalEntry struct {
	ID        string          `json:"id"`
	Account   string          `json:"account"`
	Kind      string          `json:"kind"`
	State     string          `json:"state"`
	Caller    string          `json:"caller"`
	Key       string          `json:"idempotency_key"`
	CreatedAt httpapi.Time    `json:"created_at"`
	SettledAt *httpapi.Time   `json:"settled_at"`
	Request   json.RawMessage `json:"request"`
	Reference string          `json:"reference"`
	Result    json.RawMessage `json:"result"`
	Problem   json.RawMessage `json:"problem"`
	SettledBy string          `json:"settled_by"`
	Reason    string          `json:"reason"`
	// Candidates are the unpaid invoices that it may have made, while the outcome is unknown.
	Candidates json.RawMessage `json:"candidates"`
}

func journalLine(op store.Operation) journalEntry {
	raw := func(data []byte) json.RawMessage {
		if len(data) == 0 {
			return json.RawMessage("null")
		}
		return data
	}
	entry := journalEntry{
		ID: op.ID, Account: op.Account, Kind: op.Kind, State: string(op.State), Caller: op.Caller, Key: op.Key, CreatedAt: httpapi.Time{Time: op.CreatedAt},
		Request: raw(op.Request), Reference: op.Reference, Result: raw(op.Result), Problem: raw(op.Problem), SettledBy: op.By, Reason: op.Reason,
		Candidates: json.RawMessage("[]"),
	}
	if op.State == store.Unknown && len(op.Candidates) > 0 {
		entry.Candidates = op.Candidates
	}
	if at := op.Settled(); !at.IsZero() {
		entry.SettledAt = &httpapi.Time{Time: at}
	}
	return entry
}

func settleOperation(ctx context.Context, args []string, env environment) error {
	flags := newFlags("operations settle")
	state := flags.String("state", "", "outcome: succeeded or failed")
	reason := flags.String("reason", "", "how you know the outcome; stored with the operation")
	reference := flags.String("reference", "", "the vendor's number of the user or invoice, if it succeeded")
	user, _ := env.lookup("USER")
	by := flags.String("by", user, "who settles it; stored with the operation")
	values, err := parseWith(flags, args, env, "ID")
	if err != nil {
		return err
	}
	id := values[0]
	v := operation.Verdict{State: store.OperationState(*state), Reason: *reason, Reference: *reference, By: *by}
	if faults := v.Faults(); len(faults) > 0 {
		var lines []error
		for _, f := range faults {
			lines = append(lines, fmt.Errorf("--%s: %s", f.Field, f.Message))
		}
		return &usageError{errors.Join(lines...)}
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	op, _, err := operation.Settle(ctx, st, id, v)
	var missing *operation.NotFoundError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("operation %q not found", id)
	case errors.Is(err, operation.ErrNotUnknown):
		return fmt.Errorf("operation %s is %s: only an operation with an unknown outcome can be settled", id, op.State)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s settled: %s\n", id, op.State)
	return err
}
