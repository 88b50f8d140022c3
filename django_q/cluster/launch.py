"""The first thing that runs in a child: set Django up, then become the role. Imports no model itself."""

import logging
import sys
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import django
from django.apps import apps

from django_q.cluster import logs
from django_q.cluster.role import BOOT_FAILED, Berth

logger = logging.getLogger("django_q.cluster")


_ROLES = ("worker", "pusher", "monitor", "keeper")


def preload() -> None:
    """Import what the children are, so that those that are forked share it. Django has to be set up."""
    for role in _ROLES:
        import_module(f"django_q.cluster.{role}")


@dataclass(frozen=True, slots=True)
class Recruit:
    """Which role a child takes, in plain values: with forkserver and spawn it is read before Django is set up."""

    module: str  # in django_q.cluster
    role: str  # the class there
    options: dict[str, Any] = field(default_factory=dict)


def launch(recruit: Recruit, berth: Berth) -> None:
    """Become a role: this is the target of the process."""
    try:
        if not apps.ready:  # forkserver and spawn start with an empty interpreter
            django.setup()
        role = getattr(import_module(f"django_q.cluster.{recruit.module}"), recruit.role)
    except Exception:  # the wall around everything that can go wrong before there is a role
        logs.configure(berth.log_level, as_json=berth.json_logs)
        logger.critical("The %s could not start.", recruit.module, exc_info=True)
        sys.exit(BOOT_FAILED)
    role(berth, **recruit.options).run()
