"""The product's scorecard training on real outcomes, beside logistic regression and LightGBM on the same columns.

SBA loans are split by time (fitted on what was approved up to 2004) without the columns that leak the outcome, and
calibrated to the true share of defaults; Polish bankruptcies are split five-fold. The data are read in place.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Absent, Figure

NAME = "scenario_models"
BAR = "AUC within 0.02 of the best on both; reliable at the true base rate; PSI sees the SBA periods apart"
WITHIN, TRUE_RATE, FOLDS, CROSSES = 200, 175_000, 5, 40
MOVED = 2_500  # ten-thousandths: an index from which a population counts as another
TRUTHFUL = 100  # ten-thousandths between the probability said on average and what came true
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "credit"


@dataclass(frozen=True)
class Measured:
    """One data set: ten-thousandths of AUC and KS of the scorecard and of each challenger."""

    name: str
    ours: tuple[int, int]
    others: dict[str, tuple[int, int]]
    seconds: float
    plain: int  # the scorecard of single indicators alone
    pairs: int  # tables of two indicators in it

    @property
    def short_of_best(self) -> int:
        """Ten-thousandths of AUC below the best of the challengers."""
        return max(area for area, _ in self.others.values()) - self.ours[0]


def measure(scale: float) -> Figure:
    """Train on both data sets."""
    for name in ("sba_30k_balanced.parquet", "polish_1year.parquet"):
        if not (FOLDER / name).exists():
            raise Absent(f"{name}: belongs into shared/data/credit beside the repository")
    sba, figures, drift = _sba(scale)
    polish = _polish(scale)
    truth = abs(figures["said_rate"] - figures["base_rate"]) // 100
    met = max(sba.short_of_best, polish.short_of_best) <= WITHIN and truth <= TRUTHFUL and drift[0] >= MOVED
    return Figure(
        name=NAME,
        table=_table([sba, polish], figures, drift),
        ours=f"AUC {_four(sba.ours[0])} SBA, {_four(polish.ours[0])} Polish",
        against="rival " + ", ".join(f"{one.name} {_best(one)}" for one in (sba, polish)),
        ratio=f"{_four(sba.short_of_best)} and {_four(polish.short_of_best)} below the best",
        bar=BAR,
        met=met,
        scale=scale,
    )


def _best(one: Measured) -> str:
    name = max(one.others, key=lambda n: one.others[n][0])
    return f"{name} {_four(one.others[name][0])}"


def _four(value: int) -> str:
    return f"{value / 10_000:.4f}"


def _table(found: list[Measured], figures: dict[str, Any], drift: tuple[int, list[tuple[str, int]]]) -> list[Any]:
    table: list[Any] = [("", "AUC", "KS", "")]
    for one in found:
        table.append((f"{one.name}, scorecard", _four(one.ours[0]), _four(one.ours[1]), f"{one.seconds:.1f} s"))
        table.append((f"{one.name}, scorecard without tables of pairs", _four(one.plain), "", f"{one.pairs} tables"))
        table += [(f"{one.name}, {n}", _four(area), _four(gap), "") for n, (area, gap) in one.others.items()]
    table.append(("SBA, true base rate", f"{figures['base_rate'] / 1e6:.4f}", "", "of the measured loans, reweighted"))
    table.append(("SBA, probability said", f"{figures['said_rate'] / 1e6:.4f}", "", "their mean"))
    table.append(("SBA, Brier score", f"{figures['brier'] / 1e6:.4f}", "", ""))
    for n, row in enumerate(figures["reliability"], 1):
        table.append((f"SBA, tenth {n}", f"said {_four(row['said'])}", f"came {_four(row['came'])}", row["rows"]))
    table.append(("SBA, PSI of the score", _four(drift[0]), "", "to 2004 against after"))
    table += [(f"SBA, PSI of {code}", _four(value), "", "") for code, value in drift[1]]
    return table


def _sba(scale: float) -> tuple[Measured, dict[str, Any], tuple[int, list[tuple[str, int]]]]:
    """Fitted up to 2004; of the later loans every other calibrates and the rest are only measured."""
    import numpy as np
    import pandas as pd

    from xinqiao.scenarios.measures import stability, tenths
    from xinqiao.scenarios.training import Options, Parts, train

    loans = pd.read_parquet(FOLDER / "sba_30k_balanced.parquet").sort_values(["approval_date", "loan_nr_chk_dgt"])
    loans = loans.iloc[:: max(1, round(1 / scale))]
    frame, year = _sba_frame(loans), loans["approval_date"].dt.year.to_numpy()
    before, after = np.flatnonzero(year <= 2004), np.flatnonzero(year > 2004)
    began = time.perf_counter()
    found = train(frame, Parts(before, after[::2], after[1::2]), Options(30, CROSSES, TRUE_RATE))
    took = time.perf_counter() - began
    scores = found.model.scores(frame)
    cuts = tenths(scores[before])
    places = np.searchsorted(cuts, scores, side="right")
    moved = stability(places[before], places[after], len(cuts) + 1)
    each = [
        (one.indicators[0], stability(where[before], where[after], one.axes[0].size))
        for one, where in found.model.places(frame)
    ]
    return _measured("SBA", found, took), found.figures, (moved, sorted(each, key=lambda pair: -pair[1])[:5])


def _measured(name: str, found: Any, seconds: float) -> Measured:
    figures = found.figures
    others = {c["name"]: (c["auc"], c["ks"]) for c in figures["challengers"]}
    return Measured(name, (figures["auc"], figures["ks"]), others, seconds, figures["auc_plain"], figures["pairs"])


def _sba_frame(loans: Any) -> Any:
    """What was known when a loan was approved; ``term``, ``chg_off_*`` and ``balance`` are left out as they leak."""
    import numpy as np

    from xinqiao.scenarios.frame import Frame, measured, words

    def text(values: Any) -> Any:
        return [None if v is None or v != v else str(v) for v in values.astype(object)]

    whole = ("no_emp", "create_job", "retained_job", "disbursement_gross", "gr_appv", "sba_appv")
    columns = [measured(name, loans[name].to_numpy(float), 0) for name in whole]
    columns.append(measured("guaranteed_share", (loans["sba_appv"] / loans["gr_appv"]).to_numpy(float), 4))
    for name in ("state", "bank", "bank_state", "rev_line_cr", "low_doc", "urban_rural", "new_exist"):
        columns.append(words(name, text(loans[name])))
    columns.append(words("sector", text((loans["naics"] // 10_000).astype(int))))
    columns.append(words("franchised", text(loans["franchise_code"] > 1)))
    columns.append(words("bank_of_state", text(loans["state"] == loans["bank_state"])))
    return Frame(tuple(columns), np.asarray(loans["mis_status"] == "CHGOFF"))


def _polish(scale: float) -> Measured:
    """Five folds by turns; a fifth of what is not measured calibrates."""
    import numpy as np
    import pandas as pd

    from xinqiao.scenarios.frame import Frame, measured
    from xinqiao.scenarios.measures import separation
    from xinqiao.scenarios.training import Options, Parts, train

    rows = pd.read_parquet(FOLDER / "polish_1year.parquet").iloc[:: max(1, round(1 / scale))]
    failed = (rows["class"].astype(int) == 1).to_numpy()
    columns = [measured(name, rows[name].to_numpy(float), 6) for name in rows.columns if name != "class"]
    frame = Frame(tuple(columns), failed)
    fold = np.empty(len(failed), np.int64)
    for outcome in (True, False):  # as many events in each
        own = np.flatnonzero(failed == outcome)
        fold[np.random.default_rng(5).permutation(own)] = np.arange(len(own)) % (FOLDS * FOLDS)
    began, areas = time.perf_counter(), []
    for turn in range(FOLDS):
        rest, measure_on = np.flatnonzero(fold % FOLDS != turn), np.flatnonzero(fold % FOLDS == turn)
        later = fold[rest] // FOLDS == turn
        found = train(frame, Parts(rest[~later], rest[later], measure_on), Options(20, CROSSES, silence_counts=True))
        own = (found.figures["auc"], found.figures["ks"])
        plain = (found.figures["auc_plain"], found.figures["pairs"])
        areas.append({"": own, "plain": plain} | {n: separation(r, failed[measure_on]) for n, r in found.risk.items()})
    took = time.perf_counter() - began
    mean = {n: tuple(sum(a[n][k] for a in areas) // FOLDS for k in (0, 1)) for n in areas[0]}
    ours, (plain_area, pairs) = mean.pop(""), mean.pop("plain")
    return Measured("Polish", ours, mean, took, plain_area, pairs)  # type: ignore[arg-type]
