"""``python -m django_q_tests.benchmarks.admin``: each page of the admin over a large history, on PostgreSQL.

Prints, for each page, the milliseconds that its statements took at the fastest of five visits, how many there were, and
the kilobytes of HTML; exits with 1 if a page took longer than it may.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django_q_tests.benchmarks.places import Place
from django_q_tests.support import databases

MOST = 50.0  # milliseconds in the database
_VISITS = 5
_FILL = """
INSERT INTO django_q_history (
    id, name, func, "group", cluster, queue, priority, enqueued_at, started, stopped, success, attempt_count, crashes,
    reason, error, traceback, errors, options, worker, hook_error, args, kwargs, result)
SELECT
    lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008' || substr(md5(n::text), 1, 15),
    'name-' || n, 'shop.tasks.function_' || n % 40, 'group-' || n % {groups}, 'default', 'queue-' || n % 5, 0,
    moment - interval '2 seconds', moment - interval '1 second', moment, n % 10 > 0, 1, 0,
    CASE WHEN n % 10 > 0 THEN NULL ELSE 'error' END, CASE WHEN n % 10 > 0 THEN '' ELSE 'ValueError: no' END, '', '',
    '', 'host:1', '', decode(repeat('51', 300), 'hex'), decode(repeat('51', 60), 'hex'),
    decode(repeat('51', 900), 'hex')
FROM (SELECT n, now() - n * interval '0.6 seconds' AS moment FROM generate_series(1, {rows}) AS n) AS numbers
"""
_PAGES = (
    "/admin/", "incarnation/dashboard/", "success/", "failure/", "ormq/", "schedule/", "incarnation/", "success/?p=40",
    "success/?q=name-77", "success/?q=group-7", "failure/?q=shop.tasks.function_7",
    "success/?func=shop.tasks.function_7",
    "success/?queue=queue-3", "success/?group=group-77", "failure/?reason=error", "success/?_facets=True",
    "success/{success}/change/", "failure/{failure}/change/", "incarnation/group/group-77/",
)  # fmt: skip


def main() -> int:
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place.create("postgres", Path(folder))
        try:
            command = [sys.executable, "-m", __spec__.name, "--inside", str(options.rows), str(options.groups)]
            # The project of the tests, since that of the benchmarks has no pages.
            chosen = {"DJANGO_SETTINGS_MODULE": "django_q_tests.settings.process"}
            address = {"DJANGO_Q_TEST_DATABASE_URL": databases.to_url(place.settings)}
            return subprocess.run(command, env=place.env() | chosen | address).returncode
        finally:
            place.drop()


def measure(rows: int, groups: int) -> int:
    """Fill the database of the settings, visit every page, and report."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(rows=rows, groups=groups))
        cursor.execute("VACUUM ANALYZE")
        found = {}
        for word, success in (("success", True), ("failure", False)):
            cursor.execute("SELECT id FROM django_q_history WHERE success = %s LIMIT 1", [success])
            found[word] = cursor.fetchone()[0]
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    seen = [_visit(client, page.format(**found)) for page in _PAGES]
    for line in seen:
        print(f"{line['ms']:8.1f} ms {line['statements']:4} statements {line['kb']:7.0f} kB  {line['page']}")
    for line in seen:
        if line["ms"] > MOST:
            print(f"\n{line['page']}: {line['worst']['time']} s: {line['worst']['sql']}")
    slow = [line["page"] for line in seen if line["ms"] > MOST]
    print(json.dumps({"rows": rows, "groups": groups, "slowest_ms": max(line["ms"] for line in seen), "slow": slow}))
    return 1 if slow else 0


def _visit(client: Any, page: str) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    url = page if page.startswith("/") else f"/admin/django_q/{page}"
    visits = []
    for _ in range(_VISITS):
        with CaptureQueriesContext(connection) as captured:
            response = client.get(url, follow=True)
        if response.status_code != 200:
            raise SystemExit(f"{url}: {response.status_code}")
        visits.append((sum(float(query["time"]) for query in captured) * 1000, list(captured)))
    spent, queries = min(visits, key=lambda visit: visit[0])
    worst = max(queries, key=lambda query: float(query["time"]))
    return {
        "page": page,
        "ms": spent,
        "statements": len(queries),
        "worst": worst,
        "kb": len(response.content) / 1000,
    }


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m django_q_tests.benchmarks.admin", description=__doc__)
    made.add_argument("--rows", type=int, default=1_000_000)
    made.add_argument("--groups", type=int, default=100_000)
    return made


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(measure(int(sys.argv[2]), int(sys.argv[3])))
    sys.exit(main())
