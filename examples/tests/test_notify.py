"""notify.py against the real program: each new release once, also when it is killed."""

import queue
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from server import PATIENCE, Server

NOTIFY = Path(__file__).parents[1] / "notify.py"


class Notifier:
    """A running notify.py."""

    def __init__(self, server: Server, *arguments: str) -> None:
        self.cursor = server.folder / "notify.cursor"
        self.running = subprocess.Popen(
            [sys.executable, NOTIFY, "--server", server.url, "--cursor", self.cursor, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reading = threading.Thread(target=lambda: [self.lines.put(line) for line in self.running.stdout])
        self.reading.start()

    def next(self) -> list[str]:
        """The columns of the next line."""
        return self.lines.get(timeout=PATIENCE).rstrip("\n").split("\t")

    def wait_for_cursor(self, not_this: str = "") -> str:
        """The place in the log, as soon as it is another."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.cursor.exists() and (cursor := self.cursor.read_text()) != not_this:
                return cursor
            time.sleep(0.02)
        raise AssertionError("the cursor does not move")

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()
        self.reading.join()
        self.running.stdout.close()


class LengthTest(unittest.TestCase):
    def test_it_is_short_enough_to_be_copied(self) -> None:
        self.assertLess(len(NOTIFY.read_text().splitlines()), 80)


class NotifyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = self.enterContext(Server())

    def start(self, *arguments: str) -> Notifier:
        notifier = Notifier(self.server, *arguments)
        self.addCleanup(notifier.kill)
        return notifier

    def test_a_release_is_printed_once_across_a_kill_and_a_restart(self) -> None:
        options = ("--device", "alioth", "--region", "EEA", "--branch", "STABLE", "--type", "RECOVERY")
        notifier = self.start(*options)
        begun = notifier.wait_for_cursor()
        self.server.import_packages(
            "miui_ALIOTHEEAGlobal_OS1.0.7.0.TKHEUXM_0a1b2c3d4e_13.0.zip",
            "miui_ALIOTHINGlobal_V14.0.9.0.TKHINXM_4a1b2c3d4e_13.0.zip",
        )
        name, codename, version, branch, date, url = notifier.next()
        self.assertEqual(
            (name, codename, version, branch, date),
            ("POCO F3", "alioth_eea_global", "OS1.0.7.0.TKHEUXM", "STABLE", "2026-09-01"),
        )
        self.assertTrue(url.endswith("/OS1.0.7.0.TKHEUXM/miui_ALIOTHEEAGlobal_OS1.0.7.0.TKHEUXM_0a1b2c3d4e_13.0.zip"), url)
        notifier.wait_for_cursor(begun)
        notifier.kill()

        self.server.import_packages("miui_ALIOTHEEAGlobal_OS1.0.8.0.TKHEUXM_1a1b2c3d4e_13.0.zip")
        notifier = self.start(*options)
        self.assertEqual(notifier.next()[2], "OS1.0.8.0.TKHEUXM")
        self.server.import_packages("miui_ALIOTHEEAGlobal_OS1.0.9.0.TKHEUXM_3a1b2c3d4e_13.0.zip")
        self.assertEqual(notifier.next()[2], "OS1.0.9.0.TKHEUXM")
        self.assertTrue(notifier.lines.empty())

    def test_without_a_type_a_release_is_printed_however_many_packages_it_has(self) -> None:
        notifier = self.start("--device", "alioth")
        notifier.wait_for_cursor()
        self.server.import_packages(
            "miui_ALIOTHEEAGlobal_OS1.0.8.0.TKHEUXM_1a1b2c3d4e_13.0.zip",
            "alioth_eea_global_images_OS1.0.8.0.TKHEUXM_20260901.0000.00_13.0_eea_2a1b2c3d4e.tgz",
        )
        self.assertEqual(notifier.next()[2:], ["OS1.0.8.0.TKHEUXM", "STABLE", "2026-09-01", "-"])
        self.server.import_packages("miui_ALIOTHINGlobal_V14.0.9.0.TKHINXM_4a1b2c3d4e_13.0.zip")
        self.assertEqual(notifier.next()[2], "V14.0.9.0.TKHINXM")
        self.assertTrue(notifier.lines.empty())


if __name__ == "__main__":
    unittest.main()
