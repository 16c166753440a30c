"""Files that are made anew as a whole: each edition lies in a folder of its own and is in use once a row names it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from django.db import transaction

from xinqiao.plumbing import settings as node
from xinqiao.plumbing.locks import hold_name

KEPT = 2  # the one in use, and the one that readers may still have open
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Editions:
    """The editions of one thing: the folder of their folders in the node's home, the lock, the table that names them.

    The table's rows have ``folder`` and ``stamp``: what the edition was made of.
    """

    name: str
    lock: str
    rows: Any

    def folder(self, edition: str) -> Path:
        """Where the files of an edition lie."""
        return node.home() / self.name / edition

    def in_use(self) -> Path | None:
        """The folder of the newest edition, None when there is none, or its files are gone."""
        edition = self.rows.objects.order_by("-id").values_list("folder", flat=True).first()
        place = None if edition is None else self.folder(edition)
        return place if place is not None and place.is_dir() else None

    def is_fresh(self, stamp: str) -> bool:
        """Whether the newest edition is made of that."""
        newest = self.rows.objects.order_by("-id").first()
        return newest is not None and newest.stamp == stamp

    def make(self, write: Callable[[Path], Made], publish: Callable[[str, Made], None], *, now: datetime) -> Made:
        """Write a new edition into its folder and put it in use; the oldest ones go.

        ``write`` makes the files, which are whole on disk before ``publish`` makes the row, in the transaction that
        puts the edition in use.
        """
        edition = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        place = self.folder(edition)
        place.mkdir(parents=True)
        made = write(place)
        for path in place.iterdir():  # an edition that was named must be whole after a power cut
            with path.open("rb") as file:
                os.fsync(file.fileno())
        with transaction.atomic():
            hold_name(self.lock)
            publish(edition, made)
            old = list(self.rows.objects.order_by("-id")[KEPT:])
            self.rows.objects.filter(id__in=[row.id for row in old]).delete()
        for gone in old:
            shutil.rmtree(self.folder(gone.folder), ignore_errors=True)
        return made


def save_table(table: pa.Table, path: Path) -> None:
    """Write a table so that it can be mapped into memory."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
