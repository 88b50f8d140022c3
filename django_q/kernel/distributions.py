"""Which installed distributions own a package: two of them have written over each other's files."""

from functools import lru_cache
from importlib import metadata

PACKAGE = "django_q"
DISTRIBUTION = "django-q-cluster"


@lru_cache(maxsize=1)
def owners() -> tuple[str, ...]:
    """Return the installed distributions that hold our package, each once, ours first."""
    # Not packages_distributions(): Python 3.10 knows only those that list their packages in top_level.txt.
    names = {_name(each) for each in metadata.distributions() if _holds_the_package(each)}
    return tuple(sorted(names, key=lambda name: (name != DISTRIBUTION, name)))


def strangers() -> tuple[str, ...]:
    """Return the distributions besides ours that bring a package of our name."""
    return tuple(name for name in owners() if name != DISTRIBUTION)


def remedy() -> str:
    """Return what to type after files were mixed or lost."""
    if strangers():
        names = " ".join(dict.fromkeys((DISTRIBUTION, *owners())))
        return f"Uninstall both, then install ours: pip uninstall -y {names} && pip install {DISTRIBUTION}"
    return f"Install it again: pip install --force-reinstall --no-deps {DISTRIBUTION}"


def _name(distribution: metadata.Distribution) -> str:
    return (distribution.metadata["Name"] or "").lower().replace("_", "-")


def _holds_the_package(distribution: metadata.Distribution) -> bool:
    if PACKAGE in (distribution.read_text("top_level.txt") or "").split():
        return True
    files = distribution.read_text("RECORD") or ""
    return f"\n{PACKAGE}/" in f"\n{files}"
