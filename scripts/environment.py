"""Print, one a line, the name of the table of a stack, its region, its profile, each empty
when there is none, and the parameters of its environment of samconfig.toml. Write the
template that the stack has to FILE, which is left alone when there is no stack.

usage: environment.py ENVIRONMENT FILE [OPTION of `sam deploy`…]  (with the Python of scripts/sam.sh)
"""

import argparse
import json
import sys
import tomllib

import boto3
from botocore.exceptions import ClientError


def deployed(session, stack):
    """Return the template of a stack and the name of its table, None when there is none."""
    cloudformation = session.client("cloudformation")
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None, None
        raise
    if found["StackStatus"] == "REVIEW_IN_PROGRESS":  # it is being made for the first time
        return None, None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    body = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return body if isinstance(body, str) else json.dumps(body), outputs.get("TableName")


def main():
    environment, file, *options = sys.argv[1:]
    with open("samconfig.toml", "rb") as config:
        sections = tomllib.load(config).get(environment)
    if sections is None:
        sys.exit(f"deploy.sh: samconfig.toml has no environment {environment}")
    said = {**sections["global"]["parameters"], **sections["deploy"]["parameters"]}
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("stack_name", "region", "profile"):
        parser.add_argument("--" + name.replace("_", "-"), default=said.get(name))
    given, _ = parser.parse_known_args(options)
    session = boto3.Session(region_name=given.region, profile_name=given.profile)
    template, table = deployed(session, given.stack_name)
    if template is not None:
        with open(file, "w", encoding="utf-8") as out:
            out.write(template)
    print("\n".join([table or "", session.region_name or "", given.profile or "", *said["parameter_overrides"]]))


main()
