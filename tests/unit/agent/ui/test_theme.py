"""Contrast as WCAG 2.2 defines it, computed from the theme's own constants."""

import re

import pytest
from PySide6.QtWidgets import QApplication

from agent.ui import theme
from agent.ui.stylesheet import SHEET

pytestmark = pytest.mark.unit


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("foreground", "background", "least"), theme.PAIRS)
def test_every_pair_can_be_read(foreground: str, background: str, least: float) -> None:
    assert contrast(foreground, background) >= least


def test_every_colour_the_sheet_uses_is_a_constant_of_the_theme() -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*[;}])", SHEET.template) == []


def test_every_text_colour_of_the_sheet_was_measured() -> None:
    used = set(re.findall(r"(?<![-\w])color: \$(\w+)", SHEET.template))
    measured = {foreground for foreground, _, least in theme.PAIRS if least >= theme.TEXT}
    assert {getattr(theme, name.upper()) for name in used} <= measured


def test_text_is_never_small(application: QApplication) -> None:
    assert application.font().pointSizeF() >= theme.SMALLEST_TEXT
