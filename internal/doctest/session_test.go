package doctest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
	"accountgateway/internal/testneed"
)

// patience is how long what a document shows may take to come true.
const patience = 6 * time.Second

// session is one shell, in a folder of its own, in which the commands of one
// document run one after the other.
type session struct {
	t        *testing.T
	dir      string
	stand    *strings.Replacer // from the documents' words to this session's
	back     *strings.Replacer
	in       io.WriteCloser
	statuses *bufio.Reader
	stderr   *os.File // of the shell itself
	count    int
	regru    *regru.Server
	serves   map[string]string // addresses of what goes on behind, by role
	names    map[string]string // tokens and ids in the documents, and those of this session
	unknown  []string          // operations that "settle ID" is about, one after the other
}

// newSession starts a shell that knows the gateway, curl, and little else.
func newSession(t *testing.T, program string) *session {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		testneed.Missing(t, "sh", "the documents' commands are run by a POSIX shell")
	}
	s := &session{t: t, dir: t.TempDir(), regru: regru.New(regru.Options{Refill: true}), names: map[string]string{}}
	bin, state, home := filepath.Join(s.dir, "bin"), filepath.Join(s.dir, "state"), filepath.Join(s.dir, "home")
	for _, dir := range []string{bin, state, home} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.fill(bin)

	// The vendors that real credentials would reach.
	regruAt := httptest.NewServer(s.regru)
	t.Cleanup(regruAt.Close)
	selzyAt := httptest.NewServer(selzy.New(selzy.Options{}))
	t.Cleanup(selzyAt.Close)
	addr, regruAddr, selzyAddr := freeAddr(t), freeAddr(t), freeAddr(t)
	s.serves = map[string]string{"gateway": addr, "vendors": regruAddr}
	pairs := []string{
		"127.0.0.1:8080", addr, "127.0.0.1:9101", regruAddr, "127.0.0.1:9102", selzyAddr, "127.0.0.1:8081", freeAddr(t), "127.0.0.1:9103", freeAddr(t),
		"/var/lib/gateway", home, "/root/", home + "/root-", "YOUR_LOGIN", "partner", "YOUR_PASSWORD", "partner-secret", "YOUR_KEY", "ordinarykey",
	}
	s.stand = strings.NewReplacer(pairs...)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i], pairs[i+1] = pairs[i+1], pairs[i]
	}
	s.back = strings.NewReplacer(pairs[:10]...)

	c := exec.Command(shell)
	c.Dir = home
	c.Env = []string{
		"PATH=" + bin, "HOME=" + home, "USER=you", "LANG=C.UTF-8",
		envProgram + "=" + program, envState + "=" + state, envAddr + "=" + addr, envRegru + "=" + regruAddr, envSelzy + "=" + selzyAddr,
		"REGRU_BASE_URL=" + regruAt.URL + "/api/regru2", "REGRU_SHOP_BASE_URL=" + regruAt.URL + "/api/regru2", "SELZY_BASE_URL=" + selzyAt.URL,
	}
	statuses, report, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.ExtraFiles = []*os.File{report} // 3 in the shell
	if s.stderr, err = os.Create(filepath.Join(s.dir, "stderr")); err != nil {
		t.Fatal(err)
	}
	c.Stderr = s.stderr
	if s.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	report.Close()
	s.statuses = bufio.NewReader(statuses)
	t.Cleanup(func() {
		s.in.Close()
		_ = c.Wait() // the last command's status
		statuses.Close()
		s.stderr.Close()
		s.stop("gateway")
		s.stop("vendors")
	})
	return s
}

// stop ends what goes on behind in a role, if anything.
func (s *session) stop(role string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := end(ctx, filepath.Join(s.dir, "state", role+".pid"), s.serves[role]); err != nil {
		s.t.Error(err)
	}
}

// fill makes the folder in which the shell looks for commands.
func (s *session) fill(bin string) {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	ours := []string{"curl", "gateway"}
	for name := range notRun {
		ours = append(ours, name)
	}
	for _, name := range ours {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range fromTheMachine {
		path, err := exec.LookPath(name)
		if err != nil {
			testneed.Missing(s.t, name, "a document may use it")
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// run runs one command and gives its exit status and all that it printed.
func (s *session) run(text string) (status, printed string) {
	s.t.Helper()
	s.count++
	text = s.named(text)
	out := filepath.Join(s.dir, fmt.Sprintf("out.%d", s.count))
	// 3 is closed for the command: what goes on behind must not keep it.
	if _, err := fmt.Fprintf(s.in, "{ %s\n} >'%s' 2>&1 </dev/null 3>&-; echo $? >&3\n", s.stand.Replace(text), out); err != nil {
		s.t.Fatalf("%v: %s", err, s.complaint())
	}
	status, err := s.statuses.ReadString('\n')
	if err != nil {
		s.t.Fatalf("the shell ends at %q: %s", text, s.complaint())
	}
	content, err := os.ReadFile(out)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(status), s.back.Replace(string(content))
}

// random are texts that each session makes anew: tokens and ids.
var random = regexp.MustCompile(`\bgw_[a-z2-7]{10}_[a-z2-7]+|\b[a-z2-7]{26}\b`)

// learn takes note of the random texts in what was printed, in the order in
// which the document shows its own.
func (s *session) learn(want, printed string) {
	ours := random.FindAllString(printed, -1)
	for i, theirs := range random.FindAllString(want, -1) {
		if _, known := s.names[theirs]; !known && i < len(ours) {
			s.names[theirs] = ours[i]
		}
	}
}

// named puts this session's random texts in the place of the document's.
func (s *session) named(text string) string {
	if len(s.unknown) > 0 && strings.Contains(text, "settle ID ") {
		text = strings.Replace(text, "settle ID ", "settle "+s.unknown[0]+" ", 1)
		s.unknown = s.unknown[1:]
	}
	for theirs, ours := range s.names {
		text = strings.ReplaceAll(text, theirs, ours)
	}
	return text
}

func (s *session) complaint() string {
	text, _ := os.ReadFile(s.stderr.Name()) // there may be nothing
	return string(text)
}

// harmless are commands that may be repeated until what they show is true.
var harmless = regexp.MustCompile(`^(curl -\w+ |curl |grep |gateway token list|gateway operations list)`)

// isProblem tells whether the gateway answered with a problem.
func isProblem(printed string) bool {
	var answer struct{ Type string }
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	return json.Unmarshal([]byte(lines[len(lines)-1]), &answer) == nil && strings.HasPrefix(answer.Type, "urn:accountgateway:problem:")
}

// servesAnew are commands before which somebody would stop what serves, or that
// stop it.
var servesAnew = regexp.MustCompile(`\bgateway (serve|demo)\b|\bsystemctl stop gateway\b`)

// obey runs a document's command and compares what it prints.
func (s *session) obey(path string, c command) {
	s.t.Helper()
	if why := whyNotRun(c.text); why != "" {
		s.t.Logf("%s:%d: not run: %s: %s", path, c.line, c.text, why)
		if c.want != "" {
			s.t.Errorf("%s:%d: shows what is printed, and nobody checks it: %s", path, c.line, c.text)
		}
	}
	again := harmless.MatchString(c.text) && !strings.Contains(c.text, " -d ") && !strings.Contains(c.text, " -X ")
	if servesAnew.MatchString(c.text) {
		s.stop("gateway")
	}
	var status, printed string
	good := func() bool {
		status, printed = s.run(c.text)
		if c.want != "" {
			return shows(c.want, printed)
		}
		return status == "0" && !isProblem(printed)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if good() || again && until(ctx, good) == nil {
		s.learn(c.want, printed)
		return
	}
	s.t.Errorf("%s:%d: %s\nexit status %s, prints\n%s\nwant\n%s", path, c.line, c.text, status, printed, c.want)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
