"""The consent template of the content loads; a template with faults names each of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from xinqiao.consent.queries import get_template
from xinqiao.consent.templates import load_template
from xinqiao.consent.types import Form, InvalidTemplate
from xinqiao.plumbing.settings import content_dir

SOURCE = content_dir() / "consent" / "credit_query.toml"


def test_the_template_loads_and_is_marked_as_our_draft() -> None:
    template = get_template()
    assert template.code == "credit_query"
    assert template.draft
    assert set(template.purposes) == {"pre_loan", "approval", "post_loan", "evaluation", "guarantee"}
    assert set(template.forms) == set(Form)
    assert set(template.text) == {"zh", "en"}
    assert all(option.name and option.name_en for option in (*template.purposes.values(), *template.forms.values()))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('version = "2026.2"', "version = 2026", "version"),
        ("answer_days = 30", "answer_day = 30", "answer_day"),
        ("days = 1095\n", "", "ceiling"),
        ("days = 1095\n", "days = 0\n", "ceiling.days"),
        ("times = 100\n", 'times = "many"\n', "ceiling.times"),
        ("{retention_days}", "{keep}", "text.zh"),
        ("[forms.detail]", "[forms.raw]", "forms"),
        ('name_en = "loan approval"', "", "purposes.approval.name_en"),
        ("ceiling = { days = 30, times = 1,", "ceiling = { days = 30,", "forms.detail.ceiling"),
    ],
)
def test_a_faulty_template_names_its_faults(tmp_path: Path, old: str, new: str, field: str) -> None:
    text = SOURCE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "faulty.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidTemplate) as refusal:
        load_template(path)
    assert field in [problem.field for problem in refusal.value.problems]


def test_a_template_without_purposes_is_refused(tmp_path: Path) -> None:
    raw: dict[str, Any] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    path = tmp_path / "bare.toml"
    path.write_text(f'code = "{raw["code"]}"\n', encoding="utf-8")
    with pytest.raises(InvalidTemplate) as refusal:
        load_template(path)
    assert {"version", "purposes", "forms", "ceiling", "text.zh", "text.en"} <= {
        p.field for p in refusal.value.problems
    }
