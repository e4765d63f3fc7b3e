"""The windows' own drawings (agent/ui/icons/*.svg), tinted and sharp at any size. Knows no window."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from agent.ui.theme import ICONS, INK

_SIZES = (16, 22, 24, 32, 48, 64, 128)


@cache
def pixmap(name: str, *, size: int, colour: str = INK, ratio: float = 1.0) -> QPixmap:
    """The drawing `name`, `size` device-independent pixels square, its lines in `colour`."""
    source = (ICONS / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    image = QPixmap(round(size * ratio), round(size * ratio))
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


@cache
def icon(name: str, *, colour: str = INK) -> QIcon:
    """The drawing `name` as an icon in the usual sizes."""
    drawn = QIcon()
    for size in _SIZES:
        drawn.addPixmap(pixmap(name, size=size, colour=colour))
    return drawn
