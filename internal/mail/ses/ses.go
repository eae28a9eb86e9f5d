// Package ses is [mail.Sender] on AWS: SES, which makes the MIME message itself, signs it
// with DKIM, and tells what became of it through the event destinations of a
// configuration set. Its notifications have the message's ID in the tag [mail.Tag].
//
// Invariant: one request a message. The SDK's retries are off: SES has no token by which
// it would know a repeat.
package ses

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"segue/internal/mail"
)

// Service is SES. It is safe for concurrent use.
type Service struct {
	client *sesv2.Client
	set    string
}

var _ mail.Sender = (*Service)(nil)

// Open returns SES, with a client of its own. set names the configuration set, "" for the
// identity's own.
func Open(config aws.Config, set string) mail.Sender {
	client := sesv2.NewFromConfig(config, func(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} })
	return &Service{client: client, set: set}
}

// Send implements [mail.Sender].
func (s *Service) Send(ctx context.Context, m mail.Message) (string, error) {
	if err := m.Check(); err != nil {
		return "", err
	}
	var reached atomic.Bool // a connection was there: from here on the request may have arrived
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }})
	sent, err := s.client.SendEmail(ctx, s.input(m))
	if err != nil {
		return "", fmt.Errorf("%w: %w", kindOf(err, reached.Load()), err)
	}
	return aws.ToString(sent.MessageId), nil
}

func (s *Service) input(m mail.Message) *sesv2.SendEmailInput {
	message := &types.Message{Subject: text(m.Subject), Body: &types.Body{}}
	if m.Plain != "" {
		message.Body.Text = text(m.Plain)
	}
	if m.HTML != "" {
		message.Body.Html = text(m.HTML)
	}
	for _, h := range m.Headers() {
		message.Headers = append(message.Headers, types.MessageHeader{Name: &h.Name, Value: &h.Value})
	}
	input := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(m.From.String()),
		Destination:      &types.Destination{ToAddresses: []string{m.To.String()}},
		Content:          &types.EmailContent{Simple: message},
		EmailTags:        []types.MessageTag{{Name: aws.String(mail.Tag), Value: &m.ID}},
	}
	if m.ReplyTo.Email != "" {
		input.ReplyToAddresses = []string{m.ReplyTo.String()}
	}
	if s.set != "" {
		input.ConfigurationSetName = &s.set
	}
	return input
}

func text(data string) *types.Content {
	return &types.Content{Data: &data, Charset: aws.String("UTF-8")}
}

// kindOf says what is known of a message that SES did not confirm. What it answers with
// 4xx it has not taken. After 5xx, or without an answer, nothing is known.
func kindOf(err error, reached bool) error {
	if !reached {
		return mail.ErrLater
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() < 400 || response.HTTPStatusCode() >= 500 {
		return mail.ErrUnknown
	}
	var reason smithy.APIError
	if !errors.As(err, &reason) {
		return mail.ErrRefused
	}
	switch reason.ErrorCode() {
	case "TooManyRequestsException", "ThrottlingException", "Throttling", // the rate of the account
		"LimitExceededException",                // its quota of a day
		"SendingPausedException",                // until somebody resumes it
		"ExpiredTokenException", "ExpiredToken", // the next process has another
		"RequestExpired", "RequestTimeTooSkewed":
		return mail.ErrLater
	}
	return mail.ErrRefused
}
