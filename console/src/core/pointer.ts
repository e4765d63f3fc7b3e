// Pointer and wheel as input messages: of moves only the newest is sent when the caller finds it time, buttons and wheel
// go at once and in order. Knows no DOM and sends nothing itself.
import type { Point } from "./coordinates.ts";
import type { Input, InputButton } from "./protocol.gen.ts";

type Button = InputButton["button"];

/** `PointerEvent.button` -> name in the contract. */
const BUTTONS: readonly Button[] = ["left", "middle", "right", "back", "forward"];
const MAX_NOTCHES = 20;

/** A `WheelEvent`, as far as it matters. `deltaMode`: 0 pixels, 1 lines, 2 pages. */
export interface Wheel {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
}

/** The flow of one pointer. Every method returns what is to be sent, in order. */
export class PointerFlow {
  #waiting: Point | undefined;
  #held = new Set<Button>();
  #rest = { x: 0, y: 0 };

  /** True while a button is held: the drag goes on outside the picture. */
  get isDragging(): boolean {
    return this.#held.size > 0;
  }

  /** True while there is a move that was not sent. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Remembers where the pointer is; sent by the next `flush`. */
  move(to: Point): void {
    this.#waiting = to;
  }

  /** The newest move, if it was not sent yet. */
  flush(): Input[] {
    const to = this.#waiting;
    this.#waiting = undefined;
    return to === undefined ? [] : [{ type: "input.move", ...to }];
  }

  down(button: number, at: Point): Input[] {
    const name = BUTTONS[button];
    if (name === undefined) {
      return [];
    }
    this.#held.add(name);
    return [...this.flush(), { type: "input.button", ...at, button: name, action: "down" }];
  }

  /** Only what went down here comes up. */
  up(button: number, at: Point): Input[] {
    const name = BUTTONS[button];
    if (name === undefined || !this.#held.delete(name)) {
      return [];
    }
    return [...this.flush(), { type: "input.button", ...at, button: name, action: "up" }];
  }

  wheel(event: Wheel, at: Point): Input[] {
    const dx = this.#notches("x", notches(event.deltaX, event.deltaMode));
    const dy = this.#notches("y", notches(event.deltaY, event.deltaMode));
    return dx === 0 && dy === 0 ? [] : [...this.flush(), { type: "input.wheel", ...at, dx, dy }];
  }

  /** Forgets everything, after the other side was told to release or cannot be told any more. */
  clear(): void {
    this.#waiting = undefined;
    this.#held.clear();
    this.#rest = { x: 0, y: 0 };
  }

  /** Whole notches; the fraction is kept for the next event unless the direction turns. */
  #notches(axis: "x" | "y", amount: number): number {
    const turned = amount * this.#rest[axis] < 0;
    const sum = amount + (turned ? 0 : this.#rest[axis]);
    const whole = Math.trunc(sum + Math.sign(sum) * 1e-9);
    this.#rest[axis] = sum - whole;
    return Math.max(-MAX_NOTCHES, Math.min(MAX_NOTCHES, whole)) + 0;
  }
}

/** Notches in a wheel event. Chromium counts 120 pixels per notch on Linux and 100 elsewhere; Firefox three lines. */
function notches(delta: number, mode: number): number {
  if (mode === 1) {
    return delta / 3;
  }
  if (mode === 2) {
    return delta * 3;
  }
  return delta / (delta % 120 === 0 ? 120 : 100);
}
