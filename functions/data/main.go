// Command data is the Lambda function that serves everything else of the Web API;
// see [api.API.Data].
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/api"
	"segue/internal/boot"
	"segue/internal/boot/web"
	"segue/internal/lambdaio"
)

func main() {
	app, err := boot.Function(lambdaio.Claims, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(lambdaio.HTTP(web.API(app).Data(), api.Gateway{}))
}
