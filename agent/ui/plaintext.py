"""Text from others before it is drawn: nothing in it may reorder, hide or stretch what is shown. Pure."""

import re
import unicodedata

_ZERO_WIDTH_SPACE = "\u200b"
_LONG_RUN = re.compile(r"[^\s/-]{24,}")
_JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiners: needed to write some scripts and emoji, and harmless."""
_CODE = re.compile(r"(?<![0-9])([0-9]{3})[\s-]?([0-9]{3})[\s-]?([0-9]{3})(?![0-9])")


def one_line(text: str) -> str:
    """`text` on one line, without characters that are invisible or change the direction of others."""
    return " ".join(_printable(text).split())


def lines(text: str) -> str:
    """Like `one_line`, but line breaks stay."""
    return "\n".join(one_line(line) for line in text.splitlines()).strip()


def breakable(text: str) -> str:
    """`text` with places to break inside very long words, so that a label can always wrap."""
    return _LONG_RUN.sub(_broken, text)


def shortened(text: str, *, most: int) -> str:
    """`text` in at most `most` characters, the last one telling that something is missing."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def unbroken(text: str) -> str:
    """What `breakable` was given."""
    return text.replace(_ZERO_WIDTH_SPACE, "")


def code_in(text: str) -> str:
    """The digits of a join code in what was typed or pasted (a link, a sentence), at most nine."""
    complete = _CODE.findall(text)
    if complete:
        return "".join(complete[-1])
    return "".join(character for character in text if character in "0123456789")[:9]


def grouped(code: str) -> str:
    """A code, also a partial one, in groups of three: '123 456 7'."""
    return " ".join(code[start : start + 3] for start in range(0, len(code), 3))


def _printable(text: str) -> str:
    return "".join(
        character if character in _JOINERS or unicodedata.category(character)[0] != "C" else " "
        for character in text
    )


def _broken(run: re.Match[str]) -> str:
    word = run.group()
    return _ZERO_WIDTH_SPACE.join(word[start : start + 12] for start in range(0, len(word), 12))
