"""LaTeX formulas as MathML, which browsers draw themselves: no script, no font from a network."""

from __future__ import annotations

import re
from html import escape

# What latex2mathml reads differently from MathJax, in words that it knows.
_BEFORE = [
    (
        r"\\(begin|end)\{(?:aligned|alignedat|gathered|align|equation\*?|eqnarray\*?)\}",
        r"\\\1{align*}",
    ),
    (r"\\operatorname\*?\s*\{([^{}]*)\}", r"\\mathrm{\1}"),
    (r"\\(?:big|Big|bigg|Bigg)[lrm]?\s*\\(?:\||Vert\b)", r"\\|"),
    (r"\\(?:label|tag)\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)\b", ""),
]
_AFTER = [
    # relations and separators that come as identifiers would have no space around them
    (r"<mi>(&#x02223;|&#x02016;|:|;)</mi>", r"<mo>\1</mo>"),
    (r"<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>"),
    # a function's name is set off from an argument without brackets: log p
    (
        r"(<mi>[a-z]{2,}</mi>)(?!<mo[^>]*>(?:&#x00028;|&#x0005B;|\(|\[)|</)",
        r'\1<mspace width="0.17em"/>',
    ),
]
_UNREAD = re.compile(r"\\[A-Za-z]+")  # a command that is left was not understood


def to_mathml(latex: str, display: bool = False) -> str:
    """`latex`, without its dollars, as a `<math>` element; as code where it cannot be read."""
    from latex2mathml.converter import convert

    source = latex.strip()
    for pattern, replacement in _BEFORE:
        source = re.sub(pattern, replacement, source)
    try:
        mathml = convert(source, display="block" if display else "inline")
    except Exception:  # its errors share no base class, and a formula must not cost the page
        return _as_code(latex, display)
    if _UNREAD.search(mathml):
        return _as_code(latex, display)
    for pattern, replacement in _AFTER:
        mathml = re.sub(pattern, replacement, mathml)
    head = f'<math alttext="{escape(latex.strip())}" '
    return mathml.replace('<math xmlns="http://www.w3.org/1998/Math/MathML" ', head, 1)


def _as_code(latex: str, display: bool) -> str:
    tag = "pre" if display else "code"
    return f'<{tag} class="formula">{escape(latex.strip())}</{tag}>'


_IN_TEXT = re.compile(
    r"(?<!\\)\$\$(?P<block>.+?)(?<!\\)\$\$"
    r"|(?<![\\$])\$(?=\S)(?P<inline>[^$]+?)(?<=\S)(?<!\\)\$(?![$\d])"
    r"|\\\[(?P<bracket>.+?)\\\]|\\\((?P<paren>.+?)\\\)",
    re.DOTALL,
)


def replace_in_text(text: str) -> str | None:
    """HTML for plain text with formulas between dollars; None when there is none."""
    parts, end = [], 0
    for match in _IN_TEXT.finditer(text):
        block, inline = match["block"] or match["bracket"], match["inline"] or match["paren"]
        parts += [escape(text[end : match.start()], quote=False)]
        parts += [to_mathml(block or inline, display=block is not None)]
        end = match.end()
    return "".join([*parts, escape(text[end:], quote=False)]) if parts else None
