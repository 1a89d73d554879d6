"""The real program over a database of a test's own, with the starter catalogue."""

import json
import os
import re
import subprocess
import tempfile
import urllib.request
from pathlib import Path

PROGRAM = Path(os.environ.get("ROMDEX_BIN", Path(__file__).parents[2] / "target/debug/romdex")).resolve()

# Longer than anything takes, on a busy machine too.
PATIENCE = 60


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROMDEX__")} | more


class Server:
    """A running server; a context manager that ends it and takes its database away."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="romdex-examples-")
        self.folder = Path(self._folder.name)
        self.environment = clean_environment(ROMDEX__DATABASE__POLL_INTERVAL_MS="50")
        self._serving = self._run("serve", "--listen", "127.0.0.1:0", stdout=subprocess.PIPE, text=True)
        for line in self._serving.stdout:
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
                return
        raise AssertionError(f"{PROGRAM} ended before it listened")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self._serving.terminate()
        self._serving.wait(PATIENCE)
        self._serving.stdout.close()
        self._folder.cleanup()

    def _run(self, *arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [PROGRAM, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, **options
        )

    def command(self, *arguments: str) -> None:
        """Runs a command of the program to its end."""
        ran = self._run(*arguments, stdout=subprocess.DEVNULL)
        if code := ran.wait(PATIENCE):
            raise AssertionError(f"{' '.join(arguments)} ended with {code}")

    def import_packages(self, *filenames: str) -> None:
        """Imports packages, each by its file name, as a new state of the archive brings them."""
        header = {"kind": "header", "format": "romdex export", "version": 1, "credit": "made up for a test"}
        said = {"branches": ["STABLE"], "sizes": [3_100_000_000], "dates": ["2026-09-01"], "mirrors": 31}
        lines = [header, *({"kind": "package", "filename": filename, "said": said} for filename in filenames)]
        path = self.folder / "new.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.command("import", "--strict", str(path))

    def ask(self, query: str) -> dict:
        """The data of an answer."""
        request = urllib.request.Request(
            f"{self.url}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]
