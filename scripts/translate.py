"""Print template.yaml as SAM translates it for CloudFormation, as JSON.

usage: translate.py [PARAMETER=VALUE…]     (with the Python of scripts/sam.sh)
"""

import json
import sys

from samcli.commands._utils.template import get_template_data
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse


class NoManagedPolicies:
    """Every function has a role of its own, so the names of AWS's policies are not needed."""

    @staticmethod
    def load():
        return {}


def main():
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    template = get_template_data("template.yaml")
    defaults = {n: p["Default"] for n, p in template["Parameters"].items() if "Default" in p}
    validator = SamTemplateValidator(
        template, NoManagedPolicies, region="us-east-1", parameter_overrides={**defaults, **given}
    )
    json.dump(yaml_parse(validator.get_translated_template_if_valid()), sys.stdout, default=str)


main()
