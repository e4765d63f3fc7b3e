"""A window that tells when input reaches it, a line "kind nanoseconds" for each event.

    python -m bench.reached DISPLAY

Kinds: key, button, move. The time is the wall clock when the event was read; "ready" comes first.
"""

import sys
import time

import Xlib.display
import Xlib.X

PLACE = (400, 200, 900, 600)
KINDS = {Xlib.X.KeyPress: "key", Xlib.X.ButtonPress: "button", Xlib.X.MotionNotify: "move"}


def main() -> None:
    """Tell until the process is killed."""
    display = Xlib.display.Display(sys.argv[1])
    screen = display.screen()
    mask = Xlib.X.KeyPressMask | Xlib.X.ButtonPressMask | Xlib.X.PointerMotionMask | Xlib.X.ExposureMask
    window = screen.root.create_window(
        *PLACE, 0, screen.root_depth, background_pixel=0xFFFFFF, event_mask=mask
    )
    window.set_wm_name("Reached")
    window.set_wm_normal_hints(flags=1, x=PLACE[0], y=PLACE[1])
    window.map()
    while True:
        event = display.next_event()
        now = time.time_ns()
        if event.type == Xlib.X.Expose:
            print("ready", now, flush=True)
        elif kind := KINDS.get(event.type):
            print(kind, now, flush=True)


if __name__ == "__main__":
    main()
