package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
)

const telegramAPI = "https://api.telegram.org"

// maxReply is how much of a reply is read, in bytes.
const maxReply = 64 << 10

// sendTelegram sends a message to each chat, by shoutrrr's settings. shoutrrr's
// own sending takes an unreachable Telegram for success.
func sendTelegram(ctx context.Context, config *telegram.Config, m Message) error {
	for _, chat := range config.Chats {
		if err := sendToChat(ctx, config, chat, m); err != nil {
			return err
		}
	}
	return nil
}

// sendToChat sends a message to a chat, or to a chat's topic: CHAT:TOPIC.
func sendToChat(ctx context.Context, config *telegram.Config, chat string, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	payload := map[string]any{
		"text": m.Text, "disable_web_page_preview": !config.Preview, "disable_notification": !config.Notification,
	}
	id, topic, _ := strings.Cut(chat, ":")
	payload["chat_id"] = id
	if thread, err := strconv.Atoi(topic); err == nil {
		payload["message_thread_id"] = thread
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, telegramAPI+"/bot"+config.Token+"/sendMessage", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{CheckRedirect: noRedirect}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var reply struct {
		OK          bool   `json:"ok"`
		Description string `json:"description"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(&reply); err != nil || reply.Description == "" {
		reply.Description = response.Status
	}
	if !reply.OK {
		return errors.New("Telegram refused the message: " + reply.Description)
	}
	return nil
}
