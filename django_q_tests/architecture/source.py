"""The source files of django_q, parsed once."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "django_q"


@dataclass(frozen=True)
class Source:
    """One module: its place, its text and its tree."""

    path: Path

    @cached_property
    def name(self) -> str:
        """The path below django_q, with slashes: kernel/clock.py."""
        return self.path.relative_to(PACKAGE).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    def __str__(self) -> str:
        return self.name


@cache
def sources() -> tuple[Source, ...]:
    """Every module of django_q but the migrations, which Django writes."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple(Source(path) for path in paths if "migrations" not in path.relative_to(PACKAGE).parts)
