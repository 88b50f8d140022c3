"""The arguments of a call, as they are typed in a terminal."""

import ast
import re
from collections.abc import Iterable
from typing import Any

_KEYWORD = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def parse(words: Iterable[str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and keyword arguments. A word is a Python literal, or else the text itself.

    ``name=value`` is a keyword; quotes around a whole word keep it a text: ``"'a=b'"``. Of a keyword that is given
    twice the last one counts.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in words:
        keyword = _KEYWORD.fullmatch(word)
        if keyword:
            kwargs[keyword[1]] = literal(keyword[2])
        else:
            args.append(literal(word))
    return tuple(args), kwargs


def literal(word: str) -> Any:
    """Return what a word means in Python; a word that means nothing is a text."""
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return word
