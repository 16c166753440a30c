"""Which event leads from which state to which: one table that decides, and that the manual draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from xinqiao.kernel.errors import Phrase, Refused

State = TypeVar("State", bound=str)


class TransitionRefused(Refused):
    """The thing is in a state where this event cannot happen; data: ``state``, ``event``, ``allowed``."""

    code = "state.transition_refused"
    title = "当前状态为“{state}”，不能执行“{event}”"
    next_step = "请刷新页面查看最新状态；当前可执行的操作：{allowed}"
    status = 409


class Transitions(Generic[State]):
    """A table ``{state: {event: new state}}``. A state with no events is final; every state must be a row.

    ``names`` are the words for states and events that a person reads in a refusal.
    """

    def __init__(self, table: Mapping[State, Mapping[str, State]], *, names: Mapping[str, str] | None = None) -> None:
        self._table = {state: dict(events) for state, events in table.items()}
        self.names = dict(names or {})
        unknown = {new for events in self._table.values() for new in events.values()} - set(self._table)
        if unknown:
            raise ValueError(f"states that are reached but have no row: {sorted(unknown)}")

    def check(self, state: State, event: str) -> State:
        """The state after ``event``; raises TransitionRefused naming the events that are possible."""
        events = self._table[state]
        if event not in events:
            allowed = tuple(map(self._name, events)) or (Phrase("无"),)
            raise TransitionRefused(state=self._name(state), event=self._name(event), allowed=allowed)
        return events[event]

    def _name(self, code: str) -> str:
        return self.names.get(code, str(code))

    def can(self, state: State, event: str) -> bool:
        """Whether ``event`` is possible in ``state``."""
        return event in self._table[state]

    def events(self, state: State) -> tuple[str, ...]:
        """The events possible in ``state``, in table order."""
        return tuple(self._table[state])

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, the first row being the start."""
        lines = ["stateDiagram-v2", f"    [*] --> {next(iter(self._table))}"]
        for state, events in self._table.items():
            lines += [f"    {state} --> {new}: {event}" for event, new in events.items()]
            if not events:
                lines.append(f"    {state} --> [*]")
        return "\n".join(lines) + "\n"
