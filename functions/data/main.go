// Command data is the Lambda function that serves everything else of the Web API;
// see [api.API.Data].
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/api"
	"segue/internal/boot/amazon"
	"segue/internal/boot/web"
	"segue/internal/lambdaio"
)

func main() {
	app, err := amazon.Function(lambdaio.Claims, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.HTTP(web.API(app.App).Data(), api.Gateway{}))
}
