"""What may become of a row whose subject a person decides. Pure."""

from __future__ import annotations

from xinqiao.ingest.types import MatchState
from xinqiao.kernel.transitions import Transitions

MATCH_TRANSITIONS = Transitions(
    {
        MatchState.WAITING: {
            "attach": MatchState.ATTACHED,
            "send_back": MatchState.SENT_BACK,
            "undo_delivery": MatchState.VOID,
        },
        MatchState.ATTACHED: {"detach": MatchState.WAITING, "undo_delivery": MatchState.VOID},
        MatchState.SENT_BACK: {"reopen": MatchState.WAITING, "undo_delivery": MatchState.VOID},
        MatchState.VOID: {},
    },
    names={
        "attach": "认定",
        "send_back": "退回",
        "detach": "撤销认定",
        "reopen": "重新认定",
        "undo_delivery": "撤销报送",
        **{state: state.label for state in MatchState},
    },
)
