"""The page: complete in itself, readable in order, safe with odd names."""

import re
from html.parser import HTMLParser

import pytest

import wolfsbane

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    result = wolfsbane.compare(
        {"plain": {}, EVIL: {"dropout": 0.5}}, "digits", seeds=2, epochs=2, train_size=60
    )
    folder = result.save(tmp_path_factory.mktemp("page"))
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_asks_the_network_for_nothing(page):
    without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>', "", page)
    assert "http" not in without_namespaces
    assert not re.search(r"""(src|href)=["'](?!#)""", without_namespaces)
    assert "<script" not in page
    assert "@import" not in page


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


def test_every_chart_has_a_description(page):
    figures = re.findall(r"<figure[^>]*>", page)
    assert len(figures) == 2 + 2 + 1 + 2
    assert all(re.search(r'role="img" aria-label="[^"]{20,}"', figure) for figure in figures)


def test_charts_follow_the_theme(page):
    colours = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", page))
    assert colours == set()
    assert "prefers-color-scheme: dark" in page
    used = set(re.findall(r"var\((--series-\d)\)", page))
    assert all(page.count(f"{name}:") == 2 for name in used)  # light and dark


def test_the_page_is_well_formed(page):
    open_tags = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "br", "link"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

        def handle_startendtag(self, tag, attrs):
            pass

    Checker().feed(page)
    assert open_tags == []


def test_ids_are_unique(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
