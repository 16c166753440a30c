"""A node of a benchmark's own: an empty home and database that vanish with it."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SEED = 20260101
ACTOR = "system:benchmark"


@contextmanager
def fresh_node(kept: Path | None = None) -> Iterator[Path]:
    """Set Django up on an empty home, and on an empty database beside DATABASE_URL when that is set; once a process.

    With ``kept`` the home is that folder, as an earlier call left it, and stays; its database is then SQLite within it.
    The environment is read when Django starts, so nothing of ours may be imported before this is entered.
    """
    home = kept or Path(tempfile.mkdtemp(prefix="xinqiao-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    if kept:
        os.environ.pop("DATABASE_URL", None)
    for name in ("XINQIAO_LAKE", "XINQIAO_EVIDENCE", "XINQIAO_KEYS", "XINQIAO_SPARK"):
        os.environ.pop(name, None)
    os.environ["XINQIAO_HOME"] = str(home / "node")
    try:
        with _database():
            importlib.import_module("xinqiao.config.boot")
            from django.core.management import call_command
            from django.db import connections

            call_command("migrate", verbosity=0)
            connections.close_all()  # a fork must not share one
            yield home
            connections.close_all()
    finally:
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _database() -> Iterator[None]:
    """SQLite in the home by default; else a new database on the server that DATABASE_URL names."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgresql"):
        os.environ.pop("DATABASE_URL", None)
        yield
        return
    import psycopg

    name = f"xinqiao_bench_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    try:
        yield
    finally:
        os.environ["DATABASE_URL"] = url
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def database_name() -> str:
    """Which kind of database the node runs on, for the table."""
    from django.db import connection

    return "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"


def write_sample(folder: Path, *, firms: int, seed: int = SEED, dirt: float = 0.0, months: int | None = None) -> None:
    """Write a sample province's delivery files, dated up to the end of last month."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.catalogue.sample.generate import generate
    from xinqiao.plumbing.settings import content_dir

    generate(
        load_catalogue(content_dir()),
        folder,
        firms=firms,
        seed=seed,
        until=last_month_end(),
        content=content_dir(),
        dirt=dirt,
        months=months,
    )


def deliver_sample(folder: Path) -> int:
    """Hand in every item of a written sample, each by the department that answers for it; the rows accepted."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.plumbing.settings import content_dir

    rows = 0
    for item in load_catalogue(content_dir()):
        uploads = [Upload(p.name, p.read_bytes()) for p in sorted((folder / item.code).glob("*"))]
        if uploads:
            now = datetime.now(UTC)
            rows += receive(item, uploads, provider=item.department.code, actor=ACTOR, now=now).accepted
    return rows


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_month_end() -> date:
    """The last day of the month before this one."""
    return datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
