package notify_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"

	"accountgateway/internal/notify"
)

// services are a URL of each service. Most parts that are secret have s3cr3t in
// them. HOST is a loopback address, for those that don't use
// http.DefaultTransport.
var services = map[string]string{
	"bark":       "bark://s3cr3tkey@s3cr3t-host.example",
	"discord":    "discord://s3cr3ttoken@123456s3cr3t",
	"generic":    "generic://s3cr3t-host.example/hook/s3cr3tpath?@authorization=Bearer+s3cr3ttoken",
	"gotify":     "gotify://HOST/Aaa.s3cr3t.c4da?disabletls=yes",
	"googlechat": "googlechat://chat.googleapis.com/v1/spaces/s3cr3tspace/messages?key=s3cr3tkey&token=s3cr3ttoken",
	"hangouts":   "hangouts://chat.googleapis.com/v1/spaces/s3cr3tspace/messages?key=s3cr3tkey&token=s3cr3ttoken",
	"ifttt":      "ifttt://s3cr3thook/?events=s3cr3tevent",
	"join":       "join://shoutrrr:s3cr3tkey@join/?devices=s3cr3tdevice",
	"lark":       "lark://open.larksuite.com/s3cr3ttoken?secret=s3cr3tsign",
	"matrix":     "matrix://:s3cr3ttoken@s3cr3t-host.example/?rooms=!s3cr3troom",
	"mattermost": "mattermost://HOST/s3cr3ttoken?disabletls=yes",
	"notifiarr":  "notifiarr://s3cr3tkey?channel=123456",
	"ntfy":       "ntfy://s3cr3tuser:s3cr3tpass@HOST/s3cr3ttopic?scheme=http",
	"opsgenie":   "opsgenie://api.opsgenie.com/s3cr3tkey",
	"pagerduty":  "pagerduty://events.pagerduty.com/eb243592faa24ba2a5511afdf565c889",
	"pushbullet": "pushbullet://o.s3cr3ts3cr3ts3cr3ts3cr3ts3cr3tab",
	"pushover":   "pushover://shoutrrr:s3cr3ttoken@s3cr3tuser/?devices=s3cr3tdevice",
	"rocketchat": "rocketchat://s3cr3t-host.example/s3cr3ttokenA/s3cr3ttokenB",
	"signal":     "signal://s3cr3tuser:s3cr3tpass@s3cr3t-host.example:8080/+12025550123/+12025550124",
	"slack":      "slack://hook:TS3CR3T01-BS3CR3T01-s3cr3ts3cr3ts3cr3ts3cr3t@webhook",
	"smtp":       "smtp://s3cr3tuser:s3cr3tpass@HOST/?from=s3cr3tfrom@s3cr3t.example&to=s3cr3tto@s3cr3t.example",
	"teams":      "teams://11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05?host=s3cr3t.webhook.office.com",
	"telegram":   "telegram://110201543:s3cr3tAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@s3cr3tchat,-1001234567890",
	"wecom":      "wecom://s3cr3t-key",
	"zulip":      "zulip://s3cr3tbot%40zulip.example:s3cr3tkey@s3cr3t-host.example/?stream=s3cr3tstream&topic=s3cr3ttopic",
}

// others are secrets that have another form.
var others = []string{
	"127.0.0.1", "eb243592faa24", "2025550123", "2025550124", "110201543", "1001234567890", "cccccccccccc", "V2ESyij", "3333333", "123456",
}

func checkNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range append([]string{"s3cr3t"}, others...) {
		if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("the secret %s is in %q", secret, text)
		}
	}
}

// answers are what a server may say instead of taking a message.
var answers = map[string]http.HandlerFunc{
	"nothing": nil,
	"an error": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "<html>%s %v", r.URL, r.Header)
	},
	"a refusal": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"ok":false,"error":"%[1]s","description":"%[1]s","message":"%[1]s"}`, r.URL)
	},
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
		}
	},
}

// server is a loopback address where answer is given; nil: nobody listens there.
func server(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	if answer == nil {
		s.Close()
	} else {
		t.Cleanup(s.Close)
	}
	return strings.TrimPrefix(s.URL, "http://")
}

// TestEveryServiceTellsFailures: what was not delivered is an error, which has
// no secret, whatever shoutrrr makes of it.
func TestEveryServiceTellsFailures(t *testing.T) {
	message := notify.Message{Text: "[critical] regru: balance_negative -4.75 USD\nTop it up.", At: time.Now()}
	for _, service := range new(router.ServiceRouter).ListServices() {
		if service == "logger" {
			continue
		}
		for name, answer := range answers {
			switch {
			case service == "smtp" && answer != nil: // which is no mail server's
				continue
			case (service == "signal" || service == "slack") && name == "a redirect":
				// Their clients can't be had: they follow a redirect, and take what comes
				// for success.
				continue
			}
			t.Run(service+"/"+name, func(t *testing.T) {
				if answer != nil {
					web.serve(t, "*", answer)
				}
				d := parse(t, strings.ReplaceAll(services[service], "HOST", server(t, answer)))
				began := time.Now()
				err := d.Send(t.Context(), message)
				if err == nil {
					t.Fatal("it was taken for delivered")
				}
				t.Log(err)
				checkNoSecret(t, err.Error())
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		}
	}
}
