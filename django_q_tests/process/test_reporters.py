"""An error reporter of another package, in the workers of a real cluster."""

import os

import pytest

from django_q_tests.support.clusters import Drill

MODULE = """
import sys
from pathlib import Path

class Reporter:
    def __init__(self, file):
        self.file = Path(file)

    def report(self):
        with self.file.open("a") as file:
            file.write(f"{sys.exc_info()[1]!r}\\n")
"""


@pytest.mark.once
def test_a_reporter_of_an_installed_package_is_told_by_the_worker(drill: Drill, tmp_path):
    site = tmp_path / "site"
    info = site / "some_reporter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-reporter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[djangoq.errorreporters]\nsome = some_reporter:Reporter\n")
    (site / "some_reporter.py").write_text(MODULE)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))

    drill.start(env={"PYTHONPATH": path}, error_reporter={"some": {"file": drill.file("reported")}})
    drill.until_ended(drill.enqueue("ok"), drill.enqueue("fail"), drill.enqueue("fail_async"))

    assert sorted(drill.lines("reported")) == ["ValueError('it does not work')"] * 2
