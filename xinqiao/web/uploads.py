"""Files of a request as ingest takes them, and papers that people handed in as they are given back."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse

from xinqiao.ingest.actions import Upload
from xinqiao.kernel.papers import MEDIA_TYPES, kind_of


def as_upload(file: UploadedFile) -> Upload:
    """A small file as it is in memory; a large one where it was put on disk as it came."""
    if isinstance(file, TemporaryUploadedFile):
        return Upload(file.name or "", Path(file.temporary_file_path()))
    return Upload(file.name or "", file.read())


def posted_file(request: HttpRequest, name: str, *, most: int) -> tuple[str, bytes]:
    """Name and bytes, cut at ``most``, of a small file of a form; both empty when none was sent."""
    file = request.FILES.get(name)
    return (file.name or "", file.read(most)) if file else ("", b"")


def as_paper(name: str, kind: str, data: bytes) -> HttpResponse:
    """A paper as it was handed in, to be kept and not to be run in the page."""
    answer = HttpResponse(data, content_type=MEDIA_TYPES[kind])
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


def as_file(name: str, data: bytes) -> HttpResponse:
    """Any kept file, by how it begins; what is no paper is handed out as bytes."""
    kind = kind_of(data)
    if kind is not None:
        return as_paper(name, kind, data)
    answer = HttpResponse(data, content_type="application/octet-stream")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer
