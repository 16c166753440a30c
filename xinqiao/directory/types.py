"""What the directory answers: entries, lists with their counts, events and refusals. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, Refused, SourceFailed


@dataclass(frozen=True, slots=True)
class Entry:
    """An enterprise as anybody may find it: what is public by law and nothing else."""

    code: str
    name: str
    division: str
    industry: str
    status: str
    registered_on: date | None


@dataclass(frozen=True, slots=True)
class Found:
    """Enterprises that match, the shortest names first. ``total`` None = more than were counted."""

    entries: tuple[Entry, ...]
    total: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a list asks of an enterprise; what is empty or None asks nothing. Divisions and industries by beginning."""

    grades: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    division: str = ""
    industry: str = ""
    score_from: int | None = None
    score_to: int | None = None
    coverage_from: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An enterprise in a list by facts: public entry, then what the last published run found."""

    entry: Entry
    grade: str
    score: int
    coverage: int
    size: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, by score downwards; ``after`` is where the next one begins, empty at the end."""

    lines: tuple[Line, ...]
    total: int
    after: str


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The index in use: how many enterprises, of which run, made when."""

    enterprises: int
    run: str
    built_at: datetime


SEARCHED = Event("directory.searched", "检索企业名录", "directory searched")
EXPORTED = Event("directory.exported", "导出企业名单", "list of enterprises exported")
BUILT = Event("directory.built", "更新企业名录", "directory rebuilt")


class NoDirectory(SourceFailed):
    """There is no index yet."""

    code = "directory.none"
    title = "企业名录还没有生成"
    next_step = "请等待后台任务生成，或运行 xinqiao directory rebuild"

    def __init__(self) -> None:
        super().__init__(retry=True)


class DirectoryOutdated(SourceFailed):
    """The sharing list has changed; the evaluations in the index rest on another one."""

    code = "directory.outdated"
    title = "共享清单已更换，企业名单正在按新清单重新评价"
    next_step = "请等待重新评价完成后再查，或运行 xinqiao evaluate"

    def __init__(self) -> None:
        super().__init__(retry=True)


class TooShort(Invalid):
    """Too little was typed to find anything by."""

    code = "directory.too_short"
    title = "请多写一些：名称至少两个字，拼音首字母至少三个，代码至少四位"
    next_step = "写出企业名称中连续的两个字，或统一社会信用代码的开头"


class WrongFilter(Invalid):
    """A filter or the place of a page cannot be read; every fault is named."""

    code = "directory.wrong_filter"
    title = "筛选条件有 {count} 处不能识别"
    next_step = "请按下列说明修改"


class TooMany(Refused):
    """An export of more enterprises than one may hold; data: ``total``, ``most``."""

    code = "directory.too_many"
    title = "名单有 {total} 家，一次最多导出 {most} 家"
    clause = "最小必要（个人信息保护法第六条参照；工作草案）"
    next_step = "请收窄条件后再导出"
