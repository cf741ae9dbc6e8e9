package notify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/notify"
)

func TestParse(t *testing.T) {
	all, faults := notify.Parse(" " + services["slack"] + "\r\n\n" + services["smtp"] + "\tgeneric+https://s3cr3t-host.example/hook?template=json ")
	var got []string
	for _, d := range all {
		got = append(got, d.String())
		checkNoSecret(t, fmt.Sprintf("%v %+v", d, *d)[:40])
	}
	if diff := cmp.Diff([]string{"1 (slack)", "2 (smtp)", "3 (generic)"}, got); diff != "" || len(faults) > 0 {
		t.Errorf("%s, faults %v", diff, faults)
	}
	if all, faults := notify.Parse(" \n"); len(all)+len(faults) > 0 {
		t.Errorf("of nothing: %v, %v", all, faults)
	}
}

// TestParseFaults: a fault says which URL it is and what is wrong, without
// anything of it.
func TestParseFaults(t *testing.T) {
	good := services["pushover"]
	const clear = "sends in clear text, which is allowed only to loopback addresses"
	tests := []struct{ url, want string }{
		{"hooks.slack.com/services/s3cr3t", "URL 2: must begin with a service, such as slack://, telegram:// or smtp://"},
		{"https://hooks.slack.com/services/s3cr3t", "URL 2: a webhook begins with generic+https://; other services with their own name, such as slack://"},
		{"s3cr3t://token@host", "URL 2: begins with an unknown service"},
		{"logger://", "URL 2: begins with an unknown service"},
		{"slack://%zzs3cr3t@webhook", "URL 2: slack: is not a valid URL"},
		{"slack://hook:s3cr3t@webhook", "URL 2: slack: invalid slack token format"},
		{"telegram://s3cr3t@telegram?chats=1", "URL 2: telegram: invalid telegram token: [redacted]:"},
		{"telegram://1:s3cr3t@telegram", "URL 2: telegram: no channels defined in config URL"},
		{"telegram://1:s3cr3t@telegram?chats=1&parsemod=s3cr3t", `URL 2: telegram: setting config property "parsemod" from URL query: not a valid config key: parsemod (valid keys: [channels chats notification parsemode preview title])`},
		{"telegram+https://s3cr3t.example", "URL 2: telegram: takes no address of another kind"},
		{"smtp://s3cr3t.example/?from=s3cr3t&to=a@b.example", "URL 2: smtp: from and to must be e-mail addresses"},
		{"smtp://s3cr3t.example/?from=a@b.example", "URL 2: smtp: toAddress missing from config URL"},
		{"smtp:///?from=a@b.example&to=a@b.example", "URL 2: smtp: has no server"},
		{"generic+http://s3cr3t.example/", "URL 2: generic: " + clear},
		{"generic://192.0.2.1/s3cr3t?disableTLS=Y", "URL 2: generic: " + clear},
		{"gotify://s3cr3t.example/Aaa.s3cr3t.c4da?disabletls=1", "URL 2: gotify: " + clear},
		{"ntfy://s3cr3t.example/topic?scheme=http", "URL 2: ntfy: " + clear},
		{"discord+https://s3cr3t.example/", "URL 2: discord: takes no address of another kind"},
		{"teams+https://s3cr3t.example/", "URL 2: teams: "},
		{"generic+ftp://\x7fs3cr3t", "URL 2: generic: is not a valid URL"},
		{good, "URL 2 (pushover): is the same as URL 1"},
	}
	for _, tt := range tests {
		all, faults := notify.Parse(good + " " + tt.url)
		if len(all) != 1 || len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), tt.want) || len(faults[0].Error()) > len(tt.want) && !strings.HasSuffix(tt.want, ": ") {
			t.Errorf("%s: got %d destinations, %v, want %s", tt.url, len(all), faults, tt.want)
		}
		for _, fault := range faults {
			checkNoSecret(t, fault.Error())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, url := range services {
		f.Add(url)
	}
	f.Add("generic+https://host/?@a=b&$c=d")
	f.Fuzz(func(t *testing.T, text string) {
		all, faults := notify.Parse(text)
		if len(all)+len(faults) != len(strings.Fields(text)) {
			t.Errorf("of %q came %d destinations and %v", text, len(all), faults)
		}
	})
}
