// Command action is the Lambda function of that name; api says what it serves.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/api"
	"segue/internal/boot"
	"segue/internal/lambdaio"
)

func main() {
	app, err := boot.Function(context.Background(), lambdaio.Claims)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.HTTP(api.New(app.API).Action(), api.Gateway{}))
}
