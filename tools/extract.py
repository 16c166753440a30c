"""Lists every Chinese text a reader sees that has no English yet: ``python -m tools.extract``.

Engine texts belong to ``locale/en/LC_MESSAGES/django.po``, texts of content files to the content's
``words/en.toml``. Nothing is listed by hand: templates, calls, error classes and word tables are read as they are.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import django
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from xinqiao.kernel.transitions import Transitions

ROOT = Path(__file__).resolve().parents[1]
PO = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
CHINESE = re.compile(r"[\u3400-\u9fff]")
CALLS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "translate": None,
    "Phrase": None,
    "_problem": (2,),
    "fault": (2,),
}
# Texts in tables rather than calls: module → names of its tables.
TABLES = {
    "xinqiao.admission.effects": ("HANDOVER_REASON",),
    "xinqiao.admission.rules": ("ADMISSION_TRANSITIONS", "MEASURE_TRANSITIONS"),
    "xinqiao.admission.types": (
        "State",
        "Route",
        "Level",
        "GapKind",
        "MeasureKind",
        "MeasureState",
        "NoticeKind",
    ),
    "xinqiao.catalogue.changes": ("ATTRIBUTES", "ChangeKind"),
    "xinqiao.federation.kinds": ("NAMES",),
    "xinqiao.federation.rules": ("LINK_TRANSITIONS",),
    "xinqiao.federation.statistics": ("METRICS",),
    "xinqiao.federation.types": ("NodeLevel", "Side", "LinkState", "SyncState", "HeldState"),
    "xinqiao.catalogue.template": ("HINTS",),
    "xinqiao.reconciliation.types": ("DayState", "MismatchKind"),
    "xinqiao.settlement.rules": ("EVENTS_SENT", "NOTARISATION_TRANSITIONS"),
    "xinqiao.settlement.types": (
        "ProceedingKind",
        "About",
        "ProceedingState",
        "Side",
        "PaperKind",
        "CheckVerdict",
        "SendState",
    ),
    "xinqiao.sanctions.rules": ("SANCTION_TRANSITIONS",),
    "xinqiao.sanctions.types": ("SanctionState", "MeasureGroup"),
    "xinqiao.tracing.types": ("Carrier",),
    "xinqiao.violations.rules": ("CASE_TRANSITIONS",),
    "xinqiao.violations.types": ("Source", "CaseState"),
    "xinqiao.effectiveness.numbers": ("MEASURES",),
    "xinqiao.effectiveness.types": ("Table",),
    "xinqiao.lending.papers": ("HEADINGS",),
    "xinqiao.lending.rules": ("APPLICATION_TRANSITIONS", "DECLARATION_TRANSITIONS"),
    "xinqiao.lending.types": (
        "ApplicationState",
        "Answer",
        "Holder",
        "Path",
        "GuaranteeCode",
        "FiveClass",
        "ReminderMark",
        "GapKind",
        "Verdict",
        "ListState",
    ),
    "xinqiao.matching.types": ("Guarantee", "Outcome", "Basis", "NeedState"),
    "xinqiao.ingest.types": ("RULES", "MatchState"),
    "xinqiao.ingest.rules": ("MATCH_TRANSITIONS",),
    "xinqiao.disputes.rules": ("TRANSITIONS",),
    "xinqiao.disputes.types": ("DisputeState", "Channel", "Verdict", "Holder"),
    "xinqiao.marks.types": ("MarkKind",),
    "xinqiao.repair.rules": ("TRANSITIONS",),
    "xinqiao.repair.types": ("RepairState",),
    "xinqiao.corrections.types": ("CorrectionKind", "NoticeState"),
    "xinqiao.release.actions": ("NOT_IN_REGISTRY",),
    "xinqiao.release.correcting": ("NOTICE",),
    "xinqiao.release.documents": ("OBLIGATIONS",),
    "xinqiao.release.verifying": ("CHECK",),
    "xinqiao.release.rules": ("NOT_ADMITTED", "NOT_THE_SUBJECT", "NO_CASE"),
    "xinqiao.release.case_looks": ("CASE_LOOK",),
    "xinqiao.anchoring.types": ("LedgerKind", "AnchorState"),
    "xinqiao.judicial.facts": ("FACTS", "NOT_HELD"),
    "xinqiao.judicial.rules": ("CASE_TRANSITIONS",),
    "xinqiao.judicial.types": ("CaseKind", "CaseState", "MatterKind", "Phase", "CheckState", "Suite"),
    "xinqiao.consent.rules": ("REQUEST_TRANSITIONS", "AUTHORISATION_TRANSITIONS"),
    "xinqiao.consent.types": ("Form", "RequestState", "AuthorisationStatus", "AuthorisationState"),
    "xinqiao.release.types": ("ChallengeState",),
    "xinqiao.supervision.rules": ("ALERT_TRANSITIONS", "FREEZE_TRANSITIONS"),
    "xinqiao.supervision.types": ("Sentinel", "AlertState", "TargetKind", "FreezeState"),
    "xinqiao.formulas.reading": ("PATTERNS",),
    "xinqiao.formulas.rules": ("TRANSITIONS",),
    "xinqiao.formulas.types": ("Type", "OutputKind", "FormulaState"),
    "xinqiao.scenarios.rules": ("TRANSITIONS",),
    "xinqiao.scenarios.types": ("Purpose", "VersionState", "Drift"),
    "xinqiao.monitoring.rules": ("EMBARGO_TRANSITIONS",),
    "xinqiao.monitoring.types": (
        "RuleKind",
        "SignalLevel",
        "Duty",
        "WatchEnd",
        "SignalState",
        "PushState",
        "Reply",
        "EmbargoState",
    ),
    "xinqiao.sources.types": ("Mode",),
    "xinqiao.stewardship.rules": ("PROPOSAL_TRANSITIONS",),
    "xinqiao.stewardship.types": ("ProposalState", "ReminderKind"),
    "xinqiao.subjects.types": ("IdentifierKind", "Level", "Doubt"),
    "xinqiao.probes.types": ("Outcome",),
    "xinqiao.webhooks.types": ("MessageState",),
    "xinqiao.parties.types": ("OrganisationKind", "Role", "Right"),
    "xinqiao.indicators.engine": ("IN_PROCESS",),
    "xinqiao.indicators.types": ("Severity",),
    "xinqiao.quality.failing": ("HEADINGS", "HIDDEN", "NOT_COME"),
    "xinqiao.quality.rules": ("FINDING_TRANSITIONS",),
    "xinqiao.quality.types": ("SourceState", "CellState", "Aspect", "FindingState", "ReminderKind"),
    "xinqiao.vault.types": ("ERASED",),
    "xinqiao.web.templatetags.financing": ("SECTIONS",),
}
# Here every Chinese text is for a reader, save the pairs that carry their own English.
WEB = ROOT / "xinqiao" / "web"
OWN_ENGLISH = {"OTHER_PURPOSES", "DESCRIPTION"}


def engine_texts() -> set[str]:
    """Every Chinese text of the engine that a reader may see."""
    found = {*template_texts(), *called_texts(), *error_texts(), *table_texts(), *web_texts()}
    return {text for text in found if CHINESE.search(text) or text in PATTERNS}


def template_texts() -> Iterator[str]:
    """Texts of ``{% translate %}`` and ``{% blocktranslate %}`` in every template."""
    from django.template import engines
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    engine = engines["django"].engine  # type: ignore[attr-defined]
    for path in sorted((WEB / "templates").rglob("*.html")):
        nodes = engine.from_string(path.read_text("utf-8")).nodelist
        yield from (str(n.filter_expression.var.literal) for n in nodes.get_nodes_by_type(TranslateNode))
        for node in nodes.get_nodes_by_type(BlockTranslateNode):
            yield node.render_token_list(node.singular)[0]
            if node.plural:
                yield node.render_token_list(node.plural)[0]


def called_texts() -> Iterator[str]:
    """Texts given to a translating call in the engine's Python."""
    for path in sorted((ROOT / "xinqiao").rglob("*.py")):
        for _line, message, _comments, _context in extract_from_file("python", str(path), keywords=CALLS):
            yield from (message,) if isinstance(message, str) else message


def error_texts() -> Iterator[str]:
    """Title, clause and next step of every failure the engine can raise."""
    from xinqiao.kernel.errors import XinqiaoError

    for name in [m.name for m in pkgutil.walk_packages([str(ROOT / "xinqiao")], "xinqiao.")]:
        if ".migrations" not in name:
            importlib.import_module(name)
    waiting: list[type[XinqiaoError]] = [XinqiaoError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        yield from (error.title, error.clause, error.next_step)


def table_texts() -> Iterator[str]:
    """Texts of the word tables."""
    for module, names in TABLES.items():
        for name in names:
            yield from _texts_in(getattr(importlib.import_module(module), name))


def _texts_in(value: Any) -> Iterator[str]:
    """Every text inside a value: tables, tuples, dataclasses, and the labels of an enumeration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts_in(part))
    elif isinstance(value, type):
        yield from (member.label for member in value)  # type: ignore[attr-defined]
    elif isinstance(value, Iterable):
        yield from (text for part in value for text in _texts_in(part))
    elif is_dataclass(value):
        yield from (text for field in fields(value) for text in _texts_in(getattr(value, field.name)))
    elif isinstance(value, Transitions):
        yield from value.names.values()


def web_texts() -> Iterator[str]:
    """Every other Chinese text of portals and API: dictionaries, problem titles, defaults."""
    for path in sorted(WEB.rglob("*.py")):
        yield from (node.value for node in _constants(ast.parse(path.read_text("utf-8"))))


def _constants(tree: ast.AST) -> Iterator[ast.Constant]:
    """Text constants, without docstrings, f-strings and what carries its own English."""
    for node in ast.iter_child_nodes(tree):
        targets = {t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if targets & OWN_ENGLISH or isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        yield from _constants(node)


def spliced_texts() -> list[str]:
    """Chinese inside an f-string of portals and API, which can never be translated."""
    found = []
    for path in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr) and CHINESE.search(ast.unparse(node)):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def content_texts() -> set[str]:
    """Every Chinese text of content files that has no English field of its own."""
    from xinqiao.admission.content import bar
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.evaluation.compute import facts_by_code, scorecards
    from xinqiao.indicators.registry import load_cross_rules
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.quality.queries import expectations
    from xinqiao.release.queries import content_policy
    from xinqiao.sources.queries import calling
    from xinqiao.stewardship.queries import reminding
    from xinqiao.supervision.queries import watching

    catalogue = load_catalogue(content_dir())
    found = {t for i in catalogue for t in (i.basis, i.retention, i.note, *(f.note for f in i.fields))}
    found |= {standard.use for standard in catalogue.standards}
    found |= {facts.basis for facts in facts_by_code().values()}
    found |= {rule.facts.basis for rule in load_cross_rules().values()} | {expectations().basis}
    found |= {text for card in scorecards() for text in (card.basis, *(veto.clause for veto in card.vetoes))}
    found |= {text for rule in content_policy().rules for text in (rule.reason, rule.clause, rule.next_step)}
    found |= {text for trigger in watching().triggers for text in (trigger.says, trigger.clause)}
    found |= {reminding().basis, calling().basis}
    found |= {bar().basis, *(question.basis for question in bar().questions)}
    return {text for text in found if CHINESE.search(text)}


def po_messages() -> dict[str, tuple[str, ...]]:
    """msgid → its translations (singular, plural) of the English catalogue; fuzzy ones count as missing."""
    with PO.open("rb") as stream:
        catalogue = read_po(stream, locale="en")
    return {_first(m.id): _all(m.string) for m in catalogue if m.id and not m.fuzzy}


def _first(value: Any) -> str:
    return value if isinstance(value, str) else value[0]


def _all(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def content_words() -> dict[str, str]:
    """Chinese → English of the content's ``words/en.toml``."""
    from xinqiao.plumbing.settings import content_dir

    rows = tomllib.loads((content_dir() / "words" / "en.toml").read_text("utf-8"))["words"]
    return {row["zh"]: row["en"] for row in rows}


def placeholders(text: str) -> set[str]:
    """Names that are filled in: ``{name}`` and ``%(name)s``."""
    try:
        braces = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        braces = set()
    return braces | set(re.findall(r"%\((\w+)\)[sd]", text))


PATTERNS = {"{words}：{choices}", "{words}。{note}", "{file}：{why}", "{problem}：{value}"}


def main() -> int:
    """Print what is missing or no longer used; status 1 when there is any."""
    django.setup()
    po, words, engine, content = po_messages(), content_words(), engine_texts(), content_texts()
    lists = {
        "django.po: missing": engine - {k for k, v in po.items() if all(v)},
        "django.po: not used": set(po) - engine,
        "words/en.toml: missing": content - set(words),
        "words/en.toml: not used": set(words) - content,
        "f-string": set(spliced_texts()),
    }
    for title, texts in lists.items():
        for text in sorted(texts):
            print(f"{title}: {text}")
    return int(any(lists.values()))


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xinqiao.config.settings")
    sys.exit(main())
