// Command evaluate is the Lambda function on the table's stream. It runs the
// reactions to each change of a row: segments, connections, jobs that begin.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/boot/amazon"
	"segue/internal/lambdaio"
	"segue/internal/queue/sqs"
)

func main() {
	app, err := amazon.Function(lambdaio.Claims, sqs.Open, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.Stream(app.Decode, app.Changes))
}
