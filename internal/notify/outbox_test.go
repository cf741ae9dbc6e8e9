package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/alert"
	"accountgateway/internal/durable"
	"accountgateway/internal/notify"
	"accountgateway/internal/notify/notifytest"
	"accountgateway/internal/store"
)

// record is the alerts on record, as whoever computes them changes them.
type record struct {
	t       *testing.T
	url     string
	store   *store.Store
	version int64
	links   *notify.Links
}

func newRecord(t *testing.T) *record {
	t.Helper()
	r := &record{t: t, url: "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")}
	r.store = openStore(t, r.url)
	return r
}

func openStore(t *testing.T, url string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func a(account string, code alert.Code, severity alert.Severity, value string) alert.Alert {
	return alert.Alert{
		Account: account, Provider: account, Code: code, Severity: severity, Since: time.Now().UTC().Truncate(time.Microsecond),
		Detail: "detail of " + account, Remedy: "remedy of " + account, Value: &value,
	}
}

func (r *record) change(kind alert.Kind, alerts ...alert.Alert) {
	r.t.Helper()
	var changes []store.AlertChange
	for _, one := range alerts {
		body, err := json.Marshal(one)
		if err != nil {
			r.t.Fatal(err)
		}
		changes = append(changes, store.AlertChange{Account: one.Account, Code: string(one.Code), Body: body, Closed: kind == alert.Closed, Kind: string(kind)})
	}
	version, done, err := r.store.ChangeAlerts(r.t.Context(), r.version, changes)
	if err != nil || !done {
		r.t.Fatalf("got %v, %v", done, err)
	}
	r.version = version
}

// replica is a process that delivers.
type replica struct {
	stop     func() // as at a shutdown
	crash    func() // nothing that it does from now on is recorded
	log      *bytes.Buffer
	registry *prometheus.Registry
}

func (r *record) replica(name string, repeat time.Duration, urls ...string) *replica {
	r.t.Helper()
	to, faults := notify.Parse(strings.Join(urls, "\n"))
	if len(faults) > 0 {
		r.t.Fatal(faults)
	}
	made := &replica{log: new(bytes.Buffer), registry: prometheus.NewRegistry()}
	log := zerolog.New(zerolog.SyncWriter(made.log))
	d := durable.New(log)
	st := openStore(r.t, r.url)
	d.Attach(st)
	n := notify.New(to, d, notify.Options{
		Repeat: repeat, Links: r.links, Registry: made.registry, Log: log,
		Lease: func(ctx context.Context, lease string, ttl time.Duration) (bool, error) {
			return st.AcquireLease(ctx, lease, name, ttl)
		},
	})
	ctx, cancel := context.WithCancel(r.t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	made.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	made.crash = func() { st.Close() }
	r.t.Cleanup(made.stop)
	return made
}

// chat takes messages in the memory of the test.
type chat struct {
	*notifytest.Webhook
	url string
}

func newChat(t *testing.T, name string) *chat {
	c := &chat{Webhook: new(notifytest.Webhook), url: "generic://" + name + ".example/hook"}
	web.serve(t, name+".example", c.ServeHTTP)
	return c
}

// titles are the first lines of the messages that came.
func (c *chat) titles() []string {
	var titles []string
	for _, text := range c.Texts() {
		title, _, _ := strings.Cut(text, "\n")
		titles = append(titles, title)
	}
	return titles
}

func (c *chat) want(t *testing.T, titles ...string) {
	t.Helper()
	if diff := cmp.Diff(titles, c.titles()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// count is gateway_notifications_total.
func (r *replica) count(t *testing.T, outcome string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == outcome {
			return m.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no outcome %s in %v", outcome, families)
	return 0
}

func TestOpenedAndClosedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		first := r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		r.replica("second", 0, c.url)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(time.Minute)
		c.want(t, "[critical] regru: balance_negative -4.75 USD")
		first.stop() // and its lease runs out
		time.Sleep(2 * time.Minute)
		r.replica("third", 0, c.url)
		time.Sleep(time.Hour)
		r.change(alert.Closed, a("regru", alert.BalanceNegative, alert.Critical, "12.00 USD"))
		time.Sleep(time.Hour)
		c.want(t, "[critical] regru: balance_negative -4.75 USD", "[closed] regru: balance_negative, now 12.00 USD")
		if n := first.count(t, "delivered"); n != 1 || first.log.Len() > 0 {
			t.Errorf("the first replica counted %v messages and logged %s", n, first.log)
		}
	})
}

// TestChatDown: while a chat is down nothing is lost, nothing is told twice, and
// another one hears everything at once.
func TestChatDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, down, up := newRecord(t), newChat(t, "down"), newChat(t, "up")
		first := r.replica("first", 0, down.url, up.url)
		time.Sleep(time.Minute)
		second := r.replica("second", 0, down.url, up.url)
		r.change(alert.Opened, a("told", alert.BalanceLow, alert.Warning, "9 USD"), a("worse", alert.BalanceLow, alert.Warning, "8 USD"))
		time.Sleep(time.Minute)
		down.SetDown(true)
		before := down.Tries()
		for i, change := range []func(){
			func() { r.change(alert.Closed, a("told", alert.BalanceLow, alert.Warning, "90 USD")) },
			func() { r.change(alert.Opened, a("short", alert.VendorUnavailable, alert.Critical, "502")) },
			func() { r.change(alert.Changed, a("worse", alert.BalanceLow, alert.Critical, "1 USD")) },
			func() { r.change(alert.Closed, a("short", alert.VendorUnavailable, alert.Critical, "200")) },
			func() { r.change(alert.Opened, a("new", alert.CredentialsRefused, alert.Critical, "401")) },
		} {
			time.Sleep(12 * time.Minute)
			change()
			if i == 2 {
				time.Sleep(time.Minute)
				first.stop() // another replica goes on
				time.Sleep(time.Minute)
			}
		}
		if n := down.Tries() - before; n < 10 || n > 40 {
			t.Errorf("it was tried %d times in an hour", n)
		}
		time.Sleep(time.Minute)
		down.SetDown(false)
		time.Sleep(6 * time.Minute)
		down.want(t, "2 alerts opened", "1 alert opened (1 critical), 1 changed in severity (1 critical), 1 closed, 1 opened and closed")
		for _, want := range []string{
			"\n[critical] new: credentials_refused 401. ", "\n[now critical] worse: balance_low 1 USD. ", "\n[closed] told: balance_low, now 90 USD. ",
			"\n[opened and closed] short: vendor_unavailable, now 200. ",
		} {
			if text := down.Texts()[1]; strings.Count(text, want) != 1 {
				t.Errorf("%q is not once in\n%s", want, text)
			}
		}
		up.want(t, "2 alerts opened", "[closed] told: balance_low, now 90 USD", "[critical] short: vendor_unavailable 502", "[now critical] worse: balance_low 1 USD",
			"[closed] short: vendor_unavailable, now 200", "[critical] new: credentials_refused 401")
		for _, process := range []*replica{first, second} {
			if n := strings.Count(process.log.String(), "can't be delivered"); n != 1 {
				t.Errorf("the log tells %d times of the failure: %s", n, process.log)
			}
		}
		if n := strings.Count(second.log.String(), "delivered again"); n != 1 {
			t.Errorf("the log tells %d times of the end of the failure: %s", n, second.log)
		}
		delivered, failed := first.count(t, "delivered")+second.count(t, "delivered"), first.count(t, "failed")+second.count(t, "failed")
		if want := len(down.Texts()) + len(up.Texts()); delivered != float64(want) || failed != float64(down.Tries()-len(down.Texts())) {
			t.Errorf("%v delivered, want %d; %v failed, want %d", delivered, want, failed, down.Tries()-len(down.Texts()))
		}
	})
}

// TestBurst: many alerts are one message that a chat takes.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(t)
		box, page := newChat(t, "box"), &notify.Links{
			Account: func(name string) string { return "https://gateway.example/ui/" + name },
			Runbook: func(code alert.Code) string { return "https://gateway.example/docs/runbook#" + string(code) },
			Alerts:  "https://gateway.example/",
		}
		r.links = page
		chats := []string{"telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@ops", "pushover://shoutrrr:token@user", box.url}
		var mu sync.Mutex
		texts := map[string][]string{}
		got := func(name, text string) {
			mu.Lock()
			defer mu.Unlock()
			texts[name] = append(texts[name], text)
		}
		web.serve(t, "api.telegram.org", func(w http.ResponseWriter, request *http.Request) {
			var message struct{ Text string }
			if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
				t.Error(err)
			}
			got("telegram", message.Text)
			fmt.Fprint(w, `{"ok":true}`)
		})
		web.serve(t, "api.pushover.net", func(_ http.ResponseWriter, request *http.Request) {
			got("pushover", request.PostFormValue("title")+"\n"+request.PostFormValue("message"))
		})
		r.replica("first", 0, chats...)
		time.Sleep(time.Minute)
		for i := range 500 { // in two seconds
			r.change(alert.Opened, a(fmt.Sprintf("shop-%03d", i), alert.BalanceLow, []alert.Severity{alert.Warning, alert.Critical}[i%5/4], "1 USD"))
			time.Sleep(4 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		texts["generic"] = box.Texts()
		for name, limit := range map[string]struct{ bytes, alerts int }{"telegram": {4096, 20}, "pushover": {1024, 20}, "generic": {50_000, 100}} {
			if len(texts[name]) != 1 {
				t.Errorf("%s got %d messages", name, len(texts[name]))
				continue
			}
			text := texts[name][0]
			lines := strings.Split(text, "\n")
			told := len(lines) - 2
			if lines[0] != "500 alerts opened (100 critical)" || lines[len(lines)-1] != fmt.Sprintf("and %d more: https://gateway.example/", 500-told) {
				t.Errorf("%s got\n%s", name, text)
			}
			if len(text) > limit.bytes || told < 2 || told > limit.alerts || !strings.HasPrefix(lines[1], "[critical] shop-004: balance_low 1 USD. Detail of shop-004. Remedy of shop-004. Since ") ||
				!strings.HasSuffix(lines[1], " https://gateway.example/ui/shop-004 https://gateway.example/docs/runbook#balance_low") {
				t.Errorf("%s got %d bytes:\n%s", name, len(text), text)
			}
		}
	})
}

// TestOneMessageEach30Seconds: what happens right after a message waits for the
// next one.
func TestOneMessageEach30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		for i := range 60 {
			r.change(alert.Opened, a(fmt.Sprintf("shop-%02d", i), alert.BalanceLow, alert.Warning, "1 USD"))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		if titles := c.titles(); len(titles) != 3 && len(titles) != 4 {
			t.Errorf("got %v", titles)
		}
		told := 0
		for _, title := range c.titles() {
			var n int
			if _, err := fmt.Sscanf(title, "%d alerts opened", &n); err != nil {
				t.Errorf("%s: %v", title, err)
			}
			told += n
		}
		if told != 60 {
			t.Errorf("%d alerts were told", told)
		}
	})
}

func TestReminder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		first := r.replica("first", time.Hour, c.url)
		time.Sleep(time.Minute)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(30 * time.Minute)
		r.change(alert.Opened, a("selzy", alert.BalanceLow, alert.Warning, "1 USD"))
		time.Sleep(20 * time.Minute)
		c.want(t, "[critical] regru: balance_negative -4.75 USD", "[warning] selzy: balance_low 1 USD")
		first.stop()
		r.replica("second", time.Hour, c.url) // a restart changes nothing
		time.Sleep(12 * time.Minute)
		r.change(alert.Closed, a("selzy", alert.BalanceLow, alert.Warning, "100 USD"))
		time.Sleep(70 * time.Minute)
		c.want(t, "[critical] regru: balance_negative -4.75 USD", "[warning] selzy: balance_low 1 USD", "2 alerts still open (1 critical)",
			"[closed] selzy: balance_low, now 100 USD", "[still critical] regru: balance_negative -4.75 USD")
		r.change(alert.Closed, a("regru", alert.BalanceNegative, alert.Critical, "4 USD"))
		time.Sleep(3 * time.Hour)
		if titles := c.titles(); len(titles) != 6 {
			t.Errorf("got %v", titles)
		}
	})
}

// TestNewDestination begins with what is open, not with the past; also if it is
// down at first.
func TestNewDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, old, added := newRecord(t), newChat(t, "old"), newChat(t, "added")
		first := r.replica("first", 0, old.url)
		time.Sleep(time.Minute)
		r.change(alert.Opened, a("past", alert.BalanceLow, alert.Warning, "1 USD"), a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"), a("selzy", alert.BalanceLow, alert.Warning, "1 USD"))
		time.Sleep(time.Minute)
		r.change(alert.Closed, a("past", alert.BalanceLow, alert.Warning, "100 USD"))
		time.Sleep(time.Minute)
		first.stop()
		added.SetDown(true)
		second := r.replica("second", 0, old.url, added.url)
		time.Sleep(10 * time.Minute)
		r.change(alert.Opened, a("new", alert.BalanceLow, alert.Warning, "1 USD"))
		time.Sleep(10 * time.Minute)
		added.SetDown(false)
		time.Sleep(10 * time.Minute)
		added.want(t, "1 alert opened, 2 open (1 critical)")
		old.want(t, "3 alerts opened (1 critical)", "[closed] past: balance_low, now 100 USD", "[warning] new: balance_low 1 USD")

		// One that was removed and forgotten is new.
		second.stop()
		if err := r.store.KeepDestinations(t.Context(), nil, 0); err != nil {
			t.Fatal(err)
		}
		r.replica("third", 0, old.url)
		time.Sleep(time.Hour)
		if titles := old.titles(); titles[len(titles)-1] != "3 alerts open (1 critical)" {
			t.Errorf("got %v", titles)
		}
	})
}

// TestCrashAfterDelivery: a message of which nobody knows that it was delivered
// is told once more.
func TestCrashAfterDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		first := r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		web.serve(t, "chat.example", func(w http.ResponseWriter, request *http.Request) {
			first.crash()
			c.ServeHTTP(w, request)
		})
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(time.Minute)
		first.stop()
		web.serve(t, "chat.example", c.ServeHTTP)
		r.replica("second", 0, c.url)
		time.Sleep(time.Hour)
		c.want(t, "[critical] regru: balance_negative -4.75 USD", "[critical] regru: balance_negative -4.75 USD")
	})
}

// TestShutdownDuringDelivery: who stops waits for a message that is under way.
func TestShutdownDuringDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		web.serve(t, "chat.example", func(w http.ResponseWriter, request *http.Request) {
			time.Sleep(9 * time.Second)
			c.ServeHTTP(w, request)
		})
		first := r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(10 * time.Second)
		first.stop()
		r.replica("second", 0, c.url)
		time.Sleep(time.Hour)
		c.want(t, "[critical] regru: balance_negative -4.75 USD")
	})
}

// TestRecordIsShort: what a destination missed because the record is kept for
// some time only is said, and what is open is told.
func TestRecordIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		c.SetDown(true)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(time.Hour)
		if _, err := r.store.PruneAlertEvents(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		r.change(alert.Opened, a("selzy", alert.BalanceLow, alert.Warning, "1 USD"))
		c.SetDown(false)
		time.Sleep(time.Hour)
		c.want(t, "1 alert opened, 1 still open (1 critical)")
		if text := c.Texts()[0]; !strings.HasSuffix(text, "\nEarlier changes are left out: they are no longer on record.") {
			t.Errorf("got %s", text)
		}
	})
}

// TestNothingIsLeft: a destination that missed everything, which is no longer on
// record, is told so once.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRecord(t), newChat(t, "chat")
		r.replica("first", 0, c.url)
		time.Sleep(time.Minute)
		c.SetDown(true)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(time.Hour)
		if _, err := r.store.PruneAlertEvents(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		c.SetDown(false)
		time.Sleep(time.Hour)
		c.want(t, "1 alert still open (1 critical)")
		r.change(alert.Closed, a("regru", alert.BalanceNegative, alert.Critical, "1 USD"))
		time.Sleep(time.Hour)
		c.want(t, "1 alert still open (1 critical)", "[closed] regru: balance_negative, now 1 USD")
	})
}

// TestSecretsStayInside: nothing that is written down has a part of a URL.
func TestSecretsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(t)
		web.serve(t, "*", answers["an error"])
		var urls []string
		for _, service := range []string{"bark", "discord", "generic", "googlechat", "ifttt", "join", "lark", "matrix", "notifiarr", "opsgenie", "pagerduty", "pushbullet", "pushover", "rocketchat", "signal", "slack", "teams", "telegram", "wecom", "zulip"} {
			urls = append(urls, services[service])
		}
		first := r.replica("first", time.Hour, urls...)
		time.Sleep(time.Minute)
		r.change(alert.Opened, a("regru", alert.BalanceNegative, alert.Critical, "-4.75 USD"))
		time.Sleep(20 * time.Minute)
		first.stop()
		if n := strings.Count(first.log.String(), "can't be delivered"); n != len(urls) {
			t.Errorf("the log tells of %d failures, want %d:\n%s", n, len(urls), first.log)
		}
		checkNoSecret(t, first.log.String())
		files, err := filepath.Glob(strings.TrimPrefix(r.url, "sqlite:") + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(content, []byte("googlechat")) && file == files[0] && len(files) == 1 {
				t.Errorf("%s does not name the service", file)
			}
			checkNoSecret(t, string(content))
		}
	})
}
