package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"accountgateway/api"
)

// revision is the commit that the program was built from, with a plus if the
// source was changed after it; "" if the go command did not know.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = "+"
			}
		}
	}
	return commit[:min(len(commit), 12)] + changed
}

func versionCommand(env environment) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version and the commit", Args: arguments(), RunE: func(*cobra.Command, []string) error {
		version := api.Version
		if commit := revision(); commit != "" {
			version += " (" + commit + ")"
		}
		_, err := fmt.Fprintf(env.stdout, "gateway %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	}}
}

func buildInfo() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "gateway_build_info",
		Help:        "Always 1; the labels identify the build.",
		ConstLabels: prometheus.Labels{"version": api.Version, "goversion": runtime.Version(), "revision": revision()},
	}, func() float64 { return 1 })
}
