"""Judges, and the ledger made from records."""

import dataclasses
from types import SimpleNamespace

import pytest
import xarray as xr

import lib.claims
from lib.claims import CLAIMS, Condition, JudgeError, Judgement, counts, judge, ledger
from lib.claims import _registry as registry
from lib.record_files import cache_folder

GOOD = Condition("digits 3 and 8", 0.2, (0.1, 0.3), 0.9, (0.8, 1.0), (-0.8, -0.6), 20, True, False)
JUDGEMENT = Judgement(
    verdict="reproduced",
    effect=0.2,
    interval=(0.1, 0.3),
    measure="MSD of the last epoch over that of the first (ratio)",
    seeds=20,
    conditions=(GOOD,),
    holds_in_control=False,
    control="shuffled labels: 0.9",
    text="It falls with the mistakes.",
)
import_judges = registry._import_judges
RECORD = xr.Dataset(attrs={"preset": "book", "config_hash": "0123456789abcdef"})


@pytest.fixture(autouse=True)
def _no_other_judges(monkeypatch):
    """Start from an empty registry, whatever judges the package has."""
    monkeypatch.setattr(registry, "_JUDGES", {})
    monkeypatch.setattr(registry, "_import_judges", lambda: None)


def row_of(claim, records):
    return next(row for row in ledger(records) if row.claim.id == claim)


def test_a_judge_fills_its_row_and_no_other():
    @judge("K3", experiment="perceptron")
    def displacement(dataset):
        assert dataset is RECORD
        return JUDGEMENT

    rows = ledger({"perceptron": RECORD}.get)

    assert [row.claim.id for row in rows] == list(CLAIMS)
    assert [row.claim.id for row in rows if row.verdict != "not run"] == ["K3"]
    row = rows[2]
    assert (row.verdict, row.scale, row.record) == ("reproduced", "book", "perceptron-book-0123456789abcdef.nc")
    assert row.judgement is JUDGEMENT


def test_a_judge_may_look_at_records_beside_its_own():
    """None stands for one that is not there; the row names all that were read."""
    given = []
    judge("K3", experiment="perceptron", beside=["cortex", "deep_mlp"])(lambda *read: given.append(read) or JUDGEMENT)

    row = row_of("K3", {"perceptron": RECORD, "deep_mlp": RECORD}.get)

    assert [each is RECORD for each in given[0]] == [True, False, True]
    assert given[0][1] is None
    assert row.record == "perceptron-book-0123456789abcdef.nc; deep_mlp-book-0123456789abcdef.nc"
    assert row_of("K3", {"deep_mlp": RECORD}.get).verdict == "not run"


def test_the_judge_itself_stays_an_ordinary_function():
    @judge("K3", experiment="perceptron")
    def displacement(dataset):
        return JUDGEMENT

    assert displacement(RECORD) is JUDGEMENT


def test_a_claim_without_judge_or_without_record_is_not_run():
    @judge("K3", experiment="perceptron")
    def displacement(dataset):
        raise AssertionError("there is no record to judge")

    rows = ledger(lambda experiment: None)

    assert {row.verdict for row in rows} == {"not run"}
    assert {(row.scale, row.record) for row in rows} == {("", "")}


def test_each_record_is_looked_up_once():
    asked = []

    def records(experiment):
        asked.append(experiment)
        return RECORD

    for claim in ("K1", "K3"):
        judge(claim, experiment="perceptron")(lambda dataset: JUDGEMENT)
    ledger(records)

    assert asked == ["perceptron"]


def test_the_largest_stored_record_is_the_default(monkeypatch):
    judge("K3", experiment="perceptron")(lambda dataset: JUDGEMENT)
    monkeypatch.setattr("lib.records.largest", {"perceptron": RECORD}.get)

    assert row_of("K3", None).verdict == "reproduced"


def test_the_scale_says_what_the_preset_does_not():
    judge("K3", experiment="perceptron")(lambda dataset: dataclasses.replace(JUDGEMENT, scale="8 x 8 digits"))

    assert row_of("K3", {"perceptron": RECORD}.get).scale == "book: 8 x 8 digits"


def test_a_judge_that_raises_names_claim_and_record():
    @judge("K3", experiment="perceptron")
    def displacement(dataset):
        return dataset["msd"]

    with pytest.raises(JudgeError, match=r"claim K3 failed on record perceptron-book-0123456789abcdef.nc: .*msd"):
        ledger({"perceptron": RECORD}.get)


def test_a_judge_must_return_a_judgement():
    judge("K3", experiment="perceptron")(lambda dataset: "reproduced")

    with pytest.raises(JudgeError, match="returned str, not a Judgement"):
        ledger({"perceptron": RECORD}.get)


def test_only_the_claims_asked_for_are_judged():
    @judge("K3", experiment="perceptron")
    def fails(dataset):
        raise AssertionError

    assert [row.claim.id for row in ledger({"perceptron": RECORD}.get, only=["K5", "K1"])] == ["K1", "K5"]


def test_a_claim_about_what_is_not_in_the_record_is_not_run():
    judge("K3", experiment="perceptron")(lambda dataset: None)

    row = next(row for row in ledger({"perceptron": RECORD}.get) if row.claim.id == "K3")
    assert row.verdict == "not run"
    assert row.record == ""


def test_a_claim_has_one_judge_but_a_module_may_be_imported_again():
    def first(dataset):
        return JUDGEMENT

    def second(dataset):
        return JUDGEMENT

    judge("K3", experiment="perceptron")(first)
    judge("K3", experiment="perceptron")(first)
    with pytest.raises(ValueError, match="K3 is judged by"):
        judge("K3", experiment="perceptron")(second)


def test_an_unknown_claim_is_refused():
    with pytest.raises(ValueError, match="no claim 'K31'"):
        judge("K31", experiment="perceptron")


def test_as_dict_has_the_columns_in_order():
    judge("K3", experiment="perceptron")(lambda dataset: JUDGEMENT)
    judged, waiting = (row_of(claim, {"perceptron": RECORD}.get).as_dict() for claim in ("K3", "K1"))

    columns = "id source where statement test verdict scale effect interval seeds control record"
    assert list(judged) == [*columns.split(), "core", "holds_in_control", "measure", "text", "conditions", "code"]
    assert list(waiting) == list(judged)
    assert judged["interval"] == [0.1, 0.3]
    assert judged["control"] == "shuffled labels: 0.9"
    assert judged["conditions"] == [dataclasses.asdict(GOOD)]
    assert waiting["control"] == CLAIMS["K1"].control
    empty = ("scale", "effect", "interval", "seeds", "record", "holds_in_control", "measure", "text")
    assert [waiting[column] for column in empty] == [None] * len(empty)


def test_counts_by_verdict_text_and_importance():
    judge("K3", experiment="perceptron")(lambda dataset: JUDGEMENT)
    judge("K2", experiment="perceptron")(lambda dataset: dataclasses.replace(JUDGEMENT, verdict="partly"))

    table = counts(ledger({"perceptron": RECORD}.get))

    assert table["all"] == {"reproduced": 1, "partly": 1, "not reproduced": 0, "not run": 100}
    assert table["core"] == {"reproduced": 1, "partly": 0, "not reproduced": 0, "not run": 67}
    assert table["secondary"] == {"reproduced": 0, "partly": 1, "not reproduced": 0, "not run": 33}
    assert [sum(table[group].values()) for group in "KBJN"] == [30, 8, 40, 24]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("verdict", "not run", "cannot give the verdict 'not run'"),
        ("verdict", "confirmed", "cannot give the verdict 'confirmed'"),
        ("measure", "", "needs its 'measure'"),
        ("control", " ", "needs its 'control'"),
        ("text", "", "needs its 'text'"),
    ],
)
def test_a_judgement_is_checked(field, value, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(JUDGEMENT, **{field: value})


def test_a_condition_is_made_from_estimates():
    def estimate(mean, half, n):
        return SimpleNamespace(mean=mean, low=mean - half, high=mean + half, n=n)

    whole = Condition.measured(
        "digits",
        estimate(0.5, 0.25, 20),
        control=estimate(1.0, 0.5, 20),
        difference=estimate(-0.5, 0.25, 20),
        passes=True,
    )
    single = Condition.measured("digits", estimate(0.5, float("nan"), 1))

    assert whole == Condition("digits", 0.5, (0.25, 0.75), 1.0, (0.5, 1.5), (-0.75, -0.25), 20, True)
    assert single == Condition("digits", 0.5, seeds=1, note="1 seed: no interval")


def test_public_modules_of_the_package_are_searched_for_judges(monkeypatch):
    imported = []
    modules = [SimpleNamespace(name="_private"), SimpleNamespace(name="made_up_chapter")]
    monkeypatch.setattr(registry.pkgutil, "iter_modules", lambda path: modules)
    monkeypatch.setattr(registry.importlib, "import_module", lambda name: imported.append(name) or lib.claims)

    import_judges()

    assert imported == ["lib.claims", "lib.claims.made_up_chapter"]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Store one record, and count how often it is judged."""
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path))
    file = tmp_path / "perceptron-book-0123456789abcdef.nc"
    file.write_bytes(b"a record")
    monkeypatch.setattr("lib.records.largest", {"perceptron": RECORD}.get)
    stored = SimpleNamespace(file=file, judged=[])

    @judge("K3", experiment="perceptron", beside=["cortex"])
    def displacement(dataset, cortex):
        stored.judged.append("K3")
        odd = dataclasses.replace(GOOD, interval=None, control=float("nan"), passes=None)
        return dataclasses.replace(JUDGEMENT, conditions=(GOOD, odd), scale="of a kind")

    @judge("K4", experiment="perceptron")
    def unit_root(dataset):
        stored.judged.append("K4")

    return stored


def test_rows_on_stored_records_are_judged_once(stored):
    first = ledger(only=["K3"])
    assert ledger(only=["K4"])[0].verdict == "not run"
    both = ledger(only=["K3", "K4"])
    assert stored.judged == ["K3", "K4"]
    assert repr(both[0]) == repr(first[0])  # nan equals itself only so
    assert both[1].judgement is None


@pytest.mark.parametrize("change", ["record", "record beside", "code", "damage"])
def test_rows_are_judged_anew_when_anything_changes(stored, change, monkeypatch):
    ledger(only=["K3"])
    if change == "record":
        stored.file.write_bytes(b"another record")
    elif change == "record beside":
        (stored.file.parent / "cortex-book-0.nc").write_bytes(b"a record")
    elif change == "code":
        monkeypatch.setattr("lib.claims._kept._sources", lambda: b"other sources")
    else:
        (kept,) = cache_folder().glob("ledger-perceptron-*.json")
        kept.write_text('{"K3": {"judgement": 3}}')
    ledger(only=["K3"])
    assert stored.judged == ["K3", "K3"]
    assert len(list(cache_folder().glob("ledger-perceptron-*.json"))) == 1


def test_where_nothing_can_be_kept_it_is_judged_each_time(stored, monkeypatch):
    monkeypatch.setenv("BOOK_RUNS", str(stored.file / "no folder"))
    rows = [ledger(only=["K3"])[0].verdict for _ in range(2)]
    assert rows == ["reproduced"] * 2
    assert stored.judged == ["K3", "K3"]
