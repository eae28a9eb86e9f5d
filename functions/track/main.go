// Command track is the Lambda function that the recipients of emails reach, without a
// token: the image, the links and the way off the list. See package recipient.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/api/recipient"
	"segue/internal/boot/amazon"
	"segue/internal/lambdaio"
)

func main() {
	app, err := amazon.Function(nil, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.HTTP(recipient.Handler(app.Mailing, app.Log), recipient.Refuser{}))
}
