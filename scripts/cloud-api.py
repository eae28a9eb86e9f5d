"""Finish a stack that is deployed to the emulator, and describe it.

The emulator makes an HTTP API, but not the routes, integrations and authorizers
that SAM writes into its body, and it starts no mapping with a limit of its own. This
makes up for both, from the template as the stack has it, so what is driven is what
the template says. It prints the stack as JSON, or changes nothing and prints the host
of the API, or how often a function was called.

usage: cloud-api.py ENDPOINT STACK [host | calls FUNCTION]
"""

import json
import re
import sys

import botocore.session


def clients(endpoint):
    session = botocore.session.get_session()

    def client(service):
        return session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="segue",  # the emulator takes any; nothing here may reach an account
            aws_secret_access_key="segue",
        )

    return client


class Stack:
    def __init__(self, cloudformation, name):
        self.name = name
        body = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
        self.template = body if isinstance(body, dict) else json.loads(body)
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        self.parameters = {p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]}
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.pseudo = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::StackName": name}

    def resolve(self, value):
        """Resolve Ref and Fn::Sub, all that the body of an API has."""
        if isinstance(value, list):
            return [self.resolve(v) for v in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return self.named(value["Ref"])
        if set(value) == {"Fn::Sub"}:
            return re.sub(r"\$\{([^}]+)\}", lambda m: self.named(m[1]), value["Fn::Sub"])
        return {k: self.resolve(v) for k, v in value.items()}

    def named(self, name):
        for known in (self.pseudo, self.parameters, self.physical):
            if name in known:
                return known[name]
        raise SystemExit(f"cloud-api.py: the template refers to {name}, which the stack does not have")

    def of_type(self, kind):
        return [n for n, r in self.template["Resources"].items() if r["Type"] == kind]


    def api(self):
        """Return the logical and the physical name of the API."""
        (logical,) = self.of_type("AWS::ApiGatewayV2::Api")
        return logical, self.physical[logical]

    def host(self, endpoint):
        return f"{self.api()[1]}.execute-api.{endpoint.removeprefix('http://').replace('127.0.0.1', 'localhost')}"


def make_routes(gateway, stack):
    """Make what the body of the API says; return the function of each route."""
    logical, api = stack.api()
    body = stack.resolve(stack.template["Resources"][logical]["Properties"]["Body"])
    authorizers = {}
    for name, scheme in body["components"]["securitySchemes"].items():
        said = scheme["x-amazon-apigateway-authorizer"]
        configuration = said["jwtConfiguration"]
        audience = configuration["audience"]
        authorizers[name] = gateway.create_authorizer(
            ApiId=api,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[said["identitySource"]],
            JwtConfiguration={
                "Issuer": configuration["issuer"],
                "Audience": audience if isinstance(audience, list) else audience.split(","),
            },
        )["AuthorizerId"]
    logical_names = {stack.physical[n]: n for n in stack.of_type("AWS::Lambda::Function")}
    routes = {}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            said = operation["x-amazon-apigateway-integration"]
            function = re.search(r"functions/(.+)/invocations$", said["uri"])[1]
            integration = gateway.create_integration(
                ApiId=api,
                IntegrationType=said["type"].upper(),
                IntegrationUri=function,
                IntegrationMethod=said["httpMethod"],
                PayloadFormatVersion=said["payloadFormatVersion"],
            )["IntegrationId"]
            key = f"{method.upper()} {path}"
            (security,) = operation["security"]
            (name,) = security
            authorization = {"AuthorizationType": "NONE"}
            if name != "NONE":
                authorization = {"AuthorizationType": "JWT", "AuthorizerId": authorizers[name]}
            gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integration}", **authorization)
            routes[key] = logical_names[function.split(":")[-2]]
    return routes


def mend_mappings(functions, stack):
    """Give mappings the number that the emulator keeps as text, and then cannot compare."""
    for name in stack.of_type("AWS::Lambda::EventSourceMapping"):
        scaling = stack.template["Resources"][name]["Properties"].get("ScalingConfig")
        if scaling:
            most = int(stack.resolve(scaling)["MaximumConcurrency"])
            functions.update_event_source_mapping(UUID=stack.physical[name], ScalingConfig={"MaximumConcurrency": most})


def filters(functions, stack):
    """Return the patterns of each filter that the mappings have, which must be the template's."""
    found = {}
    for name in stack.of_type("AWS::Lambda::EventSourceMapping"):
        said = stack.template["Resources"][name]["Properties"].get("FilterCriteria", {"Filters": []})
        kept = functions.get_event_source_mapping(UUID=stack.physical[name]).get("FilterCriteria", {"Filters": []})
        if kept != said:
            raise SystemExit(f"cloud-api.py: the filters of {name} are {kept}, the template has {said}")
        for number, each in enumerate(said["Filters"], 1):
            found[f"{name} {number}"] = each["Pattern"]
    return found


def calls(logs, group):
    """Return how often a function was called, by the lines of the runtime in its log."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return sum(e["message"].startswith("START RequestId") for page in pages for e in page["events"])


def main():
    endpoint, name, *verb = sys.argv[1:]
    client = clients(endpoint)
    stack = Stack(client("cloudformation"), name)
    if verb:
        print(calls(client("logs"), stack.physical[verb[1].replace("Function", "Log")]) if verb[0] == "calls" else stack.host(endpoint))
        return
    routes = make_routes(client("apigatewayv2"), stack)
    mend_mappings(client("lambda"), stack)
    print(
        json.dumps(
            {
                "endpoint": endpoint,
                "host": stack.host(endpoint),
                "routes": routes,
                "functions": {n: stack.physical[n] for n in stack.of_type("AWS::Lambda::Function")},
                "mappings": {n: stack.physical[n] for n in stack.of_type("AWS::Lambda::EventSourceMapping")},
                "filters": filters(client("lambda"), stack),
                "schedules": {n: stack.physical[n] for n in stack.of_type("AWS::Scheduler::Schedule")},
                "table": stack.physical["Table"],
                "bucket": stack.physical["FailureBucket"],
                "queue": stack.physical["JobQueue"],
                "set": stack.physical["MailConfigurationSet"],
            },
            indent=2,
        )
    )


main()
