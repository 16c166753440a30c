"""Which index is in use."""

from __future__ import annotations

from django.db import models


class DirectoryIndex(models.Model):
    """An index that was built; the newest is in use. Its files lie in ``directory/<folder>`` under XINQIAO_HOME."""

    folder = models.CharField(max_length=40, unique=True)
    stamp = models.CharField(max_length=200)  # what it was made of: run and newest delivery
    run = models.CharField(max_length=60, blank=True)
    enterprises = models.BigIntegerField()
    built_at = models.DateTimeField()

    class Meta:
        db_table = "directory_index"
