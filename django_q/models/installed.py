"""Whether the application is installed, whole, and asked for: seen before its first model is made."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

import django_q
from django_q.kernel import distributions

LABEL = "django_q"


def app_label() -> str:
    """Return the label of the application; say what to add where it is missing."""
    if not apps.is_installed(LABEL):
        raise ImproperlyConfigured(
            f'django_q is used, but it is not installed in this project. Add "{LABEL}" to INSTALLED_APPS, '
            "and run: manage.py migrate"
        )
    return LABEL


def _require_our_own_files() -> None:
    """Refuse to work with files of which some are not ours: what they would do together nobody knows."""
    if hasattr(django_q, "__version__"):
        return
    others = " and ".join(map(repr, distributions.strangers()))
    what = f"{others} was installed over" if others else "another distribution was removed together with"
    raise ImproperlyConfigured(f"{what} files of {distributions.DISTRIBUTION!r}. {distributions.remedy()}")


# When this module is imported, since the modules that follow would stumble over the first name that is not there.
_require_our_own_files()
