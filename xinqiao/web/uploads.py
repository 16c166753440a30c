"""Files of a request as ingest takes them."""

from __future__ import annotations

from pathlib import Path

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from xinqiao.ingest.actions import Upload


def as_upload(file: UploadedFile) -> Upload:
    """A small file as it is in memory; a large one where it was put on disk as it came."""
    if isinstance(file, TemporaryUploadedFile):
        return Upload(file.name or "", Path(file.temporary_file_path()))
    return Upload(file.name or "", file.read())
