package testneed

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeT records how Missing ended a test.
type fakeT struct {
	testing.TB
	ended string
}

func (f *fakeT) Helper()           {}
func (f *fakeT) Fatal(args ...any) { f.ended = "failed: " + fmt.Sprint(args...); runtime.Goexit() }
func (f *fakeT) Skip(args ...any)  { f.ended = "skipped: " + fmt.Sprint(args...); runtime.Goexit() }

func TestMissing(t *testing.T) {
	for _, test := range []struct{ name, require, want string }{
		{"nothing required", "", "skipped: missing component: postgres: set DATABASE"},
		{"another required", "node,postgresql", "skipped: missing component: postgres: set DATABASE"},
		{"only required", "postgres", "failed: missing component: postgres: set DATABASE"},
		{"required in a list with blanks", "node, postgres ,x", "failed: missing component: postgres: set DATABASE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(RequireVariable, test.require)
			fake := &fakeT{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				Missing(fake, "postgres", "set DATABASE")
			}()
			<-done
			if diff := cmp.Diff(test.want, fake.ended); diff != "" {
				t.Error(diff)
			}
		})
	}
}
