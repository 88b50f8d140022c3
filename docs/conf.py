"""How the documentation is built."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from django_q import __version__  # noqa: E402

project = "django_q"
author = "the django-q-cluster authors"
copyright = "2026, the django-q-cluster authors"
release = version = __version__

extensions = ["sphinx_design", "from_code"]
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = f"django_q {release}"
default_role = "literal"
nitpicky = True
# Types that belong to Python and Django, whose documentation lies elsewhere.
nitpick_ignore_regex = [
    (r"py:.*", r"(str|int|float|bool|dict|bytes|object|callable|None|datetime|timedelta|UUID)"),
    (r"py:.*", r"(uuid|datetime|asyncio|collections|typing|django)\..*"),
]
