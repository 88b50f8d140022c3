"""What the scripts beside this one share: a copy of the checkout, an empty environment, commands that may not fail."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_IGNORED = shutil.ignore_patterns(".*", "build", "dist", "_build", "*.egg-info", "__pycache__", "*.sqlite3*")
_UNWANTED = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "Q_CLUSTER_NAME")


def copy_of_checkout(place: Path) -> Path:
    """Copy what is here, so that no leftover of an earlier build gets into a wheel, and none is left here."""
    return Path(shutil.copytree(ROOT, place, ignore=_IGNORED))


def wheel(folder: Path) -> Path:
    source = copy_of_checkout(folder / "source")
    run(sys.executable, "-m", "pip", "-qq", "wheel", "--no-deps", "-w", str(folder), str(source))
    return next(folder.glob("*.whl"))


def python(folder: Path) -> str:
    """Make an environment and return its interpreter."""
    venv.create(folder, with_pip=True)
    return str(folder / "bin" / "python")


def pip(interpreter: str, *arguments: str) -> None:
    run(interpreter, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments)


def project(interpreter: str, folder: Path) -> Path:
    """Make a project whose settings have our line, and return its folder."""
    folder.mkdir()
    run(interpreter, "-m", "django", "startproject", "site_", str(folder), cwd=folder)
    add_line(folder / "site_" / "settings.py", '"django_q",')
    return folder


def add_line(settings: Path, line: str) -> None:
    text = settings.read_text()
    settings.write_text(text.replace("INSTALLED_APPS = [", f"INSTALLED_APPS = [\n    {line}", 1))


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _UNWANTED}


def run(*command: str, cwd: Path | None = None, timeout: float = 300) -> str:
    """Run a command that may not fail, and return what it printed."""
    done = attempt(*command, cwd=cwd, timeout=timeout)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def attempt(*command: str, cwd: Path | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=timeout)


def expect(condition: bool, complaint: str) -> None:
    if not condition:
        sys.exit(complaint)
