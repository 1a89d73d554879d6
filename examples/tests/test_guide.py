"""The examples of docs/bots.md: each prints what the guide says.

A block of sh or Python is followed by one of text, which is what it prints. They run in order against one server, and a release
comes in where the guide has the comment that says so. A program that does not end by itself is ended when it has printed
as many lines as the guide shows.
"""

import os
import queue
import re
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from server import PATIENCE, PROGRAM, Server

GUIDE = Path(__file__).parents[2] / "docs/bots.md"
ADDRESS = "127.0.0.1:8000"
RELEASE = "miui_ALIOTHEEAGlobal_OS1.0.7.0.TKHEUXM_0a1b2c3d4e_13.0.zip"
STEP = re.compile(
    r"<!-- (?P<event>a release comes in) -->|"
    r"^```(?P<language>sh|python)\n(?P<code>(?:(?!```).*\n)*)```\n\n```text\n(?P<said>(?:(?!```).*\n)*)```$",
    re.MULTILINE,
)


def printed(server: Server, language: str, code: str, count: int) -> list[str]:
    """The first lines that an example prints, as many as wanted."""
    code = code.replace(ADDRESS, server.url.removeprefix("http://"))
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    running = subprocess.Popen(
        command,
        cwd=server.folder,
        env=server.environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reading = threading.Thread(target=read, args=(running, lines))
    reading.start()
    found, end = [], time.monotonic() + PATIENCE
    try:
        while len(found) < count:
            line = lines.get(timeout=max(0, end - time.monotonic()))
            if line is None:
                break
            found.append(line.rstrip("\r\n"))
    except queue.Empty:
        found.append("(and no more, for a minute)")
    finally:
        os.killpg(running.pid, 9)
        running.wait()
        reading.join()
        running.stdout.close()
    return found


def read(running: subprocess.Popen, lines: queue.Queue) -> None:
    """Hands on each line as it is printed, and None at the end."""
    for line in running.stdout:
        lines.put(line)
    lines.put(None)


class GuideTest(unittest.TestCase):
    maxDiff = None

    def test_every_example_prints_what_the_guide_says(self) -> None:
        examples = 0
        with Server() as server:
            for step in STEP.finditer(GUIDE.read_text()):
                if step["event"]:
                    server.import_packages(RELEASE)
                    continue
                said = step["said"].splitlines()
                with self.subTest(example=step["code"]):
                    self.assertEqual(printed(server, step["language"], step["code"], len(said)), said)
                examples += 1
        # What is shown of webhooks and feeds without what it prints has tests of its own, in tests/it.
        rest = STEP.sub("", GUIDE.read_text())
        rest = re.sub(r"^## (?:Webhooks|Feeds)$.*?(?=^## )", "", rest, flags=re.MULTILINE | re.DOTALL)
        self.assertNotRegex(rest, r"(?m)^```(?:sh|python)$", "an example without what it prints")
        self.assertGreater(examples, 4)


if __name__ == "__main__":
    unittest.main()
