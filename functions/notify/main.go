// Command notify is the Lambda function that takes in what SES tells of emails: that one
// was delivered, came back, or was complained about.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/boot/amazon"
	"segue/internal/lambdaio"
)

func main() {
	app, err := amazon.Function(nil, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.Queue(app.Notifications()))
}
