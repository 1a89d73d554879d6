"""/metrics, read by the strict parser of Prometheus's own library, and what the figures say of what is asked."""

import json
import os
import pathlib
import re
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

SERVER = os.environ["ROMDEX_URL"]
GUIDE = (pathlib.Path(__file__).parent.parent / "docs/operating.md").read_text()


def text() -> str:
    with urllib.request.urlopen(f"{SERVER}/metrics", timeout=30) as answer:
        assert answer.headers.get_content_type() == "application/openmetrics-text", answer.headers["content-type"]
        return answer.read().decode()


def ask(query: str) -> None:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{SERVER}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def read(page: str) -> tuple[dict, dict]:
    """The families by their names, and the values of all samples that only grow."""
    families = {family.name: family for family in text_string_to_metric_families(page)}
    # the one thing that the parser passes over
    samples = [line.rsplit(" ", 1)[0] for line in page.splitlines() if not line.startswith("#")]
    if len(set(samples)) < len(samples):
        raise ValueError("a sample comes twice")
    growing = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }
    return families, growing


def is_taken(page: str) -> bool:
    try:
        read(page)
    except ValueError:
        return False
    return True


before = text()
_, counted = read(before)
questions = 3
for _ in range(questions):
    ask("{ catalog { revision } }")
ask("{ nothing }")
families, after = read(text())
for family in families.values():
    is_ours = family.name.startswith(("romdex_", "process_"))
    assert is_ours and family.type != "unknown" and family.documentation, family
for sample, value in counted.items():
    assert after.get(sample, -1) >= value, f"{sample} was {value} and is {after.get(sample)}"


def grown(name: str, **labels: str) -> float:
    sample = (name, *sorted(labels.items()))
    return after.get(sample, 0) - counted.get(sample, 0)


assert grown("romdex_graphql_operations_total", outcome="complete") >= questions
assert grown("romdex_graphql_errors_total", code="GRAPHQL_VALIDATION_FAILED") >= 1
assert grown("romdex_graphql_operation_seconds_count") >= questions

# what the guide names is there, but for what only exists after something has happened
told = {name.removesuffix("_total") for name in re.findall(r"^\| `(romdex_[a-z_]+)`", GUIDE, re.MULTILINE)}
missing = {name for name in told if not any(family.startswith(name.removesuffix("_info")) for family in families)}
assert len(told) > 15 and not missing - {"romdex_upstream_succeeded_timestamp_seconds", "romdex_upstream_failures"}, missing

# the parser has an eye for what is wrong
sample = next(line for line in before.splitlines() if line.startswith("romdex_graphql_operations_total"))
for what, wrong in {
    "an end that is missing": before.replace("# EOF", ""),
    "a sample that comes twice": before.replace(sample, f"{sample}\n{sample}"),
    "a value that is no number": before.replace(sample, sample.rsplit(" ", 1)[0] + " many"),
    "a bucket that is missing": re.sub(r'.*le="\+Inf".*\n', "", before),
}.items():
    assert wrong != before and not is_taken(wrong), f"nobody notices {what}"
print(f"metrics: {len(families)} families, {len(after)} samples that only grow")
