// Keyboard events as input messages. A key with a meaning of its own goes as `input.key` with the character it makes
// here, so layouts need not match; what a composition (IME, dead key) makes goes as `input.text`.
// Knows no DOM and sends nothing itself.
import type { Input } from "./protocol.gen.ts";

/** A `KeyboardEvent`, as far as it matters. */
export interface KeyPress {
  readonly key: string;
  readonly code: string;
  readonly isComposing: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** What to send, and whether the browser must not act on the key itself. */
export interface Handled {
  readonly send: readonly Input[];
  readonly prevent: boolean;
}

const MAX_KEY = 32;
const MAX_TEXT = 1000;
const LEAVE_TO_BROWSER: Handled = { send: [], prevent: false };
const SWALLOW: Handled = { send: [], prevent: true };

/** The input method owns these. */
const COMPOSING = new Set(["Process", "Unidentified", "Compose"]);
/**
 * Never sent: characters arrive as already shifted by the locks and by AltGr, and held there they would shift twice.
 */
const RESOLVED_HERE = new Set(["CapsLock", "NumLock", "ScrollLock", "AltGraph"]);
const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta"]);

/** Ctrl+Alt+Shift+Esc hands the keyboard back to the page: the documented way out. */
export function isWayOut(press: KeyPress): boolean {
  return press.key === "Escape" && press.ctrlKey && press.altKey && press.shiftKey;
}

/** The keys held on one keyboard. */
export class Keyboard {
  /** code -> key as it went down: a key comes up as what it went down as. */
  #held = new Map<string, string>();
  #deadKeyWaits = false;

  down(press: KeyPress): Handled {
    if (press.isComposing || COMPOSING.has(press.key)) {
      return LEAVE_TO_BROWSER;
    }
    if (press.key === "Dead") {
      this.#deadKeyWaits = true;
      return LEAVE_TO_BROWSER;
    }
    if (press.key === "AltGraph") {
      // On Windows AltGr arrives as left Control and then AltGr: that Control was never pressed.
      return { send: this.#up("ControlLeft"), prevent: true };
    }
    if (RESOLVED_HERE.has(press.key) || press.key.length > MAX_KEY || press.code.length > MAX_KEY) {
      return SWALLOW;
    }
    if (this.#deadKeyWaits && !MODIFIERS.has(press.key)) {
      return this.#afterDeadKey(press);
    }
    this.#held.set(press.code, press.key);
    return { send: [keyMessage(press.key, press.code, "down")], prevent: true };
  }

  up(press: KeyPress): Handled {
    const send = this.#up(press.code);
    // macOS sends no keyup for what was held together with Command.
    return { send: press.key === "Meta" ? [...send, ...this.#upAllCharacters()] : send, prevent: send.length > 0 };
  }

  /** Text that came without a key of its own: a finished composition, a dead key's character, an emoji picker. */
  text(value: string): Input[] {
    this.#deadKeyWaits = false;
    const pieces: Input[] = [];
    for (let rest = [...value]; rest.length > 0; rest = rest.slice(MAX_TEXT / 2)) {
      pieces.push({ type: "input.text", text: rest.slice(0, MAX_TEXT / 2).join("") });
    }
    return pieces;
  }

  /** Forgets everything, after the other side was told to release or cannot be told any more. */
  clear(): void {
    this.#held.clear();
    this.#deadKeyWaits = false;
  }

  /** A character completes the dead key and arrives as text; anything else (Escape, arrows) ends it. */
  #afterDeadKey(press: KeyPress): Handled {
    this.#deadKeyWaits = false;
    return [...press.key].length === 1 ? LEAVE_TO_BROWSER : this.down(press);
  }

  #up(code: string): Input[] {
    const key = this.#held.get(code);
    this.#held.delete(code);
    return key === undefined ? [] : [keyMessage(key, code, "up")];
  }

  #upAllCharacters(): Input[] {
    const codes = [...this.#held].filter(([, key]) => !MODIFIERS.has(key)).map(([code]) => code);
    return codes.flatMap((code) => this.#up(code));
  }
}

function keyMessage(key: string, code: string, action: "down" | "up"): Input {
  return { type: "input.key", key, code, action };
}
