"""Markdown of sections, items and rules as HTML; markup in it stays text."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from wolfsbane.learn.page.scrolling import scrolling

RULE = re.compile(r"(\bWB\d{3}\b)")
NEW_TAB = '<span class="visually-hidden"> (opens in a new tab)</span>'


def paragraphs(text: str, rules: str = "rules/") -> Markup:
    """Return Markdown as block elements; `rules` is where a rule's page lies from there."""
    # Raw HTML is off: what markdown-it returns is its own markup and escaped text.
    return Markup(_parser().render(text, {"rules": rules}))  # noqa: S704


def line(text: str) -> Markup:
    """Return one line of Markdown without a paragraph around it."""
    return Markup(_parser().renderInline(text, {"rules": "rules/"}).strip())  # noqa: S704


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.core.ruler.push("rules", _link_rules)
    parser.add_render_rule("link_open", _open_link)
    parser.add_render_rule("link_close", _close_link)
    parser.add_render_rule("fence", _program)
    return parser


def _link_rules(state: StateCore) -> None:
    """Make each rule's code that is not in a link already a link to its page."""
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = _linked(token.children, state.env.get("rules", ""))


def _linked(tokens: Sequence[Token], rules: str) -> list[Token]:
    linked: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        linked += _split(token, rules) if token.type == "text" and not depth else [token]
    return linked


def _split(token: Token, rules: str) -> list[Token]:
    parts: list[Token] = []
    for i, text in enumerate(RULE.split(token.content)):
        words = Token("text", "", 0, content=text)
        if i % 2:
            address = {"href": f"{rules}{text}"}
            parts += [Token("link_open", "a", 1, attrs=dict(address)), words]
            parts.append(Token("link_close", "a", -1, meta=address))
        elif text:
            parts.append(words)
    return parts


def _open_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Open a link; one that leads away from the page gets a tab of its own."""
    token = tokens[index]
    if not str(token.attrGet("href")).startswith("#"):
        token.attrs |= {"target": "_blank", "rel": "noopener"}
    return self.renderToken(tokens, index, options, env)


def _close_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    opening = next(each for each in reversed(tokens[:index]) if each.type == "link_open")
    close = self.renderToken(tokens, index, options, env)
    return (NEW_TAB if opening.attrGet("target") else "") + close


def _program(
    self: RendererHTML,  # noqa: ARG001  # markdown-it's signature
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,  # noqa: ARG001
    env: EnvType,  # noqa: ARG001
) -> str:
    return f"{scrolling(tokens[index].content, 'Program')}\n"
