"""How the documentation is built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django_q import __version__  # noqa: E402

project = "django_q"
author = "the django-q-cluster authors"
copyright = "2026, the django-q-cluster authors"
release = version = __version__

extensions = ["sphinx_design"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"django_q {release}"
nitpicky = True
