// Package laptop boots Segue in one process: the embedded store or a DynamoDB at an
// endpoint, a local issuer's key, the queue of jobs and the change feed, and the server
// that clients reach without a gateway. It is apart from boot, so that a Lambda
// function does not link what only a laptop needs.
//
// Invariant: rules, reactions and handlers are those of [boot.New]; what differs from a
// function is the parts below and around them.
package laptop

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"segue/internal/api"
	"segue/internal/auth/issuer"
	"segue/internal/boot"
	"segue/internal/boot/amazon"
	"segue/internal/boot/rehearse"
	"segue/internal/boot/web"
	"segue/internal/dynamo"
	"segue/internal/dynamo/stream"
	"segue/internal/embed"
	"segue/internal/mail/smtp"
	"segue/internal/onfailure"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/store"
)

// Place is where the laptop program keeps its data.
type Place struct {
	Data     string // folder of the embedded store and the issuer's key
	Endpoint string // URL of a DynamoDB, the emulator or another; [AWS]; "" for the embedded store
	Table    string // name of the table there
	// Reset begins with an empty store. The file is emptied only once it is locked; a
	// table has no lock but the port of its server, which the caller has taken then.
	Reset bool
	// NoSync does not wait for the disk, so that a power cut may damage the store: for
	// measurements.
	NoSync bool
}

// AWS is the Endpoint of the real services, with the region and the credentials that
// the environment gives. There the table is that of a deployment.
const AWS = "aws"

// App is a booted Segue in one process, with the change feed of its store.
type App struct {
	*boot.App
	API    api.Config // for [api.New]
	Issuer *issuer.Issuer
	Feed   store.Feed
	File   *embed.Store // nil on DynamoDB
	Close  func() error
}

// File is the path of the embedded store.
func (p Place) File() string { return filepath.Join(p.Data, "segue.db") }

// OpenIssuer returns the local issuer of the data folder. The first call makes its
// key.
func (p Place) OpenIssuer() (*issuer.Issuer, error) {
	issuer, err := issuer.Open(p.Data)
	if err != nil {
		return nil, err
	}
	issuer.Clock = boot.Clock()
	return issuer, nil
}

// Open boots the laptop program. The caller closes what it returns.
func (p Place) Open(ctx context.Context, log *slog.Logger) (*App, error) {
	issuer, err := p.OpenIssuer()
	if err != nil {
		return nil, err
	}
	env := boot.FromEnvironment()
	env.Table, env.KeySet = p.Table, string(issuer.JWKS())
	mail, err := openMail(env, issuer)
	if err != nil {
		return nil, err
	}
	if p.Endpoint != "" {
		return p.openDynamoDB(ctx, env, issuer, mail, log)
	}
	options := []embed.Option{embed.Clock(issuer.Clock)}
	if p.Reset {
		options = append(options, embed.Empty())
	}
	if p.NoSync {
		options = append(options, embed.NoSync())
	}
	store, err := embed.Open(p.File(), rows.Indexes(), options...)
	if err != nil {
		return nil, err
	}
	app, err := boot.New(env, store, nil, boot.Options{Freshness: sales.Freshness{Clock: issuer.Clock}, NoTimeToLive: true, Mail: mail}, log)
	if err == nil {
		err = p.admitSchema(ctx, env.Schema, app.DB.Schema(), store, issuer.Clock)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	app.Rehearse = rehearse.House{Tables: app.DB.Schema()}.Rehearse
	return &App{app, web.Config(app), issuer, store, store, store.Close}, nil
}

// openMail returns how emails are sent: over SMTP, with addresses that the issuer's key
// signs unless the environment has another one.
func openMail(env boot.Environment, issuer *issuer.Issuer) (mailing.Config, error) {
	env.TrackKey = cmp.Or(env.TrackKey, hex.EncodeToString(issuer.TrackKey()))
	if env.SMTP == "" {
		return env.Mail(nil, "SEGUE_SMTP_URL")
	}
	server, err := smtp.Open(env.SMTP, issuer.Clock)
	if err != nil {
		return mailing.Config{}, fmt.Errorf("SEGUE_SMTP_URL: %w", err)
	}
	return env.Mail(server, "SEGUE_SMTP_URL")
}

// config returns the configuration of clients of the endpoint.
func (p Place) config(ctx context.Context) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(amazon.HTTPClient())}
	if p.Endpoint != AWS {
		options = append(options, config.WithRegion("us-east-1"), config.WithBaseEndpoint(p.Endpoint),
			config.WithCredentialsProvider(aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("segue", "segue", ""))))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, fmt.Errorf("configure %s: %w", p.Endpoint, err)
	}
	return cfg, nil
}

// Failures returns the objects that Lambda's on-failure destination wrote under a URL
// of S3, at the endpoint, or on AWS where there is none.
func (p Place) Failures(ctx context.Context, url string) (*onfailure.Objects, error) {
	if p.Endpoint == "" {
		p.Endpoint = AWS
	}
	cfg, err := p.config(ctx)
	if err != nil {
		return nil, err
	}
	return onfailure.Open(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = p.Endpoint != AWS }), url)
}

// RowsOf names the rows that an event of the table's stream is about, each once.
func RowsOf(event json.RawMessage) ([]rows.Ref, error) {
	changes, err := dynamo.DecodeEvent(event)
	if err != nil {
		return nil, err
	}
	var refs []rows.Ref
	for _, change := range changes {
		ref := rows.RefOf(change.Key)
		if ref.Table == "" || ref.ID == "" {
			return nil, fmt.Errorf("change %s has no key", change.Sequence)
		}
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// openDynamoDB boots on the DynamoDB at the endpoint, with the table's stream as
// the change feed.
func (p Place) openDynamoDB(ctx context.Context, env boot.Environment, issuer *issuer.Issuer, mail mailing.Config, log *slog.Logger) (*App, error) {
	cfg, err := p.config(ctx)
	if err != nil {
		return nil, err
	}
	store := dynamo.New(dynamodb.NewFromConfig(cfg), p.Table, rows.Indexes(), dynamo.Clock(issuer.Clock))
	if p.Reset && p.Endpoint == AWS {
		return nil, errors.New("the table of a deployment is not reset")
	}
	if p.Reset {
		if err := store.Delete(ctx); err != nil {
			return nil, fmt.Errorf("reset table %s: %w", p.Table, err)
		}
	}
	if p.Endpoint != AWS { // a deployment makes its own
		if err := store.Create(ctx); err != nil {
			return nil, fmt.Errorf("make table %s: %w", p.Table, err)
		}
	}
	app, err := boot.New(env, store, nil, boot.Options{Freshness: sales.Freshness{For: boot.Fresh, Clock: issuer.Clock}, Mail: mail}, log)
	if err != nil {
		return nil, err
	}
	feed := stream.New(dynamodbstreams.NewFromConfig(cfg), p.Table, stream.Clock(issuer.Clock))
	app.Rehearse = rehearse.House{Tables: app.DB.Schema()}.Rehearse
	return &App{app, web.Config(app), issuer, feed, nil, func() error { return nil }}, nil
}
