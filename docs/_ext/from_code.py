"""Directives whose content is read from the code, so that a page cannot say something else."""

from collections.abc import Callable, Iterable, Iterator

import declared
import measured
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Writer = Callable[[list[str]], Iterable[str]]


class FromCode(SphinxDirective):
    """Writes what the code says of the names in its content, or of everything."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        lines = DIRECTIVES[self.name](" ".join(self.content).split())
        return self.parse_text_to_nodes("\n".join(lines))


def of_each(writer: Callable[[str], Iterable[str]]) -> Writer:
    """Return a writer for several names."""

    def write(names: list[str]) -> Iterator[str]:
        for name in names:
            yield from writer(name)

    return write


def of_all(writer: Callable[[], Iterable[str]]) -> Writer:
    """Return a writer that needs no names."""
    return lambda names: writer()


DIRECTIVES: dict[str, Writer] = {
    "q-settings": declared.settings_text,
    "q-replaced-settings": of_all(declared.replaced_text),
    "q-signals": of_all(declared.signals_text),
    "q-signals-of": of_each(declared.signals_text),
    "q-background-settings": of_all(declared.background_text),
    "q-class": of_each(declared.class_text),
    "q-errors": of_all(declared.errors_text),
    "q-commands": of_each(declared.command_text),
    "q-members": of_each(declared.members_text),
    "q-transitions": of_all(declared.transitions_text),
    **measured.DIRECTIVES,
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name in DIRECTIVES:
        app.add_directive(name, FromCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
