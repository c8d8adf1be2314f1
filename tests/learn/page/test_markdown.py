from wolfsbane.learn.page.markdown import line, paragraphs

RULE = (
    '<a href="rules/WB201" target="_blank" rel="noopener">WB201'
    '<span class="visually-hidden"> (opens in a new tab)</span></a>'
)


def test_markup_stays_text():
    assert paragraphs("<b onclick='x'>bold</b>") == ("<p>&lt;b onclick='x'&gt;bold&lt;/b&gt;</p>\n")


def test_a_link_that_would_run_a_script_is_none():
    assert "<a" not in paragraphs("[here](javascript:alert(1))")


def test_a_rules_code_links_to_its_page():
    assert line("See WB201.") == f"See {RULE}."


def test_a_code_in_a_program_or_a_link_is_left_alone():
    assert line("`# noqa: WB201`") == "<code># noqa: WB201</code>"
    assert paragraphs("[WB201](rules/WB201)").count("<a ") == 1


def test_a_link_within_the_page_stays_in_its_tab():
    assert line("[above](#dropout)") == '<a href="#dropout">above</a>'


def test_a_program_can_be_scrolled_by_keyboard():
    assert paragraphs("```python\nif 1 < 2:\n    pass\n```") == (
        '<pre class="program-text" tabindex="0" role="group" aria-label="Program">'
        "<code>if 1 &lt; 2:\n    pass</code></pre>\n"
    )
