"""Starts the program over a database of its own, on a free port."""

import contextlib
import os
import re
import subprocess
import tempfile


@contextlib.contextmanager
def serve(**environment):
    """Gives the server's address; the server runs until the block ends."""
    program = os.environ.get("ROMDEX_BIN")
    if not program:
        raise SystemExit("ROMDEX_BIN must name the built program")
    with tempfile.TemporaryDirectory(prefix="romdex-audit-") as folder:
        database = f"sqlite://{folder}/romdex.sqlite"
        process = subprocess.Popen(
            [program, "serve", "--database-url", database, "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in process.stdout:
                found = re.search(r"listening on (http://\S+)", line)
                if found:
                    yield found[1]
                    break
            else:
                raise SystemExit(f"the program ended with {process.wait()} before it listened")
        finally:
            process.terminate()
            process.wait(30)
