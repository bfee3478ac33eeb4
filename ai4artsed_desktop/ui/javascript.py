"""Colours for JavaScript: words, texts, numbers and comments, each also recognisable by weight or slant."""

from __future__ import annotations

import re

from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from ai4artsed_desktop.ui.theme import Theme

# Source of the words: ECMAScript 2024, reserved words and literals.
_KEYWORDS = (
    "async|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|export|extends|false|finally|for|"
    "from|function|get|if|import|in|instanceof|let|new|null|of|return|set|static|super|switch|this|throw|true|try|"
    "typeof|undefined|var|void|while|with|yield"
)
_TOKEN = re.compile(
    r"""(?P<comment>//.*|/\*.*?(?:\*/|$))"""
    r"""|(?P<text>"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?)"""
    r"""|(?P<number>\b0[xXbBoO][\da-fA-F_]+n?|\b\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?n?|(?<!\w)\.\d+)"""
    rf"""|(?P<keyword>\b(?:{_KEYWORDS})\b)"""
    r"""|(?P<call>\b[A-Za-z_$][\w$]*(?=\s*\())"""
)
_ROLES = {"comment": "muted", "text": "good", "number": "warn", "keyword": "accent", "call": "info"}
_NORMAL, _IN_COMMENT, _IN_TEMPLATE = 0, 1, 2
_ENDS = {_IN_COMMENT: re.compile(r"\*/"), _IN_TEMPLATE: re.compile(r"(?<!\\)`")}
_NAMES = {_IN_COMMENT: "comment", _IN_TEMPLATE: "text"}


class JavaScriptHighlighter(QSyntaxHighlighter):
    """Colours a document and follows the theme. Good enough to read by; it is no parser."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._theme = theme
        self._formats: dict[str, QTextCharFormat] = {}
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def highlightBlock(self, text: str) -> None:
        """Colour one line, knowing what was open at the end of the line before."""
        state = max(_NORMAL, self.previousBlockState())
        position = 0
        while True:
            if state != _NORMAL:
                end = _ENDS[state].search(text, position)
                stop = end.end() if end else len(text)
                self.setFormat(position, stop - position, self._formats[_NAMES[state]])
                if end is None:
                    break
                position, state = stop, _NORMAL
            match = _TOKEN.search(text, position)
            if match is None:
                break
            position = match.end()
            self.setFormat(match.start(), position - match.start(), self._formats[str(match.lastgroup)])
            state = _open_state(match.group())
            if state != _NORMAL:
                break
        self.setCurrentBlockState(state)

    def _on_theme_changed(self) -> None:
        for name, role in _ROLES.items():
            made = QTextCharFormat()
            made.setForeground(self._theme.color(role))
            made.setFontItalic(name == "comment")
            made.setFontWeight(QFont.Weight.DemiBold if name == "keyword" else QFont.Weight.Normal)
            self._formats[name] = made
        self.rehighlight()


def _open_state(token: str) -> int:
    """Return what a token leaves open at the end of its line."""
    if token.startswith("/*") and not (token.endswith("*/") and len(token) >= 4):
        return _IN_COMMENT
    if token.startswith("`") and not (token.endswith("`") and len(token) >= 2):
        return _IN_TEMPLATE
    return _NORMAL
