"""What every report's page has to be: complete in itself, well formed, for everyone."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "link"}


def figures(text):
    """Return the descriptions of a page's charts."""
    return re.findall(r'<figure role="img" aria-label="([^"]*)"', text)


class TagChecker(HTMLParser):
    """Fails where a tag ends that was not the last to begin."""

    def __init__(self):
        super().__init__()
        self.open_tags = []

    def handle_starttag(self, tag, attrs):
        """Note a tag that has to end."""
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        """Forget the last one, which has to be this."""
        assert self.open_tags.pop() == tag

    def handle_startendtag(self, tag, attrs):
        """Nothing: it ends where it begins."""


class PageSuite:
    """Tests of any page; a subclass has a fixture `any_page` that gives its text."""

    def test_the_page_asks_the_network_for_nothing(self, any_page):
        without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>', "", any_page)
        assert "http" not in without_namespaces
        assert not re.search(r"""(src|href)=["'](?!#)""", without_namespaces)
        assert "<script" not in any_page
        assert "@import" not in any_page

    def test_every_chart_has_a_description(self, any_page):
        assert figures(any_page)
        assert any_page.count("<svg") == len(figures(any_page))
        assert all(len(description) > 20 for description in figures(any_page))

    def test_charts_follow_the_theme(self, any_page):
        assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", any_page)) == set()
        assert "prefers-color-scheme: dark" in any_page
        used = set(re.findall(r"var\((--[\w-]+)\)", any_page))
        assert all(any_page.count(f"{name}:") == 2 for name in used)  # light and dark

    def test_the_page_is_well_formed(self, any_page):
        checker = TagChecker()
        checker.feed(any_page)
        assert checker.open_tags == []

    def test_ids_are_unique(self, any_page):
        ids = re.findall(r'\bid="([^"]+)"', any_page)
        assert len(ids) == len(set(ids))
