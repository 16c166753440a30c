"""Signed notes and checkpoints: the example of the format's authors opens, and nothing altered does."""

from __future__ import annotations

import pytest

from xinqiao.evidence.merkle import EMPTY_ROOT
from xinqiao.evidence.notes import InvalidNote, LogKey, TreeHead, open_checkpoint, open_note, sign_note
from xinqiao.kernel.crypto import SigningKey

KEY = SigningKey(bytes(range(32)))
NAME = "log.example/evidence"
LOG = LogKey(NAME, KEY.public)

# The example of golang.org/x/mod/sumdb/note, whose format C2SP signed-note describes.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_made_by_another_program_opens() -> None:
    key = LogKey.parse(PETER)
    assert key.vkey == PETER
    assert open_note(PETERS_NOTE, key=key).startswith("If you think")


def test_a_checkpoint_goes_both_ways() -> None:
    head = TreeHead(NAME, 12, EMPTY_ROOT)
    note = sign_note(head.text, name=NAME, key=KEY)
    assert note == sign_note(head.text, name=NAME, key=KEY)
    assert open_checkpoint(note, key=LOG) == head
    assert LogKey.parse(LOG.vkey) == LOG


def test_no_altered_character_of_a_note_is_accepted() -> None:
    note = sign_note(TreeHead(NAME, 12, EMPTY_ROOT).text, name=NAME, key=KEY)
    for position, character in enumerate(note):
        altered = note[:position] + chr(ord(character) ^ 1) + note[position + 1 :]
        with pytest.raises(InvalidNote):
            open_checkpoint(altered, key=LOG)


def test_signatures_of_unknown_keys_are_ignored_but_never_enough() -> None:
    text = TreeHead(NAME, 1, EMPTY_ROOT).text
    witness = SigningKey(bytes(32))
    theirs = sign_note(text, name="witness.example", key=witness)
    ours = sign_note(text, name=NAME, key=KEY)
    both = ours + theirs.rpartition("\n\n")[2]
    assert open_checkpoint(both, key=LOG).size == 1
    with pytest.raises(InvalidNote, match=NAME):
        open_checkpoint(theirs, key=LOG)
    same_name = sign_note(text, name=NAME, key=witness)
    with pytest.raises(InvalidNote):
        open_checkpoint(same_name, key=LOG)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = sign_note(TreeHead("another.example", 1, EMPTY_ROOT).text, name=NAME, key=KEY)
    with pytest.raises(InvalidNote, match=r"another\.example"):
        open_checkpoint(note, key=LOG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\nAAAA\n",
        "a\n-1\nAAAA\n",
        "a\n1\nAAAA\n",
        "a\n1\n!\n",
        "a\n1\nAAAA\n\nb\n",
        "a\n1\nAAAA",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(InvalidNote):
        TreeHead.parse(text)


@pytest.mark.parametrize("text", ["no newline", "a tab\t\n", "a return\r\n"])
def test_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(InvalidNote):
        sign_note(text, name=NAME, key=KEY)
    with pytest.raises(InvalidNote):
        sign_note("text\n", name="with space", key=KEY)


@pytest.mark.parametrize(
    "vkey",
    ["", "name", "name+00000000", "name+00000000+AAAA", PETER.replace("c74f20a3", "c74f20a4"), PETER[:-4], "n m+a+b"],
)
def test_malformed_keys_are_refused(vkey: str) -> None:
    with pytest.raises(InvalidNote):
        LogKey.parse(vkey)


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", "text\n\nx\n", "text\n\n— name\n", "text\n\n— name !\n"])
def test_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(InvalidNote):
        open_note(note, key=LOG)


def test_more_signatures_than_anyone_needs_are_refused() -> None:
    note = sign_note("text\n", name=NAME, key=KEY)
    with pytest.raises(InvalidNote, match="64"):
        open_note(note + note.rpartition("\n\n")[2] * 64, key=LOG)
