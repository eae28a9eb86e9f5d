package boot

import (
	"context"
	"fmt"
	"strings"

	"segue/internal/mail"
	"segue/internal/queue"
	"segue/internal/sales/mailing"
)

// minTrackKey is how many characters SEGUE_TRACK_KEY has at least.
const minTrackKey = 32

// Mail returns how emails are sent through a transport. Where there is none, transport is
// nil and setting names the variable that would bring one. What is missing is no error: a
// step that wants to send is held with the names of the settings.
func (env Environment) Mail(transport mail.Sender, setting string) (mailing.Config, error) {
	config := mailing.Config{Sender: transport, Base: env.Public, Key: []byte(env.TrackKey)}
	if env.TrackKey != "" && len(env.TrackKey) < minTrackKey {
		return config, fmt.Errorf("SEGUE_TRACK_KEY has %d characters; it has %d or more", len(env.TrackKey), minTrackKey)
	}
	if env.MailFrom != "" {
		var err error
		if config.From, err = mail.ParseAddress(env.MailFrom); err != nil {
			return config, fmt.Errorf("SEGUE_MAIL_FROM: %w", err)
		}
	}
	var missing []string
	for _, needed := range []struct {
		name  string
		there bool
	}{
		{setting, transport != nil}, {"SEGUE_MAIL_FROM", env.MailFrom != ""},
		{"SEGUE_PUBLIC_URL", env.Public != ""}, {"SEGUE_TRACK_KEY", env.TrackKey != ""},
	} {
		if !needed.there {
			missing = append(missing, needed.name)
		}
	}
	if len(missing) > 0 {
		config.Missing = strings.Join(missing, ", ") + " not set"
	}
	return config, nil
}

// Notifications returns what takes in what the provider tells of emails, an event a message.
// It is a method for the reason that [Parts.Tasks] is one.
func (p *Parts) Notifications() queue.Handler {
	return func(ctx context.Context, messages []queue.Message) (failures []queue.Failure) {
		for i, m := range messages {
			if err := p.Mailing.Notified(ctx, m.Body); err != nil {
				failures = append(failures, queue.Failure{Index: i, Err: err})
			}
		}
		return failures
	}
}
