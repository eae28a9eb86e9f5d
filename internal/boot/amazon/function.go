package amazon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/dynamo"
	"segue/internal/emf"
	"segue/internal/mail"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/store"
)

// OpenQueue opens the queue at a URL, with the configuration of a client of SQS.
type OpenQueue func(config aws.Config, url string, c clock.Clock) queue.Sender

// OpenMail opens SES, with the configuration of its client and the name of a configuration
// set.
type OpenMail func(config aws.Config, set string) mail.Sender

// App is a Segue in a Lambda function.
type App struct {
	*boot.App
	// Decode reads a Lambda event of the table's stream.
	Decode func(json.RawMessage) ([]store.Change, error)
}

// Function boots a Lambda function, with the table in DynamoDB and logs for
// CloudWatch. claims returns the claims that the gateway verified, from a
// request's context. open is nil in a function that queues no tasks of jobs, which so
// does not link the client of SQS, and post in one that sends no emails.
func Function(claims func(context.Context) (map[string]string, bool), open OpenQueue, post OpenMail) (*App, error) {
	env := boot.FromEnvironment()
	if env.Table == "" {
		return nil, errors.New("SEGUE_TABLE is empty; it names the DynamoDB table")
	}
	log := slog.New(lambdacontext.NewLogHandler())
	slog.SetDefault(log)
	cloud, c := amazonFromEnvironment(), boot.Clock()
	table := dynamo.New(cloud.dynamoDB(), env.Table, rows.Indexes(), dynamo.Clock(c))
	options := boot.Options{Freshness: sales.Freshness{For: boot.Fresh, Clock: c}, Queue: jobQueue(env.JobQueue, cloud, open, c)}
	if env.Backfill != "" {
		options.Aside = jobQueue(env.Backfill, cloud, open, c)
	}
	var err error
	if options.Mail, err = cloud.mail(env, post); err != nil {
		return nil, err
	}
	app, err := boot.New(env, table, claims, options, log)
	if err != nil {
		return nil, err
	}
	app.Slow, err = time.ParseDuration(cmp.Or(env.Slow, "1s")) // the gateway logs every request
	if err != nil || app.Slow < 0 {
		return nil, fmt.Errorf("SEGUE_SLOW_REQUEST is %q, want a time such as 1s", env.Slow)
	}
	if env.Metrics != "" {
		figures := emf.Writer{Out: os.Stdout, Namespace: env.Metrics, Clock: c}
		app.Changes = figures.Batches(app.Changes)
		app.Advance.OnOldest(figures.DueAge)
	}
	return &App{app, dynamo.DecodeEvent}, nil
}

// mail returns how a function sends emails.
func (a amazon) mail(env boot.Environment, post OpenMail) (mailing.Config, error) {
	if post == nil {
		return env.Mail(nil, "a function that sends emails")
	}
	return env.Mail(post(a.config(a.ses), env.MailEvents), "")
}

// jobQueue returns the queue at a URL that a function has: its own process does not live
// long enough to hold tasks.
func jobQueue(url string, a amazon, open OpenQueue, c clock.Clock) queue.Sender {
	if open == nil || url == "" {
		return noQueue{}
	}
	return open(a.config(a.sqs), url, c)
}

// noQueue is the queue of a function that has none: a job waits until a function that
// has one looks after it, and this reason is logged.
type noQueue struct{}

// Send implements [queue.Sender].
func (noQueue) Send(context.Context, time.Duration, ...queue.Message) error {
	return fmt.Errorf("%w: this function has no queue of jobs; SEGUE_JOB_QUEUE is its URL in those that have one", queue.ErrUnavailable)
}
