"""Pages that show what to type and what is printed: read from the source, performed in real terminals, compared."""

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import django

from django_q_tests.support.bookings import addresses_at
from django_q_tests.support.own_database import ROOT

PATIENCE = 120.0
FIRST = "first terminal"
LEFT_OUT = "not-in-the-test"
# What runs until Ctrl-C.
STAYS = re.compile(r"qcluster|runserver|\.devices")
PROMPT = re.compile(r"(^|\n)>>> $")
# What differs from run to run.
MASKS = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "<moment>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<time>"),
    (re.compile(r"\b\d{10}\.\d{3}\b"), "<unix time>"),
    (re.compile(r"\b\d+ (workers?|experiments)\b"), r"<number> \1"),
]


@dataclass
class Block:
    """A block of code on a page."""

    page: str
    language: str
    caption: str
    is_left_out: bool
    lines: list[str]

    def typed(self, prompt: str) -> Iterator[tuple[str, list[str]]]:
        """Yield what is typed, and the lines that stand below it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith(prompt):
                found.append((line.removeprefix(prompt), []))
            elif found and line:
                found[-1][1].append(line)
        yield from found


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page, in their order."""
    pattern = r"^\.\. code-block:: (\w+)\n((?: +:.*\n)*)\n?((?:(?: {3}.*)?\n)+)"
    for language, options, body in re.findall(pattern, page.read_text(encoding="utf-8") + "\n", re.MULTILINE):
        caption = re.search(r":caption: (.*)", options)
        text = dedent(body).strip("\n")
        yield Block(page.stem, language, caption[1] if caption else "", LEFT_OUT in options, text.split("\n"))


def pages_of(folder: Path) -> list[Path]:
    """Return the pages in the order of the index."""
    index = (folder / "index.rst").read_text(encoding="utf-8")
    names = re.findall(r"^   (\w+)$", index.partition(".. toctree::")[2], re.MULTILINE)
    return [folder / f"{name}.rst" for name in names]


def mask(line: str) -> str:
    for pattern, word in MASKS:
        line = pattern.sub(word, line)
    return line.rstrip()


def pattern_of(masked: str) -> re.Pattern[str]:
    """Return a pattern that finds a line of a page, whatever stands where it is masked."""
    return re.compile(re.sub(r"<[a-z\\ ]+>", ".+?", re.escape(masked)))


def with_lines(source: str, lines: list[str]) -> str:
    """Add to a list in a source what a page adds to it."""
    head, opening, rest = source.partition(f"{lines[0]}\n")
    before, closing, after = rest.partition("\n]\n")
    assert opening and closing and lines[-1] == "]", lines
    new = [line for line in lines[1:-1] if not line.strip().startswith("#")]
    return head + opening + "\n".join([before, *new]) + closing + after


def terminal_module() -> Any:
    """Return the module of the terminals, which the scripts of the project have."""
    spec = importlib.util.spec_from_file_location("terminal", ROOT / ".ci" / "terminal.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Reader:
    """Somebody who does what the pages say, in a directory of the test.

    ``ports`` says which ports to use instead of those of the pages, which others may have.
    """

    folder: Path
    ports: dict[str, str]
    project: str = "laboratory"
    compared: int = 0
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.terminals = {FIRST: self.open()}
        self.is_at_prompt = False  # of Python, in the first terminal

    @property
    def devices(self) -> str:
        return self.ports["8022"]

    def open(self) -> Any:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
        environment = inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        return terminal_module().Terminal(self.folder, environment)

    # Do --------------------------------------------------------------------------------------------------------------

    def do(self, block: Block) -> None:
        """Perform a block, and see that it does what it shows."""
        if block.is_left_out:
            self.left_out += block.lines
            return
        doers: dict[str, Callable[[Block], None]] = {"console": self.type, "pycon": self.ask, "python": self.write}
        doers[block.language](block)

    def type(self, block: Block) -> None:
        terminal = self.terminal(block.caption or FIRST)
        commands = list(block.typed("$ "))
        for command, shown in commands:
            if STAYS.search(command):
                terminal.type(self.command(command))
                self.wait_for(terminal, shown)
                continue
            status, lines = terminal.run(self.command(command), within=PATIENCE)
            assert status == 0, "\n".join([command, *lines])
            if shown:
                self.compare(command, shown, lines)
        if not commands:
            self.wait_for(terminal, block.lines)

    def ask(self, block: Block) -> None:
        terminal = self.terminals[FIRST]
        if not self.is_at_prompt:
            terminal.type(block.lines[0].removeprefix("$ "))
            terminal.shows(PROMPT, within=PATIENCE)
            self.is_at_prompt = True
        for command, shown in block.typed(">>> "):
            typed = self.replaced(command)
            terminal.type(typed)
            lines = terminal.shows(PROMPT, within=PATIENCE)
            printed = [line for line in lines if line not in ("", ">>>", typed, f">>> {typed}")]
            self.compare(command, shown, printed)

    def write(self, block: Block) -> None:
        """Change a file as the caption says."""
        name, _, where = block.caption.partition(", ")
        if "before Django 6.1" in where and django.VERSION >= (6, 1):
            return
        file = self.folder / self.project / name
        if where.startswith("at the end"):
            file.write_text("\n".join([file.read_text(), *block.lines, *self.addresses(block), ""]))
        elif block.lines[0].endswith("= ["):
            file.write_text(with_lines(file.read_text(), block.lines))
        else:
            file.write_text("\n".join([*block.lines, ""]))

    def addresses(self, block: Block) -> list[str]:
        """Return where the devices are, below the settings of the editor, if they cannot be where the page has them."""
        if self.devices == "8022" or not block.lines[0].startswith("EXPERIMENTEDITOR"):
            return []
        return [f"EXPERIMENTEDITOR |= {addresses_at(f'http://127.0.0.1:{self.devices}/')!r}"]

    # See -------------------------------------------------------------------------------------------------------------

    def terminal(self, caption: str) -> Any:
        """Return the terminal of this name; a new one goes to the project first."""
        if caption not in self.terminals:
            self.terminals[caption] = self.open()
            self.terminals[caption].run(f"cd {self.project}", within=PATIENCE)
        return self.terminals[caption]

    def wait_for(self, terminal: Any, shown: list[str]) -> None:
        """Wait until lines are on the screen, the last of them and so all."""
        wanted = [mask(self.replaced(line)) for line in shown if line != "…"]
        terminal.shows(pattern_of(wanted[-1]), within=PATIENCE)
        there = [mask(line) for line in terminal.lines()]
        for line in wanted:
            assert line in there, (line, there)
            self.compared += 1

    def compare(self, command: str, shown: list[str], printed: list[str]) -> None:
        there = [mask(self.replaced(line)) for line in shown]
        here = [mask(line) for line in printed if line]
        assert there == here, f"{command}\n\nThe page shows {there}\nand it printed {here}"
        self.compared += len(there)

    def replaced(self, text: str) -> str:
        """Return a text of a page with the ports that are used in place of its own."""
        for there, here in self.ports.items():
            text = text.replace(f"127.0.0.1:{there}", f"127.0.0.1:{here}")
        return text

    def command(self, typed: str) -> str:
        if typed.endswith("runserver") and self.ports["8000"] != "8000":
            return f"{typed} {self.ports['8000']}"
        if typed.endswith(".devices") and self.devices != "8022":
            return f"{typed} --port {self.devices}"
        return self.replaced(typed)

    # End -------------------------------------------------------------------------------------------------------------

    def leave(self) -> dict[str, int]:
        """Press Ctrl-C in each terminal in which something runs; return how it ended."""
        running = {name: terminal for name, terminal in self.terminals.items() if name != FIRST}
        for terminal in running.values():
            terminal.interrupt()
        return {name: terminal.finish(within=PATIENCE)[0] for name, terminal in running.items()}

    def close(self) -> None:
        for terminal in self.terminals.values():
            terminal.close()
