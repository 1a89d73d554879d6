#!/usr/bin/env python3
"""Prints new Xiaomi ROM releases as they appear: pip install -r requirements.txt

    ./notify.py --server http://127.0.0.1:8000 --device alioth --region EEA --branch STABLE --type RECOVERY

Each option may be given several times. The first start begins with what comes from then on. The file that --cursor names
holds the place in the change log, and is replaced after a line is printed: killed between the two, the program prints
that line again when it comes back, and never leaves one out.
"""
import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import WebSocketException

END_OF_LOG = gql("""query EndOfLog($after: String) {
  changes(filter: { device: [] }, first: 1, after: $after) { pageInfo { hasNextPage endCursor } }
}""")
CHANGES = gql("""subscription Changes($filter: ChangeFilter, $after: String) {
  changes(filter: $filter, after: $after) {
    cursor
    node { subject { ... on Release { ...Line } ... on Package { downloadUrl release { ...Line } } } }
  }
}
fragment Line on Release { version branch releasedOn variant { codename name } }""")

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--server", default="http://127.0.0.1:8000", help="address of a romdex server")
parser.add_argument("--cursor", type=Path, default=Path("notify.cursor"), help="file that holds the place in the log")
for option in ("device", "region", "branch", "type"):
    parser.add_argument(f"--{option}", action="append", help=f"only this {option}")


def save(file: Path, cursor: str) -> None:
    """Replaces the file in one step: whoever reads it finds the old cursor or the new one."""
    new = file.with_name(file.name + ".new")
    new.write_text(cursor)
    new.replace(file)

async def follow(session, narrow: dict, file: Path) -> None:
    """Prints what is new from the stored place on, until the connection ends."""
    cursor, is_first = (file.read_text(), False) if file.exists() else (None, True)
    while is_first:  # what is in the log already is history
        page = (await session.execute(END_OF_LOG, variable_values={"after": cursor}))["changes"]["pageInfo"]
        cursor, is_first = page["endCursor"], page["hasNextPage"]
    if cursor:
        save(file, cursor)
    async for answer in session.subscribe(CHANGES, variable_values={"filter": narrow, "after": cursor}):
        subject = answer["changes"]["node"]["subject"]
        release = subject.get("release", subject)
        line = [release["variant"]["name"], release["variant"]["codename"], release["version"], release["branch"]]
        print(*line, release["releasedOn"] or "-", subject.get("downloadUrl", "-"), sep="\t", flush=True)
        save(file, answer["changes"]["cursor"])

async def main() -> None:
    options = vars(parser.parse_args())
    url, file = options.pop("server").replace("http", "ws", 1).rstrip("/") + "/graphql", options.pop("cursor")
    # With a type the news is the file, which may come days after its release; a beta that becomes stable is news as well.
    kind = ["PACKAGE_ADDED" if options["type"] else "RELEASE_ADDED"]
    kind += ["RELEASE_PROMOTED"] if options["branch"] and "STABLE_BETA" not in options["branch"] else []
    narrow = {"kind": kind} | {name: values for name, values in options.items() if values}
    while True:
        try:
            transport = WebsocketsTransport(url, subprotocols=["graphql-transport-ws"], ping_interval=30, pong_timeout=10)
            async with Client(transport=transport) as session:
                await follow(session, narrow, file)
        except (TransportError, WebSocketException, OSError) as error:
            print(f"{error}; trying again", file=sys.stderr)
        await asyncio.sleep(5)

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
