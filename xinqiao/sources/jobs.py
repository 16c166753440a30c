"""The regular pull."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django_tasks import task

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.sources.pulling import pull
from xinqiao.sources.queries import connections, links
from xinqiao.sources.types import Mode

log = logging.getLogger(__name__)


@task()
def pull_sources() -> int:
    """One pass over every connection that is pulled, as a chore of the job queue; how many files or runs were taken."""
    taken, leads = 0, links()
    for connection in connections():
        if connection.mode is Mode.SERVICE or connection.code not in leads:
            continue
        try:
            found = pull(connection.code, now=datetime.now(UTC))
        except XinqiaoError as error:  # one connection keeps no other waiting
            log.warning("%s %s", connection.code, error.message)
            continue
        taken += found.taken
        for fault in found.faults:
            log.warning("%s %s", connection.code, fault)
    return taken
