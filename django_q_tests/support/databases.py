"""Which database a test run uses: an address in the environment, a server on loopback, or one of our own."""

import atexit
import hashlib
import os
import re
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django_q_tests.support.servers import NoServer, PrivateMariaDB, PrivatePostgres

ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}
VARIABLES = {"postgres": "DJANGO_Q_POSTGRES_URL", "mysql": "DJANGO_Q_MYSQL_URL"}
# The names of the machine and of the process are part of every name, so that runs beside one another do not meet.
HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
PREFIX = f"dqtest_{HOST}_"


def settings_for(vendor: str) -> dict[str, Any]:
    """Return what DATABASES["default"] is in a test run on vendor."""
    name = f"{PREFIX}{os.getpid()}"
    if vendor == "sqlite":
        # A file: the in-memory database knows one writer per process and locks otherwise than a real one.
        file = Path(tempfile.gettempdir()) / f"{name}.sqlite3"
        return from_url("sqlite:///:memory:") | {"TEST": {"NAME": str(file)}}
    url = os.environ.get(VARIABLES[vendor], "") or default_urls(vendor)[0]
    return from_url(url) | {"TEST": {"NAME": name}}


def default_urls(vendor: str) -> list[str]:
    """Where a server usually is, on loopback."""
    if vendor == "mysql":
        return ["mysql://root@127.0.0.1:3306/"]
    return ["postgres://postgres@127.0.0.1:5432/", f"postgres://{os.environ.get('USER') or 'root'}@127.0.0.1:5432/"]


def from_url(url: str) -> dict[str, Any]:
    """Translate scheme://user:password@host:port/name into a value of DATABASES."""
    parts = urlsplit(url)
    vendor = {"postgresql": "postgres", "mariadb": "mysql"}.get(parts.scheme, parts.scheme)
    database: dict[str, Any] = {"ENGINE": ENGINES[vendor], "NAME": unquote(parts.path[1:])}
    if vendor == "sqlite":
        return database | {"OPTIONS": {"timeout": 20}}
    if vendor == "postgres":
        database["NAME"] = database["NAME"] or "postgres"
    else:
        database["OPTIONS"] = {"charset": "utf8mb4"}
    return database | {
        "HOST": parts.hostname or "127.0.0.1",
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


def to_url(database: dict[str, Any]) -> str:
    """Translate a value of DATABASES into the address that from_url understands."""
    vendor = vendor_of(database)
    name = quote(str(database["NAME"]))
    if vendor == "sqlite":
        return f"sqlite:///{name}"
    login = quote(database["USER"], safe="")
    if database["PASSWORD"]:
        login += ":" + quote(database["PASSWORD"], safe="")
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"{vendor}://{login}@{database['HOST']}{port}/{name}"


def vendor_of(database: dict[str, Any]) -> str:
    return next(vendor for vendor, engine in ENGINES.items() if engine == database["ENGINE"])


def provide(vendor: str) -> str:
    """Return the address of a server for vendor, started for this run if need be; NoServer says why there is none."""
    if vendor == "sqlite":
        return ""
    variable = VARIABLES[vendor]
    if os.environ.get(variable):
        refusal = refusal_of(os.environ[variable])
        if refusal:
            raise NoServer(f"{variable} is set, but: {refusal}")
        return os.environ[variable]
    usable = next((url for url in default_urls(vendor) if not refusal_of(url)), None)
    if usable is None:
        require_driver(vendor)
        server = {"postgres": PrivatePostgres, "mysql": PrivateMariaDB}[vendor]()
        atexit.register(server.remove)
        usable = server.start().url
    # For the workers of this run, which inherit the environment.
    os.environ[variable] = usable
    return usable


def require_driver(vendor: str) -> None:
    module = {"postgres": "psycopg", "mysql": "MySQLdb"}[vendor]
    try:
        __import__(module)
    except ImportError as error:
        raise NoServer(f"the driver {module} is not installed") from error


def refusal_of(url: str) -> str:
    """Say why the server at url cannot be used, or nothing."""
    try:
        rows = execute(url, may_create_databases(url))
    except ImportError as error:
        return f"the driver is not installed ({error})"
    except Exception as error:  # Each driver has errors of its own; all of them mean no.
        return " ".join(str(error).split())
    return "" if rows and rows[0][0] else "the account may not create databases"


def may_create_databases(url: str) -> str:
    if url.startswith("mysql"):
        grants = "SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type = 'CREATE'"
        return f"{grants} AND REPLACE(grantee, '''', '') LIKE CONCAT(SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '@%')"
    return "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements outside of any transaction and return the rows of the last one."""
    database = from_url(url)
    if vendor_of(database) == "mysql":
        import MySQLdb

        connection = MySQLdb.connect(
            host=database["HOST"],
            port=int(database["PORT"] or 3306),
            user=database["USER"],
            password=database["PASSWORD"],
            connect_timeout=3,
        )
        connection.autocommit(True)
    else:
        import psycopg

        connection = psycopg.connect(
            host=database["HOST"],
            port=database["PORT"] or None,
            user=database["USER"],
            password=database["PASSWORD"] or None,
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
        )
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def sweep(url: str) -> None:
    """Drop what killed runs on this machine left behind: databases whose process is no more."""
    if not url:
        for file in Path(tempfile.gettempdir()).glob(f"{PREFIX}*.sqlite3*"):
            if not is_alive(owner_of(file.name)):
                file.unlink(missing_ok=True)
        return
    if url.startswith("mysql"):
        names = [row[0] for row in execute(url, "SHOW DATABASES")]
    else:
        names = [row[0] for row in execute(url, "SELECT datname FROM pg_database")]
    for name in names:
        if owner_of(name) and not is_alive(owner_of(name)):
            drop(url, name)


def owner_of(name: str) -> int:
    """Return the id of the process that made the database; 0 when it is not one of ours."""
    match = re.match(rf"{PREFIX}(\d+)", name)
    return int(match[1]) if match else 0


def drop(url: str, name: str) -> None:
    if url.startswith("mysql"):
        execute(url, f"DROP DATABASE IF EXISTS `{name}`")
    else:
        execute(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def describe(connection: Any) -> str:
    """Name the server behind a Django connection with its version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SELECT version()")
        version = str(cursor.fetchone()[0])
    number = re.search(r"\d+(\.\d+)+", version)
    label = "MariaDB" if "MariaDB" in version else connection.display_name
    return f"{label} {number[0] if number else version}"
