"""The import contracts of setup.cfg."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from django_q_tests.architecture.source import ROOT


def test_every_import_contract_is_kept():
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("import-linter is not installed in this environment")

    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
