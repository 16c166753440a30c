"""A transition table allows exactly its rows, and says what is possible when it refuses."""

from __future__ import annotations

import pytest

from xinqiao.kernel.transitions import TransitionRefused, Transitions

DOOR = Transitions({"open": {"close": "closed"}, "closed": {"open": "open", "wall": "gone"}, "gone": {}})


@pytest.mark.parametrize(
    ("state", "event", "new"),
    [("open", "close", "closed"), ("closed", "open", "open"), ("closed", "wall", "gone")],
)
def test_every_row_is_allowed(state: str, event: str, new: str) -> None:
    assert DOOR.check(state, event) == new
    assert DOOR.can(state, event)


@pytest.mark.parametrize(("state", "event"), [("open", "wall"), ("gone", "open"), ("closed", "close")])
def test_everything_else_is_refused(state: str, event: str) -> None:
    assert not DOOR.can(state, event)
    with pytest.raises(TransitionRefused) as refusal:
        DOOR.check(state, event)
    assert refusal.value.status == 409
    assert refusal.value.data["allowed"] == (DOOR.events(state) or ("无",))


def test_a_person_reads_words_not_codes() -> None:
    named = Transitions({"open": {"close": "closed"}, "closed": {}}, names={"closed": "已关", "close": "关闭"})
    with pytest.raises(TransitionRefused, match="当前状态为“已关”，不能执行“关闭”"):
        named.check("closed", "close")


def test_a_state_without_a_row_is_a_mistake_of_the_table() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Transitions({"here": {"go": "nowhere"}})


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert DOOR.mermaid() == (
        "stateDiagram-v2\n    [*] --> open\n    open --> closed: close\n    closed --> open: open\n"
        "    closed --> gone: wall\n    gone --> [*]\n"
    )
