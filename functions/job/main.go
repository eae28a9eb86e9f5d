// Command job is the Lambda function on the queue of jobs. It works on the tasks of
// long work: ending the connections of a sequence, unlinking a deleted segment,
// counting.
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
	lambda.Start(lambdaio.Queue(app.Tasks()))
}
