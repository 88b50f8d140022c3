"""Names for ids under the names of Django Q."""

import re

from django_q import humanhash
from django_q.kernel import ids


def test_uuid_returns_four_words_and_the_id_that_they_belong_to():
    name, task_id = humanhash.uuid()

    assert re.fullmatch(r"[a-z]+(-[a-z]+){3}", name)
    assert ids.is_id(task_id)
    assert humanhash.humanize(task_id) == name
    assert humanhash.uuid()[1] != task_id
