"""Which register of subjects is in use."""

from __future__ import annotations

from django.db import models


class SubjectRegister(models.Model):
    """A register that was built; the newest is in use. Its files lie in ``subjects/<folder>`` under XINQIAO_HOME."""

    folder = models.CharField(max_length=40, unique=True)
    stamp = models.CharField(max_length=200)  # what it was made of: the newest file of each registry item
    subjects = models.BigIntegerField()
    names = models.BigIntegerField()
    built_at = models.DateTimeField()

    class Meta:
        db_table = "subjects_register"
