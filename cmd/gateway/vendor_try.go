package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/provider/upstream"
)

// skeleton is a file of a vendor called acme, to be filled in.
//
//go:embed vendor_skeleton.yaml
var skeleton string

// testVendor loads a file of a vendor, and prints what its samples, and a real
// call if one is wanted, come to.
func testVendor(ctx context.Context, args []string, env environment) error {
	flags := newFlags("vendor test")
	live := flags.Bool("live", false, "make one real call for each request of the file, with the settings of an account")
	account := flags.String("account", "", "with --live: the account whose settings are used (the vendor's name unless this is set)")
	asJSON := flags.Bool("json", false, "one JSON object a line")
	target, err := parseWith(flags, args, env, "FILE or NAME")
	if err != nil {
		return err
	}
	v, err := loadVendor(env, target[0])
	if err != nil {
		return err
	}
	name := *account
	if name == "" {
		name = v.Name()
	}
	p := &resultPrinter{out: env.stdout, asJSON: *asJSON, account: name, vendor: v.Name()}
	if err := p.print(v.Results()); err != nil || !*live {
		return err
	}
	seen, err := liveCalls(ctx, env, v, name)
	if err != nil {
		return err
	}
	return p.printLive(seen)
}

// loadVendor loads a file, or finds a declared vendor by its name. Faults of the
// file are printed one a line, as compilers do.
func loadVendor(env environment, target string) (*declared.Vendor, error) {
	if !strings.ContainsAny(target, `./\`) {
		v, err := namedVendor(env, target)
		switch {
		case err != nil:
			return nil, err
		case v.File == nil:
			return nil, &settingsError{fmt.Errorf("%s has an adapter in Go and no file: gateway check tries it", target)}
		}
		return v.File(), v.File().RunSamples()
	}
	text, err := os.ReadFile(target) // #nosec G304 G703 -- the file that was asked for
	if err != nil {
		return nil, &settingsError{err}
	}
	v, err := declared.Load(target, text)
	if err != nil {
		fmt.Fprintln(env.stderr, err)
		return nil, errFaultsSaid
	}
	if _, taken := registry.Vendors[v.Name()]; taken {
		fmt.Fprintf(env.stderr, "%s: the name %s is that of a vendor that the gateway brings along: choose another\n", target, v.Name())
		return nil, errFaultsSaid
	}
	return v, nil
}

// liveCalls asks the real vendor.
func liveCalls(ctx context.Context, env environment, v *declared.Vendor, account string) ([]declared.Seen, error) {
	if !accountName.MatchString(account) {
		return nil, &settingsError{fmt.Errorf("--account: invalid account name %q", account)}
	}
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "PROVIDER_TIMEOUT")
	var up *upstream.Client
	registry.Declared(v).Open(r, config.Prefix(account), func(to registry.Connection) *upstream.Client {
		up = upstream.New(upstream.Options{Account: account, Provider: v.Name(), Secrets: to.Secrets, Timeout: s.ProviderTimeout})
		return up
	})
	checkSlips(r, env)
	if err := faults(r, nil); err != nil {
		return nil, err
	}
	return v.Try(provider.WithCause(ctx, provider.CauseProbe), up, v.Read(r, config.Prefix(account))), nil
}

// resultPrinter prints what answers of a vendor come to, in the contract's
// shapes.
type resultPrinter struct {
	out             io.Writer
	asJSON          bool
	account, vendor string
}

// resultLine is one of them in its JSON form.
type resultLine struct {
	Sample    string             `json:"sample,omitempty"` // that of a live call has none
	Operation provider.Operation `json:"operation"`
	Status    int                `json:"status"`
	Answer    any                `json:"answer"`
	Raw       *rawAnswer         `json:"raw,omitempty"` // of a live call
}

type rawAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

func (p *resultPrinter) line(r declared.Result) resultLine {
	status, body := httpapi.Answer(p.account, p.vendor, r.Operation, time.Now(), r.Readings, r.Err)
	return resultLine{Sample: r.Sample, Operation: r.Operation, Status: status, Answer: body}
}

func (p *resultPrinter) print(results []declared.Result) error {
	if p.asJSON {
		out := json.NewEncoder(p.out)
		for _, r := range results {
			if err := out.Encode(p.line(r)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SAMPLE\tOPERATION\tSTATUS\tANSWER")
	for _, r := range results {
		line := p.line(r)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", r.Sample, line.Operation, line.Status, short(line.Answer))
	}
	return table.Flush()
}

// short is an answer without what all answers have.
func short(answer any) string {
	text, err := json.Marshal(answer)
	var members map[string]json.RawMessage
	if err = errors.Join(err, json.Unmarshal(text, &members)); err != nil { // the contract's bodies are objects
		return err.Error()
	}
	for _, name := range []string{"account", "provider", "as_of", "stale", "type", "title", "status", "next_cursor"} {
		delete(members, name)
	}
	text, _ = json.Marshal(members) // it was JSON before
	return string(text)
}

// printLive prints real answers beside what the vendor said. The error is
// errSaid if one could not be read.
func (p *resultPrinter) printLive(all []declared.Seen) error {
	status := error(nil)
	for _, seen := range all {
		for i := range seen.Results {
			seen.Results[i].Sample = "(live)"
			if seen.Results[i].Err != nil {
				status = errSaid
			}
		}
		if p.asJSON {
			if err := p.encodeLive(seen); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(p.out)
		if err := p.print(seen.Results); err != nil {
			return err
		}
		if seen.Status == 0 {
			fmt.Fprintln(p.out, "The vendor gave no answer.")
			continue
		}
		fmt.Fprintf(p.out, "The vendor answered with status %d, secrets hidden:\n%s\n", seen.Status, strings.TrimRight(seen.Body, "\n"))
	}
	return status
}

func (p *resultPrinter) encodeLive(seen declared.Seen) error {
	out := json.NewEncoder(p.out)
	for _, r := range seen.Results {
		line := p.line(r)
		line.Sample = ""
		if seen.Status != 0 {
			line.Raw = &rawAnswer{Status: seen.Status, Body: seen.Body}
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
