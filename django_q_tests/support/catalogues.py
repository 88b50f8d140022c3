"""The compiled catalogues, and which of their English texts a page still shows."""

import re
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import django_q

PACKAGE = Path(django_q.__file__).parent
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
_CONTEXT = "\x04"
_SPOKEN = ("aria-label", "title", "alt", "placeholder", "data-row", "data-selected", "data-unselected")
_SHORTEST = 12  # characters; a shorter text may be a name, or a word that the language shares


def compiled(file: Path) -> dict[Any, str]:
    """Return what a compiled catalogue holds, by text, or by text and number of the plural form."""
    with file.open("rb") as stream:
        return dict(GNUTranslations(stream)._catalog)  # type: ignore[attr-defined]


def text_of_key(key: Any) -> str:
    """Return the English text of an entry, without its context."""
    text = key[0] if isinstance(key, tuple) else key
    return text.rpartition(_CONTEXT)[2]


class _Spoken(HTMLParser):
    """What a page says to those who see it, and to those who hear it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("script", "style")
        is_button = tag == "input" and dict(attrs).get("type") == "submit"
        names = (*_SPOKEN, "value") if is_button else _SPOKEN
        self.texts += [value for name, value in attrs if name in names and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def spoken(page: str) -> str:
    """Return the texts of a page, one a line."""
    parser = _Spoken()
    parser.feed(page)
    return "\n".join(" ".join(text.split()) for text in parser.texts if text.strip())


class English:
    """The English texts that a language has other words for."""

    def __init__(self, language: str) -> None:
        found: set[str] = set()
        for file in sorted(PACKAGE.rglob(f"locale/{language}/LC_MESSAGES/*.mo")):
            found |= {text_of_key(key) for key, told in compiled(file).items() if text_of_key(key) != told}
        texts = [text for text in sorted(found) if len(PLACE.sub("", text)) > _SHORTEST]
        self.patterns = {text: (_longest_part(text), _pattern(text)) for text in texts}

    def left_in(self, page: str) -> list[str]:
        """Return those that a page shows nevertheless."""
        text = spoken(page)
        lowered = text.lower()
        # Most are not there at all, and to see that needs no pattern.
        maybe = [(each, pattern) for each, (part, pattern) in self.patterns.items() if part in lowered]
        return [each for each, pattern in maybe if pattern.search(text)]


def _longest_part(text: str) -> str:
    return max(PLACE.split(text), key=len).lower()


def _pattern(text: str) -> re.Pattern[str]:
    anything = r"[^\n]+?"
    return re.compile(rf"(?<!\w){anything.join(map(re.escape, PLACE.split(text)))}(?!\w)", re.IGNORECASE)
