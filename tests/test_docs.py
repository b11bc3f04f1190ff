"""What the documents show is so: each command parses, cheap ones run, suites load, Python runs."""

import gc
import pkgutil
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from documents import DOCUMENTS, PAGES, README, blocks, command_of, commands, of_language, parse
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.data import sources
from benchmark.problems import InputError
from benchmark.suite import load_suite

sys.path.insert(0, str(Path("docs").resolve()))

CHEAP = ("list", "plan", "init", "data list", "data add shapes", "report quickstart", "paper")
"""How commands begin that are really run."""


def builds_nets(document):
    """Whether its Python takes longer than the fast tests may."""
    return any("import keras" in text for text in of_language(document, "python"))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to follow a page in: the suites of a clone, the quickstart's reference records as
    results, and a cache of its own."""
    suites, reference = Path("suites").resolve(), Path("results/reference").resolve()
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("RESNET_BENCH_REFERENCE", str(reference))
    folder = tmp_path / "desk"
    shutil.copytree(reference / "quickstart", folder / "results" / "quickstart")
    for cell in load_suite(suites / "quickstart.yaml").plan.cells:
        shutil.copytree(reference / "runs" / cell.run_id, folder / "results" / "runs" / cell.run_id)
    (folder / "suites").symlink_to(suites)
    monkeypatch.chdir(folder)
    yield folder
    gc.enable()  # report switches it off


def name_of(document):
    return str(document)


def written(document):
    """The page's suites as files of the present folder: their paths. One that is not whole gets
    the fields that it lacks."""
    found = []
    for number, text in enumerate(of_language(document, "yaml")):
        stated = yaml.safe_load(text)
        if "base" not in stated:
            continue
        if "name" not in stated:
            text = f"name: part{number}\nsource: a page\nseeds: [0]\n{text}"
        path = Path(f"{yaml.safe_load(text)['name']}.yaml")
        path.write_text(text)
        found.append(path)
    return found


@pytest.mark.parametrize(
    "document",
    [pytest.param(each, marks=pytest.mark.slow if builds_nets(each) else ()) for each in DOCUMENTS],
    ids=name_of,
)
def test_a_document_can_be_followed(document, desk, request):
    top = request.config.rootpath
    written(top / document)
    shutil.copytree(top / "benchmark" / "starter", ".", dirs_exist_ok=True)
    space = {}
    for language, text in blocks(top / document):
        if language == "python" and not (document == README and "keras" in text):
            exec(text, space)
        if language == "sh":
            follow(text)


def follow(text):
    for arguments in commands(text):
        if " ".join(arguments).startswith("init "):
            shutil.rmtree(arguments[1], ignore_errors=True)
        _, rest = command_of(arguments)
        if any("study/" in word for word in rest) and not Path("study").exists():
            assert CliRunner().invoke(app, ["init", "study"]).exit_code == 0
        parse(arguments)
        if " ".join(arguments).startswith(CHEAP):
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, (arguments, done.output)


def test_a_wrong_command_is_noticed():
    with pytest.raises(KeyError):
        parse(["trian", "quickstart"])
    with pytest.raises(InputError):
        parse(["run", "no-such-suite"])
    with pytest.raises(Exception, match="No such option: --no-such-option"):
        parse(["run", "quickstart", "--no-such-option"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_within_sentences_exist(document):
    text = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for inline in re.findall(r"`resnet-bench ([^`]+)`", text):
        command_of(inline.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_suites_load(document, desk, request):
    for path in written(request.config.rootpath / document):
        assert load_suite(path).plan.cells, path


def test_the_suites_that_are_explained_are_as_large_as_it_says(desk, request):
    mine, wide = written(request.config.rootpath / "docs/suites.md")
    assert len(load_suite(mine).plan.cells) == 4 * 2 * 3
    assert {cell.spec.optimizer.batch_size for cell in load_suite(wide).plan.cells} == {256}
    assert len(load_suite(wide).plan.cells) == 4 * 2 * 2
    (transfer,) = written(request.config.rootpath / "docs/transfer.md")
    begun = {cell.variant: cell.source is not None for cell in load_suite(transfer).plan.cells}
    assert list(begun.values()) == [False] * 2 + [True] * 3
    (detector,) = written(request.config.rootpath / "docs/detection.md")
    (cell,) = load_suite(detector).plan.cells
    assert cell.spec.detector and cell.spec.dataset.image_shape == (1000, 1000, 3)


def test_the_comparison_that_is_explained_is_what_init_writes(desk, request):
    (shown,) = written(request.config.rootpath / "docs/compare-shortcuts.md")
    starter = load_suite(request.config.rootpath / "benchmark/starter/compare.yaml")
    assert load_suite(shown).suite == starter.suite
    (claim,) = starter.suite.claims
    assert set(claim.departs_in) == {"model.shortcut", "schedule"}


def test_the_data_set_that_is_made_is_the_one_that_its_suite_states(desk, request):
    page = request.config.rootpath / "docs/extend.md"
    (suite,) = written(page)
    exec(of_language(page, "python")[0], {})
    assert CliRunner().invoke(app, ["data", "add", "shapes", "shapes"]).exit_code == 0
    spec = load_suite(suite).plan.cells[0].spec.dataset
    found = sources.load(spec)  # raises where the content is another
    assert found.content == spec.content


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files(document):
    text = document.read_text("utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link:
            assert (document.parent / link).exists(), link


def test_every_page_is_in_the_navigation():
    navigation = Path("mkdocs.yml").read_text("utf-8")
    assert [page for page in PAGES if f" {page.name}\n" not in navigation] == []


def test_the_reference_of_fields_has_every_field_with_its_facts():
    from gen_fields import fields

    from benchmark.spec import ResNetSpec, SgdSpec
    from benchmark.spec.base import TOLD

    sections = dict(re.findall(r"\{#(\w+)\}\n(.*?)(?=\n#+ |\Z)", fields(), re.DOTALL))
    for cls in (ResNetSpec, SgdSpec):
        names = {n for n, field in cls.model_fields.items() if TOLD not in field.metadata}
        assert set(re.findall(r"^`(\w+)`$", sections[cls.__name__.lower()], re.MULTILINE)) == names
    momentum = entry(sections["sgdspec"], "momentum")
    assert momentum == ("number", "≥ 0", "< 1", "default `0.9`")
    assert entry(sections["resnetspec"], "stem")[-1] == "**required**"
    assert "follows" in entry(sections["resnetspec"], "depth")[-1]
    assert "follows" in entry(sections["piecewiseschedule"], "drops")[-1]
    assert "drops" not in sections["cosineschedule"]
    assert "- `drops`: " in sections["piecewiseschedule"]  # a rule that joins two fields
    assert "- `optimizer.batch_size`: " in sections["run"]
    assert fields().count("{#warmupspec}") == 1
    linked = set(re.findall(r"\(#(\w+)\)", fields()))
    assert linked and linked <= set(sections)


def entry(section, field):
    """Type, rules and default of a field, as its line has them."""
    return tuple(re.search(rf"^`{field}`\n:   (.*)$", section, re.MULTILINE)[1].split(" · "))


def test_the_reference_of_claims_has_every_kind_metric_and_number():
    from gen_claims import claims, metrics, published

    from benchmark.metrics import BY_CLAIM
    from benchmark.paper import PUBLISHED
    from benchmark.suite.claims.kinds import KINDS

    text = claims()
    assert re.findall(r"^## `(.*)`$", text, re.MULTILINE) == list(KINDS)
    assert text.count("```yaml") >= 6  # kinds that some suite has an example of
    assert re.findall(r"^\| `(\w+_\w+)`", metrics(), re.MULTILINE) == list(BY_CLAIM)
    keys = re.findall(r"^\| `([\w-]+/[^`]+)`", published(), re.MULTILINE)
    assert keys == [k for k, number in PUBLISHED.items() if number.column in BY_CLAIM]


def test_markers_of_generated_parts_are_known():
    import gen_claims
    import gen_fields

    used = [m for p in PAGES for m in re.findall(r"<!-- generated: (\w+) -->", p.read_text())]
    assert sorted(used) == ["claims", "fields", "metrics", "published"]
    assert all(hasattr(gen_claims, name) or hasattr(gen_fields, name) for name in used)


def test_the_python_reference_names_what_is_there():
    names = re.findall(r"^::: (\S+)$", Path("docs/api.md").read_text(), re.MULTILINE)
    assert names
    for name in names:
        assert pkgutil.resolve_name(name)
