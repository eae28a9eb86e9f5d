// Package amazon boots Segue on AWS: with its table in DynamoDB, its queue in SQS, and
// logs and metrics for CloudWatch. It is apart from boot, so that what has another store,
// as the tests of the domain have, does not link AWS's SDK.
//
// Invariant: rules, reactions and handlers are those of [boot.New].
package amazon

import (
	"cmp"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// amazon is what Lambda tells a function about AWS: its region and the credentials of
// its role, which are good for as long as the process lives. The SDK's own loader of
// configurations also knows files, profiles, sign-on and other machines' metadata, which
// a function never has (docs/decisions/0022).
type amazon struct {
	region      string // AWS_REGION
	credentials aws.Credentials
	// endpoints in place of those of the region, for the emulator and `sam local`:
	// AWS_ENDPOINT_URL_DYNAMODB, _SQS and _SESV2, else AWS_ENDPOINT_URL.
	dynamodb, sqs, ses string
}

// amazonFromEnvironment returns the amazon of this process.
func amazonFromEnvironment() amazon {
	everywhere := os.Getenv("AWS_ENDPOINT_URL")
	return amazon{
		region: os.Getenv("AWS_REGION"),
		credentials: aws.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
		},
		dynamodb: cmp.Or(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), everywhere),
		sqs:      cmp.Or(os.Getenv("AWS_ENDPOINT_URL_SQS"), everywhere),
		ses:      cmp.Or(os.Getenv("AWS_ENDPOINT_URL_SESV2"), everywhere),
	}
}

// config returns the configuration of a client of the service at an endpoint, or at
// that of the region where there is none.
func (a amazon) config(endpoint string) aws.Config {
	cfg := aws.Config{
		Region:      a.region,
		Credentials: credentials.StaticCredentialsProvider{Value: a.credentials},
		HTTPClient:  HTTPClient(),
	}
	if endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	return cfg
}

func (a amazon) dynamoDB() *dynamodb.Client { return dynamodb.NewFromConfig(a.config(a.dynamodb)) }

// Limits of the HTTP client for AWS. A try that takes longer than tryEnds is worth
// another one: DynamoDB responds in milliseconds.
const (
	tryEnds = 5 * time.Second
	idle    = 32 // connections a host: twice the rows that a batch follows at the same time
)

// HTTPClient returns the HTTP client for AWS. The SDK's own has no time limit, and keeps
// ten idle connections a host: the requests of a batch above that would each begin with
// a handshake of TLS. How long all tries of a request may take is said by its context.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(tryEnds).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idle
	})
}
