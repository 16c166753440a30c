"""Policies of witnesses: the example of the format's authors, every line that is wrong, and who makes a quorum."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.evidence_log import KEY, LOG, ORIGIN
from xinqiao.evidence.announcements import announce, follow, read_announcement
from xinqiao.evidence.merkle import EMPTY_ROOT
from xinqiao.evidence.notes import COSIGNATURE, SM2, InvalidNote, LogKey, NoteSigner, TreeHead, sign_note
from xinqiao.evidence.policy import InvalidPolicy, NoQuorum, parse_policy
from xinqiao.kernel.crypto import SigningKey
from xinqiao.kernel.sm2 import Sm2SigningKey

NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
SIGNERS = {
    name: NoteSigner(f"{name.lower()}.example", SigningKey(bytes([number] * 32)), COSIGNATURE)
    for number, name in enumerate(NAMES, 1)
}
LINES = [f"witness {name} {signer.public.vkey}" for name, signer in SIGNERS.items()]
# The shape of the example in C2SP tlog-policy: two of X and any of Y.
EXAMPLE = "\n".join(
    [
        "# logs",
        f"log {LOG.vkey}",
        *LINES,
        "group X 2 X1 X2 X3",
        "\tgroup  Y any Y1 Y2 Y3 ",
        "group both all X Y",
        "quorum both",
    ]
)
TEXT = TreeHead(ORIGIN, 5, EMPTY_ROOT).text


def _cosigned(*names: str) -> str:
    lines = [SIGNERS[name].cosignature(TEXT, seconds=1_800_000_000) for name in names]
    return sign_note(TEXT, name=ORIGIN, key=KEY) + "".join(lines)


def test_the_example_of_the_format_goes_both_ways() -> None:
    policy = parse_policy(EXAMPLE)
    assert parse_policy(policy.text) == policy
    assert policy.logs == (LOG,)
    assert [group.threshold for group in policy.groups] == [2, 1, 2]


def test_every_set_of_witnesses_is_a_quorum_or_not() -> None:
    policy = parse_policy(EXAMPLE)
    for count in range(7):
        for names in combinations(NAMES, count):
            enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
            assert policy.satisfied_by(names) == enough
            if enough:
                assert policy.check(_cosigned(*names)).size == 5
            else:
                with pytest.raises(NoQuorum):
                    policy.check(_cosigned(*names))


def test_a_cosignature_counts_once_for_its_own_checkpoint_and_key() -> None:
    policy = parse_policy("\n".join([f"log {LOG.vkey}", *LINES[:3]]))
    assert policy.check(_cosigned("X1", "X3")).size == 5
    other = SIGNERS["X2"].cosignature(TEXT.replace("5", "6"), seconds=1)
    impostor = NoteSigner("x2.example", SigningKey(bytes(32)), COSIGNATURE).cosignature(TEXT, seconds=1)
    for lines in (_cosigned("X1", "X1"), _cosigned("X1") + other, _cosigned("X1") + impostor, _cosigned("X1", "Y1")):
        with pytest.raises(NoQuorum):
            policy.check(lines)
    with pytest.raises(InvalidNote):
        policy.check(sign_note(TEXT, name=ORIGIN, key=SigningKey(bytes(32))))


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_without_a_quorum_line_more_than_half_must_cosign(count: int, needed: int) -> None:
    policy = parse_policy("\n".join(LINES[:count]))
    assert policy.satisfied_by(NAMES[:needed])
    assert not policy.satisfied_by(NAMES[: needed - 1])
    assert parse_policy("").satisfied_by([])


@pytest.mark.parametrize(
    "lines",
    [
        ["monitor X"],
        ["log nonsense"],
        [f"log {LOG.vkey}", f"log {LogKey('other', LOG.key).vkey}"],
        [f"log {SIGNERS['X1'].public.vkey}"],
        [f"witness X1 {LOG.vkey}"],
        ["witness X1"],
        [LINES[0], LINES[0]],
        [LINES[0], LINES[0].replace("witness X1", "witness Z1")],
        ["witness none " + LINES[0].split()[2]],
        [LINES[0], "group G 2 X1"],
        [LINES[0], "group G 0 X1"],
        [LINES[0], "group G x X1"],
        [LINES[0], "group G any"],
        [LINES[0], "group G any X1 X1"],
        ["group G any X1", LINES[0]],
        [LINES[0], "group G any X1", "group H any X1"],
        ["quorum nobody"],
        ["quorum none", "quorum none"],
    ],
)
def test_a_wrong_line_is_named(lines: list[str]) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy("\n".join(lines))
    named = caught.value.problems[0].row
    assert named is not None
    assert 1 <= named <= len(lines)


def test_announcements_lead_from_any_key_to_any_other_and_only_when_both_signed() -> None:
    keys = [NoteSigner(ORIGIN, SigningKey(bytes([n] * 32))) for n in (7, 8, 9)]
    gm = NoteSigner(ORIGIN, Sm2SigningKey.generate(), SM2)
    notes = [announce(keys[1], old=keys[0]), announce(keys[2], old=keys[1]), announce(gm, old=keys[0])]
    everyone = {key.public for key in (*keys, gm)}
    for start in everyone:
        assert set(follow([start], notes)) == everyone
    assert follow([LOG], notes) == [LOG]
    for place in range(len(notes[0])):
        with pytest.raises(InvalidNote):
            read_announcement(notes[0][:place] + chr(ord(notes[0][place]) ^ 1) + notes[0][place + 1 :])
    text = notes[0].partition("\n\n")[0] + "\n"
    with pytest.raises(InvalidNote):
        read_announcement(f"{text}\n{keys[0].line(text)}")  # the new key has not agreed
    stranger = NoteSigner("another.example", SigningKey(bytes(32)))
    with pytest.raises(InvalidNote):
        read_announcement(announce(stranger, old=keys[0]))
