"""Listens to changes with gql, by one of its transports, for listening.js: what happens is told as lines of JSON.

    follow.py TRANSPORT URL DOCUMENT START RESUMING

Where a connection breaks it subscribes anew, with the cursor that RESUMING names. Lines that it is given: a document, to be
refused beside what is listened to; and the end of the input, to end.
"""

import asyncio
import json
import logging
import sys

from aiohttp import ClientError
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import WebSocketException

# A transport that cannot connect does not close its session, which is told when that is thrown away.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)

SOCKET = {"subprotocols": ["graphql-transport-ws"]}
TRANSPORTS = {
    "websockets": lambda url: WebsocketsTransport(url.replace("http", "ws", 1), **SOCKET),
    "aiohttp-websockets": lambda url: AIOHTTPWebsocketsTransport(url.replace("http", "ws", 1), **SOCKET),
    "aiohttp": lambda url: AIOHTTPTransport(url),
}

transport, url, document, start, resuming = sys.argv[1:]
cursors = {"last": start, "never": start, "start": start}
session = None


def say(**what) -> None:
    print(json.dumps(what), flush=True)


def keep(cursor: str | None) -> None:
    cursors["last"], cursors["never"] = cursor, None


async def follow() -> None:
    """Listens until it is cancelled."""
    global session
    while True:
        try:
            async with Client(transport=TRANSPORTS[transport](url)) as session:
                values = {"after": cursors[resuming]}
                async for answer in session.subscribe(gql(document), variable_values=values):
                    keep(answer["changes"]["cursor"])
                    say(edge=answer["changes"])
        except TransportQueryError as error:
            say(complaint=str(error))
        except (TransportError, ClientError, WebSocketException, OSError):
            pass
        await asyncio.sleep(0.05)


async def refused(wrong: str) -> list:
    """The codes of the errors that a document is answered with."""
    try:
        async for answer in session.subscribe(gql(wrong)):
            return [f"it is answered: {answer}"]
    except TransportQueryError as error:
        return [error["extensions"]["code"] for error in error.errors]
    return []


async def main() -> None:
    following = asyncio.create_task(follow())
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(refused=await refused(json.loads(line)))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


asyncio.run(main())
