"""A customer's desktop: an X screen of its own (Xvfb and a window manager), a person's hands, and eyes.

Hands are events of the screen's own mouse and keyboard (see `hands`); eyes are screenshots.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mss
import mss.tools
from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import XError

from demo.hands import Hands
from demo.waiting import until

KEY_PAUSE_S = 0.02
HAND_PAUSE_S = 0.25
WALLPAPER = 0x3A5564


class MissingProgramError(Exception):
    """A program is not installed; the message says how to get it."""


@dataclass
class Desktop:
    """One X screen. Coordinates are pixels from its top left."""

    name: str
    _display: Any = field(repr=False)
    _hands: Hands = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._hands = Hands(self._display)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to appear here."""
        clean = {
            key: value
            for key, value in os.environ.items()
            if key not in {"WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
        }
        return {**clean, "DISPLAY": self.name, "XDG_SESSION_TYPE": "x11"}

    def paint(self, colour: int) -> None:
        """The background, as 0xRRGGBB."""
        root = self._display.screen().root
        root.change_attributes(background_pixel=colour)
        root.clear_area()
        self._display.sync()

    def move(self, x: int, y: int) -> None:
        """The pointer to a pixel."""
        self._hands.move(x, y)

    def click(self, x: int, y: int) -> None:
        """A click of the left button at a pixel."""
        self.move(x, y)
        self._hands.button_down()
        self._hands.button_up()

    async def settles(self) -> None:
        """From the mouse to the keyboard: the window under the pointer has the focus, and a hand's moment.

        A click on a window in the background is held by the window manager until that has the focus; keys are
        not held, and would go to the window before.
        """
        await until("the focus where the click was", self._is_focused_under_pointer)
        await asyncio.sleep(HAND_PAUSE_S)

    def _is_focused_under_pointer(self) -> bool:
        root = self._display.screen().root
        focus, top = self._display.get_input_focus().focus, root.query_pointer().child
        try:
            while not isinstance(focus, int) and focus not in (root, top):
                focus = focus.query_tree().parent
        except XError:
            return False  # a window that has gone meanwhile
        return bool(focus == top)

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        found = self._display.screen().root.query_pointer()
        return found.root_x, found.root_y

    def holds_a_key(self) -> bool:
        """Whether any key is down on this screen."""
        return any(self._display.query_keymap())

    def press(self, *names: str) -> None:
        """Keys down in order and up in reverse, by keysym name (`Return`, `Control_L`, `a`)."""
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            self._hands.key_down(code)
        for code in reversed(codes):
            self._hands.key_up(code)

    async def type(self, text: str) -> None:
        """Plain ASCII letters, digits and spaces, one key at a time."""
        for character in text:
            name = "space" if character == " " else character
            self.press(*(["Shift_L", name.lower()] if name.isupper() else [name]))
            await asyncio.sleep(KEY_PAUSE_S)

    def screenshot(self, path: Path) -> None:
        """The whole screen as PNG."""
        with mss.MSS(display=self.name) as eyes:
            shot = eyes.grab(eyes.monitors[0])
            mss.tools.to_png(shot.rgb, shot.size, output=str(path))

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour (red, green, blue) on the screen."""
        with mss.MSS(display=self.name) as eyes:
            return eyes.grab({"left": x, "top": y, "width": 1, "height": 1}).pixel(0, 0)

    def close(self) -> None:
        """Let go of the screen."""
        self._display.close()


@asynccontextmanager
async def desktop(*, width: int = 1920, height: int = 1080, log: Path) -> AsyncIterator[Desktop]:
    """A fresh X screen with openbox as window manager, gone at the end."""
    server, number = await _start_screen(width, height, log)
    hands = None
    manager = None
    try:
        hands = Desktop(f":{number}", Display(f":{number}"))
        hands.paint(WALLPAPER)
        manager = await _start_window_manager(hands, log)
        yield hands
    finally:
        if hands is not None:
            hands.close()
        for process in (manager, server):
            if process is not None:
                await stop(process)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Terminate a child and wait for it; killed after five seconds."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _start_screen(width: int, height: int, log: Path) -> tuple[asyncio.subprocess.Process, int]:
    reading, writing = os.pipe()
    size = f"{width}x{height}x24"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(
                program("Xvfb"),
                "-displayfd",
                str(writing),
                "-screen",
                "0",
                size,
                "-nolisten",
                "tcp",
                "-noreset",
            ),
            pass_fds=(writing,),
            stdout=output,
            stderr=output,
        )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = await asyncio.to_thread(pipe.readline)
    if not number.strip():
        raise MissingProgramError(f"Xvfb did not start; see {log}")
    return process, int(number)


async def _start_window_manager(screen: Desktop, log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            program("openbox"), env=screen.environment, stdout=output, stderr=output
        )
    await asyncio.to_thread(_wait_for_window_manager, screen.name)
    return process


def _wait_for_window_manager(name: str) -> None:
    display = Display(name)
    try:
        root = display.screen().root
        root.change_attributes(event_mask=X.PropertyChangeMask)
        wanted = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        deadline = time.monotonic() + 10
        while root.get_full_property(wanted, X.AnyPropertyType) is None and time.monotonic() < deadline:
            display.next_event()
    finally:
        display.close()


def program(name: str) -> str:
    """The path of a program, or MissingProgramError saying how to get it."""
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(f"{name} is missing; run: python3 tools/setup.py screen")
    return found
