// Command advance is the Lambda function that the schedule calls every minute. It
// takes up the rows that are due, whatever table they are of.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/boot/amazon"
	"segue/internal/lambdaio"
	"segue/internal/mail/ses"
	"segue/internal/queue/sqs"
)

func main() {
	app, err := amazon.Function(lambdaio.Claims, sqs.Open, ses.Open)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.InTime(app.Advance.Pass))
}
