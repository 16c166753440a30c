"""A reader who chose English gets English: every text of engine and content is translated, and none is left over."""

from __future__ import annotations

import pytest

from tools import extract
from xinqiao.kernel.errors import Phrase

CHINESE = extract.CHINESE
# The one English text with Chinese in it: what a yes-or-no column may hold.
SPELLINGS = {"是 或 否"}


@pytest.fixture(scope="module")
def po() -> dict[str, tuple[str, ...]]:
    """msgid → translations."""
    return extract.po_messages()


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    """Chinese → English of content."""
    return extract.content_words()


def test_every_text_of_the_engine_has_its_english(po: dict[str, tuple[str, ...]]) -> None:
    """Templates, calls, errors, tables: ``python -m tools.extract`` lists what is missing."""
    translated = {text for text, texts in po.items() if all(texts)}
    assert sorted(extract.engine_texts() - translated) == []


def test_no_translation_outlives_its_text(po: dict[str, tuple[str, ...]]) -> None:
    """A text that was reworded takes its old translation with it."""
    assert sorted(set(po) - extract.engine_texts()) == []


def test_placeholders_are_the_same_in_both_languages(po: dict[str, tuple[str, ...]]) -> None:
    """What is filled in on one side is filled in on the other."""
    different = {
        text: translated
        for text, texts in po.items()
        for translated in texts
        if extract.placeholders(text) != extract.placeholders(translated)
    }
    assert different == {}


def test_english_holds_no_chinese(po: dict[str, tuple[str, ...]], words: dict[str, str]) -> None:
    """A text copied over untranslated is as bad as a missing one."""
    english = [t for text, texts in po.items() if text not in SPELLINGS for t in texts] + list(words.values())
    assert [text for text in english if CHINESE.search(text)] == []


def test_every_text_of_content_has_its_english(words: dict[str, str]) -> None:
    """Bases, clauses, retention, notes, reasons and next steps: in the content's ``words/en.toml``."""
    texts = extract.content_texts()
    assert sorted(texts - set(words)) == []
    assert sorted(set(words) - texts) == []


def test_no_sentence_is_spliced_together() -> None:
    """An f-string with Chinese in it can never be translated; a Phrase or a pattern with names can."""
    assert extract.spliced_texts() == []


def test_the_extractor_sees_each_kind_of_text() -> None:
    """The lists above are only as good as what is found: one known text of every kind."""
    found = extract.engine_texts()
    template, plural, call, error, table, dictionary = (
        "跳到正文",
        "%(n)s 个数据项",
        "已授权；随时可以撤回",
        "没有找到您要的内容",
        "必填项为空",
        "有记录",
    )
    assert {template, plural, call, error, table, dictionary, "至少选择一个数据项", "待答复"} <= found
    assert "依法公开的信息" in extract.content_texts()


def test_a_phrase_is_its_chinese_text_and_remembers_its_pattern() -> None:
    """So it can be compared, stored and shown as it is, and still be said in another language."""
    phrase = Phrase("缺少“{field}”；文件里有：{headers}", field="税种", headers=("名称", "代码"))
    assert phrase == "缺少“税种”；文件里有：名称、代码"
    assert (phrase.pattern, phrase.data["headers"]) == ("缺少“{field}”；文件里有：{headers}", ("名称", "代码"))
