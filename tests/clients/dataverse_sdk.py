"""Microsoft's SDK of Dataverse for Python, PowerPlatform-Dataverse-Client: rows one by
one and many at once, queries, tables, batches, data frames.

It knows nothing but https. Prints one line: how many of its steps passed, and how many
it has; below it those that did not. Ends with an error if there are any.
"""

import os
import sys
import time
from importlib.metadata import version

import pandas
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models import ExpandOption, UpsertItem, col

MISSING = "00000000-0000-4000-8000-000000000001"
MARK = f"python {time.time():.0f}"
OWN = f"companyname eq '{MARK}'"


class Credential:
    """A credential whose token is that of the environment."""

    def get_token(self, *scopes, **options):
        return AccessToken(os.environ["SEGUE_TOKEN"], int(time.time()) + 3600)


client = DataverseClient(os.environ["SEGUE_URL"], Credential())
ids = {}
steps = []


def step(function):
    """Adds a step to the scenario."""
    steps.append(function)
    return function


def lead(**columns):
    return {"companyname": MARK, **columns}


def topics(rows):
    return [row["subject"] for row in rows]


def refused(status, call, *args, **options):
    """Has the server refuse a call with a status."""
    try:
        call(*args, **options)
    except HttpError as error:
        assert error.status_code == status, error
        return
    raise AssertionError("not refused")


@step
def create():
    ids["first"] = client.records.create("lead", lead(subject="first", leadsourcecode=1))
    assert len(ids["first"]) == 36


@step
def create_with_a_label():
    made = client.records.create("lead", lead(subject="labelled", leadsourcecode="Advertisement"))
    assert client.records.retrieve("lead", made, select=["leadsourcecode"])["leadsourcecode"] == 1
    client.records.delete("lead", made)


@step
def create_many():
    ids["many"] = client.records.create("lead", [lead(subject="second"), lead(subject="third")])
    assert len(ids["many"]) == 2


@step
def create_refused():
    refused(400, client.records.create, "lead", {"nosuch": 1})


@step
def retrieve():
    row = client.records.retrieve("lead", ids["first"], select=["subject", "leadsourcecode"], include_annotations="*")
    assert row["subject"] == "first"
    assert row["leadsourcecode@OData.Community.Display.V1.FormattedValue"] == "Advertisement"


@step
def retrieve_nothing():
    assert client.records.retrieve("lead", MISSING) is None


@step
def update():
    client.records.update("lead", ids["first"], {"subject": "changed"})
    assert client.records.retrieve("lead", ids["first"], select=["subject"])["subject"] == "changed"


@step
def update_nothing():
    refused(404, client.records.update, "lead", MISSING, {"subject": "x"})


@step
def update_many_alike():
    client.records.update("lead", ids["many"], {"jobtitle": "Buyer"})
    assert len(client.records.list("lead", filter=f"{OWN} and jobtitle eq 'Buyer'", select=["subject"])) == 2


@step
def update_many_apart():
    client.records.update("lead", ids["many"], [{"subject": "b"}, {"subject": "c"}])
    assert topics(client.records.list("lead", filter=f"{OWN} and jobtitle eq 'Buyer'", select=["subject"], orderby=["subject desc"])) == ["c", "b"]


@step
def upsert():
    number = str(int(time.time() * 1000))
    item = UpsertItem(alternate_key={"accountnumber": number}, record={"name": f"{MARK} account"})
    client.records.upsert("account", [item])
    client.records.upsert("account", [UpsertItem(alternate_key={"accountnumber": number}, record={"name": f"{MARK} renamed"})])
    rows = client.records.list("account", filter=f"accountnumber eq '{number}'", select=["name"])
    assert [row["name"] for row in rows] == [f"{MARK} renamed"]
    ids["account"] = rows[0]["accountid"]


@step
def upsert_many():
    numbers = [f"{time.time() * 1000:.0f}{i}" for i in range(2)]
    client.records.upsert("account", [UpsertItem(alternate_key={"accountnumber": n}, record={"name": f"{MARK} {n}"}) for n in numbers])
    assert len(client.records.list("account", filter=f"accountnumber in ('{numbers[0]}','{numbers[1]}')", select=["name"])) == 2


@step
def list_pages():
    pages = list(client.records.list_pages("lead", filter=OWN, select=["subject"], orderby=["subject"], page_size=2))
    assert [topics(page) for page in pages] == [["b", "c"], ["changed"]]


@step
def list_top():
    rows = client.records.list("lead", filter=OWN, select=["subject"], orderby=["subject"], top=1, page_size=2, count=True)
    assert topics(rows)[:1] == ["b"]


@step
def bind_and_expand():
    client.records.update("lead", ids["first"], {"parentaccountid@odata.bind": f"/accounts({ids['account']})"})
    row = client.records.retrieve("lead", ids["first"], select=["subject"], expand=["parentaccountid"])
    assert row["parentaccountid"]["name"] == f"{MARK} renamed"


@step
def builder():
    rows = (
        client.query.builder("lead")
        .select("subject")
        .where((col("companyname") == MARK) & ((col("subject") == "b") | (col("subject").startswith("chan"))))
        .order_by("subject", descending=True)
        .expand(ExpandOption("parentaccountid").select("name"))
        .count()
        .execute()
    )
    assert topics(rows) == ["changed", "b"]


@step
def builder_functions():
    where = (col("companyname") == MARK) & col("subject").in_(["b", "c"]) & col("leadsourcecode").is_null()
    rows = client.query.builder("lead").select("subject").where(where).order_by("subject").execute()
    assert topics(rows) == ["b", "c"]


@step
def builder_not():
    where = (col("companyname") == MARK) & ~(col("subject") == "b") & col("subject").not_in(["c"])
    assert topics(client.query.builder("lead").select("subject").where(where).execute()) == ["changed"]


@step
def fetchxml():
    xml = f"""<fetch count="2"><entity name="lead"><attribute name="subject"/><order attribute="subject"/>
      <filter><condition attribute="companyname" operator="eq" value="{MARK}"/></filter></entity></fetch>"""
    pages = list(client.query.fetchxml(xml).execute_pages())
    assert [topics(page) for page in pages] == [["b", "c"], ["changed"]]


@step
def table():
    info = client.tables.get("lead")
    assert info["entity_set_name"] == "leads"
    assert info["primary_id_attribute"] == "leadid" if "primary_id_attribute" in info else True


@step
def table_that_is_not_there():
    assert client.tables.get("new_nothing") is None


@step
def columns():
    rows = client.tables.list_columns("lead", select=["LogicalName", "AttributeType"])
    assert {"LogicalName": "leadsourcecode", "AttributeType": "Picklist"}.items() <= next(r for r in rows if r["LogicalName"] == "leadsourcecode").items()


@step
def relationships():
    assert any(one["SchemaName"] == "lead_parent_account" for one in client.tables.list_table_relationships("lead"))


@step
def keys():
    assert [key.key_attributes for key in client.tables.get_alternate_keys("account")] == [["accountnumber"]]


@step
def batch():
    batch = client.batch.new()
    batch.records.create("lead", lead(subject="in a batch"))
    batch.records.retrieve("lead", ids["first"], select=["subject"])
    batch.records.update("lead", ids["first"], {"subject": "batched"})
    result = batch.execute()
    assert not result.has_errors, result.failed
    assert result.responses[1].data["subject"] == "changed"


@step
def batch_change_set():
    batch = client.batch.new()
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": f"{MARK} parent"})
        changes.records.create("contact", {"lastname": "Child", "parentcustomerid_account@odata.bind": account})
    result = batch.execute()
    assert not result.has_errors, result.failed
    row = client.records.retrieve("contact", result.entity_ids[1], select=["_parentcustomerid_value"])
    assert row["_parentcustomerid_value"] == result.entity_ids[0]


@step
def batch_continues():
    batch = client.batch.new()
    batch.records.retrieve("lead", MISSING, select=["subject"])
    batch.records.retrieve("lead", ids["first"], select=["subject"])
    result = batch.execute(continue_on_error=True)
    assert [response.status_code for response in result.responses] == [404, 200]


@step
def data_frame():
    made = client.dataframe.create("lead", pandas.DataFrame([lead(subject="framed"), lead(subject="framed too")]))
    assert len(made) == 2
    client.dataframe.delete("lead", made)


@step
def delete():
    client.records.delete("lead", ids["first"])
    assert client.records.retrieve("lead", ids["first"]) is None


@step
def delete_many():
    job = client.records.delete("lead", ids["many"])
    assert len(job) == 36
    for _ in range(100):
        if client.records.retrieve("lead", ids["many"][0], select=["subject"]) is None and client.records.retrieve("lead", ids["many"][1], select=["subject"]) is None:
            return
        time.sleep(0.1)
    raise AssertionError("still there")


def main():
    failures = []
    for function in steps:
        try:
            function()
        except Exception as error:  # whatever it is, the other steps are tried too
            text = " ".join(f"{type(error).__name__} {error}".split())
            failures.append(f"  not: {function.__name__}: {text[:300]}")
    print(f"{'PowerPlatform-Dataverse':24} {version('PowerPlatform-Dataverse-Client'):8} {len(steps) - len(failures)}/{len(steps)}")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
