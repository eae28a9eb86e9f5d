// Command action is the Lambda function that serves the unbound actions of the
// Web API; see [api.API.Action].
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/api"
	"segue/internal/boot/amazon"
	"segue/internal/boot/web"
	"segue/internal/lambdaio"
	"segue/internal/queue/sqs"
)

func main() {
	app, err := amazon.Function(lambdaio.Claims, sqs.Open, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.HTTP(web.API(app.App).Action(), api.Gateway{}))
}
