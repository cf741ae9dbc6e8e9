package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/httpapi"
	"accountgateway/internal/operation"
	"accountgateway/internal/store"
)

func operationsCommand(env environment) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List write operations, newest first", Args: arguments()}
	var filter operationFlags
	list.Flags().StringVar(&filter.account, "account", "", "only operations of this `account`")
	list.Flags().StringVar(&filter.state, "state", "", "only operations in this `state`: started, succeeded, failed or unknown")
	oneOf(list, "state", store.Started, store.Succeeded, store.Failed, store.Unknown)
	list.Flags().IntVar(&filter.limit, "limit", 0, "maximum `number` of operations; 0 = all")
	asJSON := jsonFlag(list)
	list.RunE = func(c *cobra.Command, _ []string) error { return listOperations(c.Context(), env, filter, *asJSON) }

	settle := &cobra.Command{
		Use: "settle ID", Short: "Record the outcome of an unknown operation", Args: arguments("ID"),
		Long: "Records the outcome of an operation that is unknown, after you have checked with\nthe vendor.",
	}
	var v operation.Verdict
	settle.Flags().StringVar((*string)(&v.State), "state", "", "`outcome`: succeeded or failed")
	oneOf(settle, "state", store.Succeeded, store.Failed)
	settle.Flags().StringVar(&v.Reason, "reason", "", "how you know the outcome; a `text` that is stored with the operation")
	settle.Flags().StringVar(&v.Reference, "reference", "", "the vendor's `number` of the user or invoice, if it succeeded")
	user, _ := env.lookup("USER")
	settle.Flags().StringVar(&v.By, "by", user, "who settles it, $USER unless this is set; a `name` that is stored with the operation")
	settle.RunE = func(c *cobra.Command, args []string) error { return settleOperation(c.Context(), env, args[0], v) }
	return group("operations", "List write operations, settle one by hand", "", list, settle)
}

// operationFlags say which operations are listed.
type operationFlags struct {
	account, state string
	limit          int
}

func listOperations(ctx context.Context, env environment, asked operationFlags, asJSON bool) error {
	states := []store.OperationState{"", store.Started, store.Succeeded, store.Failed, store.Unknown}
	if !slices.Contains(states, store.OperationState(asked.state)) {
		return &usageError{fmt.Errorf("--state: must be started, succeeded, failed or unknown, not %q", asked.state)}
	}
	st, err := openStore(ctx, env)
	if err != nil {
		return err
	}
	defer st.Close()
	filter := store.OperationFilter{State: store.OperationState(asked.state), Limit: asked.limit}
	if asked.account != "" {
		filter.Accounts = []string{asked.account}
	}
	list, err := st.Operations(ctx, filter)
	if err != nil {
		return err
	}
	if len(list) == 0 && asked.account != "" {
		if err := checkAccount(ctx, st, asked.account, env); err != nil {
			return err
		}
	}
	if asJSON {
		return printOperations(env, list)
	}
	var rows [][]string
	for _, op := range list {
		rows = append(rows, []string{
			op.ID, op.Account, op.Kind, string(op.State), op.CreatedAt.Format(time.RFC3339), op.Caller,
			op.Amount + " " + op.Currency, op.Reference, candidateIDs(op),
		})
	}
	return printTable(env, "ID\tACCOUNT\tKIND\tSTATE\tCREATED\tCALLER\tAMOUNT\tREFERENCE\tCANDIDATES", rows)
}

// printOperations prints what GET /operations answers. The provider of an
// account that is not in the settings here is empty.
func printOperations(env environment, list []store.Operation) error {
	accounts, err := configuredAccounts(env)
	if err != nil {
		return err
	}
	vendors := map[string]string{}
	for _, a := range accounts {
		vendors[a.name] = a.vendor
	}
	all := make([]operation.Operation, len(list))
	for i, row := range list {
		if all[i], err = operation.Of(vendors[row.Account], row); err != nil {
			return err
		}
	}
	body, err := httpapi.OperationsBody(all)
	if err != nil {
		return err
	}
	return printJSON(env, body)
}

// checkAccount finds out whether there is an account of that name: in the settings
// here, or in the journal, which outlives accounts.
func checkAccount(ctx context.Context, st *store.Store, name string, env environment) error {
	accounts, err := configuredAccounts(env)
	known := accountNames(accounts)
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

func settleOperation(ctx context.Context, env environment, id string, v operation.Verdict) error {
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
