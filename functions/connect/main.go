// Command connect is the Lambda function of that name; api says what it answers.
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
	handler := api.New(app.Sales, app.Auth, app.Public, app.Table, app.Log).Handler("connect")
	lambda.Start(lambdaio.HTTP(handler, api.Gateway{}))
}
