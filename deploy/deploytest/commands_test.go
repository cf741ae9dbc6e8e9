package deploytest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// written is a command in a comment or document of deploy/, on one line.
var (
	programs = `(?:promtool|docker|helm|kubectl|kustomize|systemctl|systemd-run|install|gateway|sh|cd) `
	// In a comment a command has a line of its own.
	commented = regexp.MustCompile(`^# {3,}(` + programs + `.*)$`)
	// In a document it has one in an indented block, or stands between backticks.
	blocked  = regexp.MustCompile(`^ {4,}(` + programs + `.*)$`)
	inlined  = regexp.MustCompile("`(" + programs + "[^`]*)`")
	anywhere = regexp.MustCompile(`\b(?:promtool|docker|kubectl|kustomize|systemctl|systemd-run|gateway (?:serve|token|check|demo|backup|operations|simulate)) [a-z]`)
)

// commandsIn finds a file's commands, and lines of comments that hide one.
func commandsIn(name, text string) (commands, hidden []string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasSuffix(name, ".md") {
			if match := blocked.FindStringSubmatch(line); match != nil {
				commands = append(commands, match[1])
				continue
			}
			for _, match := range inlined.FindAllStringSubmatch(line, -1) {
				commands = append(commands, match[1])
			}
			if anywhere.MatchString(inlined.ReplaceAllString(line, "")) {
				hidden = append(hidden, line)
			}
			continue
		}
		_, comment, found := strings.Cut(line, "#")
		if match := commented.FindStringSubmatch(line); match != nil {
			commands = append(commands, match[1])
		} else if found && anywhere.MatchString(comment) {
			hidden = append(hidden, line)
		}
	}
	return commands, hidden
}

// stand are what commands of deploy/ do here: the gateway's and promtool's are
// run, files are installed below $DESTDIR, and what needs a daemon, a cluster or
// systemd is looked at.
const stand = `
refuse() { echo "nobody knows this command: $*" >&2; exit 1; }
gateway() { "$PROGRAM" "$@"; }
inside() { [ "$1" = /gateway ] || refuse "$@"; shift; GATEWAY_DATABASE_URL=sqlite:$DESTDIR/var/lib/gateway/gateway.db gateway "$@"; }
docker() {
	case "$*" in
	"compose exec gateway "*) shift 3; inside "$@" ;;
	"build --tag registry.example.com/account-gateway:"*" .") ;;
	"push registry.example.com/account-gateway:"*) ;;
	"compose up --build --detach" | "compose up") [ -f compose.yml ] && [ -f .env ] ;;
	*) refuse docker "$@" ;;
	esac
}
kubectl() {
	case "$*" in
	"exec deploy/gateway -- /gateway notify test") gateway notify test --help ;; # no chat hears of it
	"exec deploy/gateway -- "*) shift 3; inside "$@" ;;
	"apply -k "*) [ -f "$3/kustomization.yaml" ] ;;
	"logs deploy/gateway" | "port-forward deploy/gateway 8080" | "rollout restart deploy/gateway") ;;
	"create secret generic gateway-notify --from-file=url" | "create secret generic gateway --from-file="* | "create secret generic regru --from-literal="*) ;;
	*) refuse kubectl "$@" ;;
	esac
}
helm() {
	case "$*" in
	"install gateway deploy/helm/account-gateway --values "* | "template gateway deploy/helm/account-gateway --values "* | "upgrade gateway deploy/helm/account-gateway --values "*) [ -f account-gateway/Chart.yaml ] ;;
	*) refuse helm "$@" ;;
	esac
}
kustomize() { case "$*" in "edit set image account-gateway="*) ;; *) refuse kustomize "$@" ;; esac; }
systemctl() {
	case "$*" in
	daemon-reload) ;;
	"enable --now "*) [ -f "$DESTDIR/etc/systemd/system/$3.service" ] && [ -x "$DESTDIR/usr/local/bin/gateway" ] ;;
	*) refuse systemctl "$@" ;;
	esac
}
cd() { command cd "$DESTDIR$1"; }
install() {
	n=$#
	while [ "$n" -gt 0 ]; do
		case "$1" in
		/dev/*) set -- "$@" "$1" ;;
		/*) set -- "$@" "$DESTDIR$1" ;;
		*) set -- "$@" "$1" ;;
		esac
		shift
		n=$((n - 1))
	done
	command install "$@"
}
`

// TestCommands runs every command that a comment or document of deploy/ tells
// people to type, in the folder of that file.
func TestCommands(t *testing.T) {
	need(t, "sh", needShell)
	copied, dest := filepath.Join(t.TempDir(), "deploy"), t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(deploy)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(copied, "systemd"), os.DirFS(filepath.Dir(program(t)))); err != nil { // what is to be installed
		t.Fatal(err)
	}
	for _, dir := range []string{"usr/local/bin", "etc/systemd/system", "var/lib/gateway"} {
		if err := os.MkdirAll(filepath.Join(dest, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	makeDatabase(t, filepath.Join(dest, "var/lib/gateway/gateway.db"))

	run := map[string]int{}
	err := fs.WalkDir(os.DirFS(copied), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "deploytest":
			return fs.SkipDir
		case entry.Type() == fs.ModeSymlink: // the file itself is elsewhere
			return nil
		case entry.IsDir() || entry.Name() == "gateway" || strings.HasSuffix(path, ".json"):
			return nil
		}
		commands, hidden := commandsIn(path, string(read(t, copied, path)))
		for _, line := range hidden {
			t.Errorf("%s: a command needs a line of its own to be tested: %s", path, line)
		}
		if run[path] = len(commands); len(commands) == 0 {
			return nil
		}
		t.Run(path, func(t *testing.T) {
			script := strings.Join(commands, "\n")
			if strings.Contains(script, "promtool ") {
				need(t, "promtool", prometheusPackage)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", stand+"set -x\n"+script)
			cmd.Dir = filepath.Join(copied, filepath.Dir(path))
			cmd.Env = append(os.Environ(), "PROGRAM="+program(t), "DESTDIR="+dest)
			cmd.Stdin = strings.NewReader("login\npassword\nkey\n")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v:\n%s", err, out)
			}
			t.Logf("%s", out)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"prometheus/gateway.rules.yml", "systemd/gateway.service", "compose/README.md", "kubernetes/README.md"} {
		if run[path] == 0 {
			t.Errorf("no command found in %s", path)
		}
	}
}

// makeDatabase lets a gateway make its database, and stops it.
func makeDatabase(t *testing.T, file string) {
	t.Helper()
	ctx := t.Context()
	settings := append(startSimulators(ctx, t), "GATEWAY_DATABASE_URL=sqlite:"+file, "GATEWAY_REFRESH_INTERVAL=0")
	gateway, address := startGateway(ctx, t, settings, nil, program(t))
	eventually(ctx, t, "the database is open", func() (bool, any) {
		status, body := request(ctx, t, "GET", address+"/readyz", nil, "")
		return status == 200, body
	})
	if status := gateway.stop(); status != 0 {
		t.Fatalf("SIGTERM: exit status %d", status)
	}
}
