"""The page of a comparison: readable in order, safe with odd names."""

import pytest

import wolfsbane
from pages import PageSuite, figures

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    result = wolfsbane.compare(
        {"plain": {}, EVIL: {"dropout": 0.5}}, "digits", seeds=2, epochs=2, train_size=60
    )
    folder = result.save(tmp_path_factory.mktemp("page"))
    return (folder / "report.html").read_text(encoding="utf-8")


class TestPage(PageSuite):
    @pytest.fixture
    def any_page(self, page):
        return page


def test_names_are_text_and_never_markup(page):
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_verdict_comes_first_then_curves_gap_reliability_table_configuration(page):
    order = [
        "no significant gain",
        "Learning curves",
        "Generalisation gap</h2>",
        "Reliability</h2>",
    ]
    order += ["Table</h2>", "Configuration</h2>"]
    places = [page.index(part) for part in order]
    assert places == sorted(places)


def test_there_is_a_chart_of_each_kind_for_each_variant(page):
    assert len(figures(page)) == 2 + 2 + 1 + 2
