package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/notify/notifytest"
)

// TestNotifyTest sends a message to every destination, and tells how each went.
func TestNotifyTest(t *testing.T) {
	t.Parallel()
	hook, box := notifytest.NewWebhook(t), notifytest.NewMailbox(t, nil)
	good := "generic+http://" + hook.Addr + "/hook-" + mark + "\nsmtp://" + box.Addr + "/?from=gateway@" + mark + ".example&to=ops@example.com"
	settings := map[string]string{"GATEWAY_NOTIFY_URL": good, "GATEWAY_PUBLIC_URL": "https://gateway.example/g/"}
	const want = "URL  SERVICE  STATE  DETAIL\n1    generic  ok     the message was sent\n2    smtp     ok     the message was sent\n"
	if status, stdout, stderr := complete(t, settings, "notify", "test"); status != 0 || stdout != want || stderr != "" {
		t.Errorf("exit status %d:\n%s%s", status, stdout, stderr)
	}
	const text = "Test message of the account gateway\nAlerts will be sent here.\nhttps://gateway.example/g/"
	if diff := cmp.Diff([]string{text}, hook.Texts()); diff != "" {
		t.Errorf("the webhook got (-want +got):\n%s", diff)
	}
	if mails := box.Mails(); len(mails) != 1 || mails[0].Subject != "Test message of the account gateway" || mails[0].Text != text+"\n" {
		t.Errorf("the mailbox got %+v", mails)
	}

	hook.SetDown(true)
	status, stdout, stderr := complete(t, settings, "notify", "test", "--json")
	var got struct{ Destinations []testResult }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 1 || stderr != "" {
		t.Fatalf("exit status %d, %v:\n%s%s", status, err, stdout, stderr)
	}
	detail := "failed to send notification to generic webhook: server returned unexpected response status code: 503 Service Unavailable"
	if diff := cmp.Diff([]testResult{{1, "generic", "failed", &detail}, {2, "smtp", "ok", nil}}, got.Destinations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	hold(t, "stdout", stdout)
}

func TestNotifyTestWithoutDestination(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := complete(t, nil, "notify", "test")
	if status != 1 || stdout != "" || stderr != "gateway notify test: GATEWAY_NOTIFY_URL is not set: alerts are sent nowhere\n" {
		t.Errorf("exit status %d: %q %q", status, stdout, stderr)
	}
	status, stdout, stderr = complete(t, map[string]string{"GATEWAY_NOTIFY_URL": "slack://" + mark}, "notify", "test")
	if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "gateway: invalid configuration:\n  GATEWAY_NOTIFY_URL: URL 1: slack: ") {
		t.Errorf("exit status %d: %q %q", status, stdout, stderr)
	}
	hold(t, "stderr", stderr)
	if status, _, stderr = complete(t, nil, "notify", "tset"); status != 2 || !strings.Contains(stderr, "did you mean test?") {
		t.Errorf("exit status %d: %q", status, stderr)
	}
}
