"""The five families of failure, each leaf with a permanent code, a clause and a next step.

A leaf class declares ``code``, ``title`` (Chinese, with ``{names}`` filled from the data given when it is
raised), ``clause`` and ``next_step``. Texts are translated where they are shown, never here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


def fill(pattern: str, data: Mapping[str, Any], *, comma: str = "、") -> str:
    """A sentence with its data filled in; several values of one place are joined by ``comma``."""
    return pattern.format_map(_Blank({k: comma.join(v) if isinstance(v, tuple) else v for k, v in data.items()}))


class Phrase(str):
    """A Chinese sentence that still knows its pattern and data, so that it can be said in another language.

    ``Phrase("缺少“{name}”", name="税种")`` is the text ``缺少“税种”``; data are texts, numbers or tuples of texts.
    """

    __slots__ = ("data", "pattern")
    pattern: str
    data: Mapping[str, Any]

    def __new__(cls, pattern: str, **data: Any) -> Phrase:
        """The sentence with its data filled in."""
        phrase = super().__new__(cls, fill(pattern, data))
        phrase.pattern, phrase.data = pattern, data
        return phrase


class XinqiaoError(Exception):
    """Base of every anticipated failure; ``status`` is the HTTP status it becomes."""

    code: ClassVar[str] = "xinqiao.error"
    title: ClassVar[str] = "操作未能完成"
    clause: ClassVar[str] = ""
    next_step: ClassVar[str] = "请稍后重试；若再次出现，请联系节点运行人员"
    status: ClassVar[int] = 500

    def __init__(self, **data: Any) -> None:
        self.data = data
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The Chinese title with its data filled in."""
        return fill(self.title, self.data)


class _Blank(dict[str, Any]):
    """Leaves a placeholder readable when its value was not given."""

    def __missing__(self, key: str) -> str:
        return f"〔{key}〕"


class Refused(XinqiaoError):
    """A rule says no (403, or 409 where the state of the thing is the reason)."""

    code = "refused"
    title = "规则不允许此操作"
    status = 403


class NotFound(XinqiaoError):
    """There is no such thing, or the caller may not know whether there is (404)."""

    code = "not_found"
    title = "没有找到您要的内容"
    next_step = "请核对编号；如确信存在，请向管理员申请权限"
    status = 404


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it is and what to do. ``row`` counts from 1, None = whole input."""

    field: str
    code: str
    message: str
    row: int | None = None


class Invalid(XinqiaoError):
    """The input is wrong; carries every problem found, not only the first (422)."""

    code = "invalid"
    title = "提交的内容有 {count} 处需要修改"
    next_step = "请按下列说明修改后重新提交"
    status = 422

    def __init__(self, problems: Iterable[Problem] = (), **data: Any) -> None:
        self.problems = tuple(problems)
        super().__init__(count=len(self.problems), **data)


class SourceFailed(XinqiaoError):
    """A source outside the node did not answer (503 when trying again may help, else 502)."""

    code = "source_failed"
    title = "数据来源 {source} 暂不可用"

    def __init__(self, *, retry: bool, **data: Any) -> None:
        self.retry = retry
        super().__init__(retry=retry, **data)

    @property
    def http_status(self) -> int:
        """503 when a retry may help, 502 when it will not."""
        return 503 if self.retry else 502


class Corrupt(XinqiaoError):
    """Stored state contradicts its evidence: stop and page a person (500)."""

    code = "corrupt"
    title = "存储的数据与存证不一致：{what}"
    next_step = "请停止写入并立即联系节点运行人员"
