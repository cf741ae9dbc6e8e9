package bench

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// table holds a line for each thing that was measured.
var table []string

func row(what, format string, args ...any) {
	table = append(table, fmt.Sprintf("%-58s %s", what, fmt.Sprintf(format, args...)))
}

// builds is the folder of the programs that are built, removed at the end.
var builds string

// TestMain prints the table at the end. A copy of this program that was started
// as a server is one.
func TestMain(m *testing.M) {
	if kind := os.Getenv(serverVariable); kind != "" {
		serveChild(kind)
		return
	}
	var err error
	if builds, err = os.MkdirTemp("", "bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	if err := os.RemoveAll(builds); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if len(table) > 0 {
		fmt.Println()
		for _, line := range table {
			fmt.Println(line)
		}
	}
	os.Exit(status)
}

// spread is a series of measurements of one thing.
type spread []float64

func (s spread) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (s spread) median() float64 { return s.quantile(0.5) }

// String is the median, with the least and the most.
func (s spread) text(format string) string {
	return fmt.Sprintf(format+" ("+format+" to "+format+")", s.median(), s.quantile(0), s.quantile(1))
}

func seconds(d time.Duration) float64 { return d.Seconds() }
