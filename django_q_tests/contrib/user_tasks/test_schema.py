"""What OpenAPI says of the REST API is valid, is complete, and is what the API does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q_tests.support.own_database import ROOT
from django_q_tests.support.rest import served

pytestmark = pytest.mark.once

# More of them find more and take longer.
EXAMPLES = os.environ.get("DJANGO_Q_TEST_EXAMPLES", "4")
STATES = ("Pending", "In Progress", "Exporting x", "Failed")

ANSWERS = {
    "get /tasks/": {"200", "400", "403"},
    "get /tasks/{uuid}/": {"200", "403", "404"},
    "delete /tasks/{uuid}/": {"204", "403", "404"},
    "post /tasks/{uuid}/cancel/": {"200", "403", "404"},
    "get /artifacts/": {"200", "400", "403"},
    "get /artifacts/{uuid}/": {"200", "403", "404"},
}


def test_drf_spectacular_describes_every_answer_and_complains_of_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "django", "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "django_q_tests.support.described"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0 and not done.stderr, done.stderr
    described = json.loads(done.stdout)
    operations = [
        (f"{verb} {path}", what) for path, verbs in described["paths"].items() for verb, what in verbs.items()
    ]
    assert {name: set(what["responses"]) for name, what in operations} == ANSWERS
    assert set(described["components"]["schemas"]) == {"UserTaskStatus", "UserTaskArtifact"}


def test_a_server_does_what_the_description_says(own_database, tmp_path):
    """Schemathesis sends what fits the description and what does not, as an owner, and follows the links it finds."""
    ann = get_user_model().objects.create_user("ann", password="secret")
    for number in range(12):
        row = UserTaskStatus.objects.create(
            user=ann, task_id=str(uuid4()), name=f"Export {number}", state=STATES[number % 4], total_steps=number
        )
        UserTaskArtifact.objects.create(status=row, text="done", url="https://example.org/")

    with served() as origin:
        program = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{origin}/schema/"]
        options = ["--auth", "ann:secret", "--checks", "all", "--max-examples", EXAMPLES, "--seed", "1"]
        done = subprocess.run([*program, *options], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    # It has not only asked for rows that there are not.
    rows = UserTaskStatus.objects.all()
    assert rows.count() < 12 or rows.filter(state="Canceled").exists()
