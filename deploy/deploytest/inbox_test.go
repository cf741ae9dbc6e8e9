package deploytest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accountgateway/internal/notify/notifytest"
)

// TestComposeNotifies runs the gateway of the compose files, as .env combines
// them and with the secrets that make-secrets.sh takes in, but for addresses,
// the database and where REG.RU is: low money reaches a mailbox.
func TestComposeNotifies(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	regru := startSimulators(ctx, t)
	dir, _ := makeSecrets(t, setting(regru, "REGRU_USERNAME")+"\n"+setting(regru, "REGRU_PASSWORD")+"\n\n", 0)
	inbox := notifytest.NewMailbox(t, nil)
	write(t, filepath.Join(dir, "secrets/notify_url"), []byte("smtp://"+inbox.Addr+"/?from=gateway@example.com&to=on-call@example.com\n"))
	makeSecretsIn(t, dir, "", 0)

	_, files, _ := strings.Cut(strings.TrimSpace(string(read(t, dir, ".env"))), "COMPOSE_FILE=")
	gateway := object(composed(t, strings.Split(files, ":")...).at("services", "gateway").(map[string]any))
	settingsOf := settings(t, filepath.Join(dir, gateway.text("env_file")))
	for name, value := range gateway.at("environment").(map[string]any) {
		settingsOf[name] = value
	}
	settingsOf["GATEWAY_ADDR"], settingsOf["GATEWAY_METRICS_ADDR"] = "127.0.0.1:0", "127.0.0.1:0"
	delete(settingsOf, "GATEWAY_DATABASE_URL_FILE")
	settingsOf["GATEWAY_DATABASE_URL"] = "sqlite://" + filepath.Join(t.TempDir(), "gateway.db")
	settingsOf["REGRU_BASE_URL"] = setting(regru, "REGRU_BASE_URL")
	settingsOf["REGRU_BALANCE_LOW"] = "1000000 RUB"
	var environment []string
	for name, value := range settingsOf {
		environment = append(environment, name+"="+strings.Replace(text(value), "/run/secrets", filepath.Join(dir, "secrets"), 1))
	}
	startGateway(ctx, t, environment, nil, program(t))
	eventually(ctx, t, "a message about the balance", func() (bool, any) {
		for _, mail := range inbox.Mails() {
			if strings.Contains(mail.Subject, "regru") && strings.Contains(mail.Text, "balance") {
				return true, nil
			}
		}
		return false, inbox.Mails()
	})
}
