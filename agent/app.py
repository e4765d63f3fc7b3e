"""The customer's program: reads its options, puts engine, machine and windows together, waits for the end.

All wiring is here. No option answers a question for the person.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from agent.engine import join, link, records_post
from agent.engine.encode import Kind, open_encoder
from agent.engine.engine import Engine
from agent.engine.gate import Gate
from agent.engine.hand import Hand
from agent.engine.inject import DesktopInjector
from agent.engine.kept import Kept
from agent.engine.late_media import LateMedia, Pictures
from agent.engine.receipts import GatewayReceipts, Receipts
from agent.engine.visit import Parts
from agent.install import rights, system
from agent.platform import (
    DesktopGone,
    indicator_is_visible,
    open_changes,
    open_desktop,
    open_hands,
    open_input,
    open_pixels,
)
from agent.settings import Options, Preferences, default_state, encoders, gateway_of, parse_options
from agent.single import Instance, hand_over
from agent.unattended import line, post
from agent.unattended.office import Office, Ways
from beistand import runtime, telemetry
from beistand.protocol.records import Language

STOP_WITHIN_S = 8.0
"""Longest wait for the end to be told to the others, after the windows are gone."""

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the agent until the person leaves or the process is told to stop; exits with its status."""
    options = parse_options(sys.argv[1:] if arguments is None else arguments)
    telemetry.set_up("agent")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    instance = _claimed(options)
    try:
        status = _run(options, gateway_of(options), encoders(), instance)
    except ValueError as error:
        sys.exit(f"beistand agent: {error}")
    except DesktopGone as error:
        sys.exit(f"beistand agent: no desktop to show a window on ({error})")
    finally:
        instance.close()
    sys.exit(status)


def _claimed(options: Options) -> Instance:
    """The right to run on this state directory; whoever comes second hands over to the first and exits."""
    try:
        instance = Instance.claim(options.state)
    except OSError as error:
        sys.exit(f"beistand agent: {options.state}: {error.strerror}")
    if instance is not None:
        return instance
    if hand_over(options.state, options.code or ""):
        sys.exit(0)
    sys.exit("beistand agent: it runs already, but does not answer")


def _run(options: Options, gateway: str, kinds: Sequence[Kind], instance: Instance) -> int:
    preferences = Preferences(options.state)
    receipts = GatewayReceipts(gateway, options.state / "receipts")
    kept = Kept(options.state / "outbox", gateway=gateway)
    ways = Ways(gateway, dial=line.dial, post=post.post, at_sign_in=partial(_start_at_sign_in, options))
    engine = _engine(
        gateway,
        kinds,
        on_language=preferences.remember_language,
        receipts=receipts,
        kept=kept,
        office=Office(options.state, ways, monotonic=time.monotonic),
    )
    if sys.platform == "linux":
        # Capture, input and the proof of the indicator are X11's; under Wayland Qt must use XWayland as well.
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    # Here, because Qt takes its time, and ends the process itself where there is no display.
    from agent.ui.app import run

    runtime.settle_memory()
    engine.start()
    try:
        return run(
            engine,
            geometry_file=options.geometry_file,
            language=options.language or preferences.language(),
            code=options.code,
            indicator_is_visible=indicator_is_visible,
            background=options.background,
            serve=instance.serve,
            uninstall=lambda: rights.request(system.program(), options.state),
        )
    finally:
        engine.close()
        if not engine.wait_closed(STOP_WITHIN_S):
            log.warning("the engine did not stop in time")


def _start_at_sign_in(options: Options, wanted: bool) -> None:  # noqa: FBT001 - a callback of one word
    """Start at sign-in as it was started now, but without windows; or not any more."""
    presence = system.autostart(options.state)
    if not wanted:
        presence.remove()
        return
    told = ["--state", str(options.state)] if options.state != default_state() else []
    told += ["--gateway", options.gateway] if options.gateway else []
    presence.install([*system.at_sign_in(), *told])


def _engine(
    gateway: str,
    kinds: Sequence[Kind],
    *,
    on_language: Callable[[Language], None],
    receipts: Receipts,
    kept: Kept,
    office: Office,
) -> Engine:
    """An engine on this machine's screen, mouse and keyboard; DesktopGone where there is none."""
    gate = Gate()
    desktop, devices = open_desktop(), open_input()
    # Where there is no display, there is no indicator on it.
    media = LateMedia(lambda: _pictures(gate, kinds, partial(engine.indicator_shown, visible=False)))
    injector = DesktopInjector(gate=gate, desktop=desktop, devices=devices, place=media.desktop_place)
    parts = Parts(
        gate=gate,
        media=media,
        injector=injector,
        dial=link.dial,
        clock=time.monotonic,
        post=partial(records_post.post, gateway),
        kept=kept,
        hand=Hand(gate=gate, open_hands=open_hands),
    )
    engine: Engine = Engine(
        look_up=partial(join.look_up, gateway),
        parts=parts,
        on_language=on_language,
        receipts=receipts,
        office=office,
    )
    return engine


def _pictures(gate: Gate, kinds: Sequence[Kind], on_lost: Callable[[], None]) -> Pictures:
    """What makes pictures of this screen, loaded now."""
    from agent.engine.capture import Screen
    from agent.engine.stream import ScreenMedia

    media = ScreenMedia(
        gate=gate,
        open_encoder=open_encoder,
        kinds=kinds,
        open_screen=partial(Screen, clock_ns=time.monotonic_ns, open_source=open_pixels),
        open_changes=open_changes,
        clock=time.monotonic,
        on_lost=on_lost,
    )
    runtime.settle_memory()
    return media
