"""ariadne-codegen makes a typed client of the schema and every operation, and the client talks to the running program."""

import datetime
import os
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here / "build"))

from romdex_client import Client  # noqa: E402
from romdex_client.enums import OperatingSystem, Region  # noqa: E402

client = Client(url=os.environ["ROMDEX_URL"] + "/graphql")

history = client.history(codename="alioth", os=[OperatingSystem.HYPEROS], first=3)
assert history.device is not None and history.device.releases.nodes, history
for release in history.device.releases.nodes:
    assert release.os is OperatingSystem.HYPEROS and release.version.startswith("OS"), release
    assert release.variant.region in Region
    assert isinstance(release.released_on, datetime.date), release

assert client.is_it_a_codename(text="nothing of this name").device is None

operations = len(list((here.parent / "operations").glob("*.graphql")))
methods = [name for name in vars(Client) if not name.startswith("_")]
assert len(methods) == operations, f"{len(methods)} methods for {operations} operations"
print(f"ariadne-codegen: {operations} operations, and the program answers the client")
