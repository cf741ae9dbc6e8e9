package doctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/testneed"
)

// completing are what each shell does to load its script and complete the end of
// "gateway operations list --state ".
var completing = map[string][]string{
	// bash-completion, which splits the line, is not needed here.
	"bash": {"--norc", "-c", `set -eu
_init_completion() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; }
source <(gateway completion bash)
complete -p gateway >&2
COMP_WORDS=(gateway operations list --state "") COMP_CWORD=4 COMP_TYPE=9
COMPREPLY=()
set +eu # the script of cobra is not made for them
__start_gateway 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"`},
	"zsh": {"-f", "-c", `set -e
autoload -U compinit
compinit -D -u
source <(gateway completion zsh)
[ "$_comps[gateway]" = _gateway ]
functions _gateway >/dev/null
gateway __complete operations list --state "" 2>/dev/null | grep -v '^:'`}, // zsh completes only at a terminal
	"fish": {"--no-config", "-c", `gateway completion fish | source
complete -C 'gateway operations list --state '`},
}

// TestCompletion loads the script that "gateway completion" prints into each
// shell.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(program(t), filepath.Join(dir, "gateway")); err != nil {
		t.Fatal(err)
	}
	for shell, args := range completing {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				testneed.Missing(t, shell, err.Error())
			}
			c := exec.Command(shell, args...)
			c.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb"}
			var said strings.Builder
			c.Stderr = &said
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%v\n%s%s", err, out, said.String())
			}
			got := strings.Fields(string(out))
			slices.Sort(got)
			if diff := cmp.Diff([]string{"failed", "started", "succeeded", "unknown"}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s%s", shell, diff, said.String())
			}
		})
	}
}
