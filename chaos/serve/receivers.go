package serve

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"axolotl/internal/term"
)

// webhook posts the message, signed where there is a key, as
// https://www.standardwebhooks.com has it: HMAC-SHA256 of "id.time.body".
func (n *Notifier) webhook(ctx context.Context, d delivery) error {
	body, err := d.body()
	if err != nil {
		return &finalError{err}
	}
	now := strconv.FormatInt(n.Clock.Now().Unix(), 10)
	header := http.Header{"Webhook-Id": {d.id}, "Webhook-Timestamp": {now}}
	if d.to.SecretFile != "" {
		key, err := readKey(d.to.SecretFile)
		if err != nil {
			return err // it may be mended before the next try
		}
		header.Set("Webhook-Signature", sign(key, d.id, now, body))
	}
	return post(ctx, d.to.Webhook, header, body)
}

// readKey reads a signing key: base64 after "whsec_", or the bytes as they are.
func readKey(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the key of a webhook: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("the key of a webhook in %s is no base64 after whsec_: %w", path, err)
		}
		return key, nil
	}
	if text == "" {
		return nil, fmt.Errorf("the key of a webhook in %s is empty", path)
	}
	return []byte(text), nil
}

func sign(key []byte, id, now string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, now, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// slack posts a text, as Slack's incoming webhooks take it.
func slack(ctx context.Context, d delivery) error {
	m := d.message
	text := fmt.Sprintf("*%s* %s", m.Schedule, m.Text)
	if m.Run != "" {
		text += fmt.Sprintf(" (run %s)", m.Run)
	}
	// https://api.slack.com/reference/surfaces/formatting#escaping
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(term.Escape(text))
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return &finalError{err}
	}
	return post(ctx, d.to.Slack, nil, body)
}

// poster follows no redirects: what is told goes to the one it was meant for.
var poster = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func post(ctx context.Context, address string, header http.Header, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return &finalError{err}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "axolotl")
	response, err := poster.Do(request)
	if err != nil {
		var detail *url.Error
		if errors.As(err, &detail) {
			err = detail.Err // without the address, which may be a secret
		}
		return fmt.Errorf("%s: %w", request.URL.Host, err)
	}
	response.Body.Close()
	code := response.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err = fmt.Errorf("%s answers %s", request.URL.Host, response.Status)
	if code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests {
		return &finalError{err}
	}
	return err
}

// command starts a program with the message on its standard input.
func command(ctx context.Context, d delivery) error {
	body, err := d.body()
	if err != nil {
		return &finalError{err}
	}
	cmd := exec.CommandContext(ctx, d.to.Command[0], d.to.Command[1:]...)
	cmd.Stdin = bytes.NewReader(body)
	cmd.WaitDelay = time.Second // children of its own may hold the pipes
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", d.to.Command[0], err, term.Escape(strings.TrimSpace(string(out[:min(len(out), 500)]))))
	}
	return nil
}
