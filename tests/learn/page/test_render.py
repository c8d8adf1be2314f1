import re
import subprocess
import sys

import pytest

from learn.page.made_up import ITEMS, MARKUP, QUESTION, REPAIR, SECTION
from pages import TagChecker
from wolfsbane.errors import ArgumentError
from wolfsbane.learn.items import all_items
from wolfsbane.learn.page.render import render_page, render_rule
from wolfsbane.learn.page.static_files import static_names
from wolfsbane.learn.sections import all_sections


@pytest.fixture(scope="module")
def made_up():
    return render_page([SECTION], ITEMS)


@pytest.fixture(scope="module", params=["made up", "the lesson", "empty", "a rule"])
def any_page(request):
    return {
        "made up": lambda: render_page([SECTION], ITEMS),
        "the lesson": render_page,
        "empty": lambda: render_page([], []),
        "a rule": lambda: render_rule("WB201"),
    }[request.param]()


def tag(page, start):
    """Return the first tag of a page that starts so."""
    return re.search(rf"{re.escape(start)}[^>]*>", page)[0]


class VoidAware(TagChecker):
    """Knows the elements of a form that never end."""

    def handle_starttag(self, tag, attrs):
        if tag not in {"input", "img"}:
            super().handle_starttag(tag, attrs)


def test_it_is_well_formed(any_page):
    checker = VoidAware()
    checker.feed(any_page)
    assert checker.open_tags == []


def test_ids_are_unique_and_what_is_referred_to_is_there(any_page):
    ids = re.findall(r'\bid="([^"]+)"', any_page)
    assert len(ids) == len(set(ids))
    named = re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]+)"', any_page)
    local = {name for names in named for name in names.split()}
    local |= set(re.findall(r'\bhref="#([^"]+)"', any_page))
    assert local <= set(ids)


def test_nothing_in_it_needs_what_the_policy_forbids(any_page):
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", any_page)
    assert all(" src=" in script for script in re.findall(r"<script[^>]*>", any_page))


def test_whatever_it_loads_is_a_static_file_of_ours(any_page):
    loaded = re.findall(r'<(?:link|script|img)\b[^>]*(?:href|src)="([^"]+)"', any_page)
    assert loaded
    assert all(re.fullmatch(r"(\.\./)?static/[\w.]+", address) for address in loaded)
    assert {address.rpartition("/")[2] for address in loaded} <= set(static_names())


def test_links_out_open_in_a_new_tab_and_say_so(any_page):
    links = re.findall(r'(<a\b[^>]*href="(?:https?:|rules/)[^>]*>)(.*?)</a>', any_page, re.DOTALL)
    for opening, inside in links:
        assert 'target="_blank"' in opening
        assert 'rel="noopener"' in opening
        assert "opens in a new tab" in inside


def test_every_section_step_claim_and_item_is_in_the_lesson():
    page = render_page()
    for section in all_sections():
        assert f'<section class="part" id="{section.name}"' in page
        assert all(f'id="{section.name}--{step.name}"' in page for step in section.steps)
    assert page.count("data-claim>") == sum(len(section.claims) for section in all_sections())
    assert all(f'data-item="{item.name}"' in page for item in all_items())


def test_markup_in_words_and_programs_stays_text(made_up):
    assert MARKUP not in made_up
    assert made_up.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert made_up.count("</textarea>") == made_up.count("<textarea")


def test_each_control_is_the_native_one_with_its_default(made_up):
    slider = tag(made_up, '<input type="range" id="dropout--mask-p"')
    assert (
        'min="0" max="0.9" step="0.1" value="0.5" aria-describedby="dropout--mask-p-help"' in slider
    )
    assert 'max="100000" step="1" value="3"' in tag(made_up, '<input type="number"')
    radio = 'type="radio" name="dropout--mask-data" value="digits" autocomplete="off"'
    assert f"{radio} checked" in made_up
    assert '<option value="moons" selected>' in made_up
    assert " checked" in tag(made_up, '<input type="checkbox" id="dropout--mask-noise"')
    assert 'value="a &#34;quoted&#34; one"' in tag(made_up, '<input type="text"')


def test_the_answers_are_not_in_the_page(made_up):
    hidden = ["right_is_decided", "why-not", "belief", "the_check", "the-why", "the_solution"]
    assert [words for words in (*hidden, "the_example", "the-message") if words in made_up] == []


def test_a_questions_program_is_shown_only_where_it_wants():
    shown = "the question is shown"
    other = type(QUESTION)(**{**vars(QUESTION), "shows_program": False})
    assert shown in render_page([], [QUESTION])
    assert shown not in render_page([], [other])


def test_a_program_meant_to_fail_says_so_and_can_be_put_back(made_up):
    item = made_up.partition(f'data-item="{REPAIR.name}"')[2].partition("<dialog")[0]
    assert "This program is meant to fail." in item
    assert "model.eval()</textarea>" in item
    assert "data-put-back" in item


def test_hints_are_hidden_until_asked_for(made_up):
    assert len(re.findall(r'<div class="hint" tabindex="-1" hidden>', made_up)) == 3


def test_an_exercise_leads_to_the_next_and_the_last_to_none(made_up):
    assert made_up.count(f'<a href="#item-{REPAIR.name}">Next exercise') == 1
    assert made_up.count("Next exercise") == 1


def test_exercises_stand_under_their_topics(made_up):
    assert re.findall(r"<h3>(.*?)</h3>", made_up)[-3:] == [
        "Dropout",
        "All together",
        "Your progress",
    ]


def test_a_section_links_its_exercises_and_rules(made_up):
    assert '<a href="#item-purpose">What for?</a>' in made_up
    assert re.search(r'<a href="rules/WB201"[^>]*>WB201 train-not-restored<', made_up)


def test_a_long_run_says_how_long(made_up):
    assert "About 2 minutes, as set at first." in made_up


def test_a_rules_page_says_what_it_finds_and_leads_back():
    page = render_rule("WB201")
    assert '<h1><span class="rule-code">WB201</span> train-not-restored</h1>' in page
    assert "What it does" in page
    assert 'href="../"' in page
    assert '<a href="WB202" target="_blank"' in page


def test_an_unknown_rule_is_named():
    with pytest.raises(ArgumentError, match="WB999"):
        render_rule("WB999")


def test_pages_are_rendered_without_torch():
    program = (
        "import sys; from wolfsbane.learn.page.render import render_page, render_rule;"
        "render_page(); render_rule('WB101'); print('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
