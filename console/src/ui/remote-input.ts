// Mouse, touch and keyboard on the picture, as input messages. Listens on the slot, because canvases come and go; keys
// are read from a hidden text field, the only place where input methods and dead keys work.
import { nearestPixel, pixelAt, type Point } from "../core/coordinates.ts";
import { isWayOut, Keyboard, type Handled } from "../core/keys.ts";
import { PointerFlow } from "../core/pointer.ts";
import type { Input } from "../core/protocol.gen.ts";
import type { CanvasSlot } from "./canvas-slot.ts";
import { h, setAttribute } from "./dom.ts";

export interface InputSink {
  readonly send: (messages: readonly Input[]) => void;
  readonly isFlowing: () => boolean;
  /** The keyboard goes to the customer, or back to the page. */
  readonly focusChanged: () => void;
  /** The person used the documented way out. */
  readonly left: () => void;
}

const FIELD = { autocomplete: "off", autocapitalize: "off", spellcheck: "false", rows: "1", tabindex: "-1" };

export class RemoteInput {
  readonly #slot: CanvasSlot;
  readonly #sink: InputSink;
  readonly #field = h("textarea", { class: "keyboard", attributes: FIELD });
  readonly #pointer = new PointerFlow();
  readonly #keyboard = new Keyboard();
  readonly #ended = new AbortController();
  #isEnabled = false;
  #flushDue = 0;

  constructor(slot: CanvasSlot, sink: InputSink) {
    this.#slot = slot;
    this.#sink = sink;
    slot.element.append(this.#field);
    this.#listenToPointer();
    this.#listenToKeyboard();
  }

  /** True while keys go to the customer. */
  get hasFocus(): boolean {
    return document.activeElement === this.#field && document.hasFocus();
  }

  /** Keys go to the customer from now on, if they may. */
  focus(): void {
    if (this.#isEnabled) {
      this.#field.focus({ preventScroll: true });
    }
  }

  setLabel(label: string): void {
    setAttribute(this.#field, "aria-label", label);
  }

  /** Follows whether input may pass. What was held is forgotten: the customer's side releases it by itself. */
  setEnabled(enabled: boolean): void {
    if (enabled === this.#isEnabled) {
      return;
    }
    this.#isEnabled = enabled;
    this.#forget();
    this.#field.tabIndex = enabled ? 0 : -1;
    if (!enabled) {
      this.#field.blur();
    }
  }

  dispose(): void {
    this.#ended.abort();
    cancelAnimationFrame(this.#flushDue);
  }

  // --- pointer ---------------------------------------------------------------------------------------------

  #listenToPointer(): void {
    const { element } = this.#slot;
    const options = { signal: this.#ended.signal };
    element.addEventListener("pointerdown", (event) => this.#pointerDown(event), options);
    element.addEventListener("pointermove", (event) => this.#pointerMove(event), options);
    // Chromium holds `pointermove` back until the next animation frame, and this not.
    element.addEventListener("pointerrawupdate", (event) => this.#pointerMoved(event as PointerEvent), options);
    element.addEventListener("pointerup", (event) => this.#pointerUp(event), options);
    element.addEventListener("pointercancel", () => this.#release(), options);
    element.addEventListener("wheel", (event) => this.#wheel(event), { ...options, passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault(), options);
    // The canvas must not take the focus from the field, nor the middle button start scrolling.
    element.addEventListener("mousedown", (event) => this.#isOnPicture(event) && event.preventDefault(), options);
  }

  #pointerDown(event: PointerEvent): void {
    const at = this.#pixel(event);
    if (!this.#isEnabled || at === undefined) {
      return;
    }
    this.#field.focus({ preventScroll: true });
    this.#slot.canvas.setPointerCapture(event.pointerId);
    this.#sink.send(this.#pointer.down(event.button, at));
  }

  #pointerMove(event: PointerEvent): void {
    if (!this.hasFocus) {
      return;
    }
    if (event.button >= 0 && event.pointerType === "mouse") {
      // A second button of the same mouse arrives as a move (Pointer Events, section 4.2.1, chorded buttons).
      return this.#chord(event);
    }
    this.#pointerMoved(event);
  }

  /** Sent at once, but no more than one move for each animation frame and one before it. */
  #pointerMoved(event: PointerEvent): void {
    const at = this.#pixel(event);
    if (!this.hasFocus || at === undefined || event.button >= 0) {
      return;
    }
    this.#pointer.move(at);
    if (this.#flushDue === 0) {
      this.#flush();
    }
  }

  #chord(event: PointerEvent): void {
    const at = this.#pixel(event);
    if (at === undefined) {
      return;
    }
    const isDown = (event.buttons & CHORD_BITS[event.button]!) !== 0;
    this.#sink.send(isDown ? this.#pointer.down(event.button, at) : this.#pointer.up(event.button, at));
  }

  #pointerUp(event: PointerEvent): void {
    const at = this.#pixel(event);
    if (at !== undefined) {
      this.#sink.send(this.#pointer.up(event.button, at));
    }
  }

  #wheel(event: WheelEvent): void {
    const at = this.#pixel(event);
    if (!this.hasFocus || at === undefined) {
      return;
    }
    event.preventDefault();
    this.#sink.send(this.#pointer.wheel(event, at));
  }

  #flush(): void {
    this.#flushDue = requestAnimationFrame(() => this.#flushAgain());
    if (this.#sink.isFlowing()) {
      this.#sink.send(this.#pointer.flush());
    }
  }

  #flushAgain(): void {
    this.#flushDue = 0;
    if (this.#pointer.isWaiting) {
      this.#flush();
    }
  }

  #pixel(event: MouseEvent): Point | undefined {
    if (!this.#isOnPicture(event)) {
      return undefined; // on a scroll bar, which lies over the picture
    }
    const pixel = this.#pointer.isDragging ? nearestPixel : pixelAt;
    const point = { x: event.clientX, y: event.clientY };
    return pixel(point, this.#slot.canvas.getBoundingClientRect(), this.#slot.picture);
  }

  #isOnPicture(event: MouseEvent): boolean {
    const { canvas, element } = this.#slot;
    const { left, top } = element.getBoundingClientRect();
    // The canvas' round corners are the slot's; scroll bars lie beyond its client size.
    const isInside = event.clientX - left < element.clientWidth && event.clientY - top < element.clientHeight;
    return event.target === canvas || isInside;
  }

  // --- keyboard --------------------------------------------------------------------------------------------

  #listenToKeyboard(): void {
    const field = this.#field;
    const options = { signal: this.#ended.signal };
    field.addEventListener("keydown", (event) => this.#keyDown(event), options);
    field.addEventListener("keyup", (event) => this.#handle(this.#keyboard.up(event), event), options);
    field.addEventListener("input", (event) => this.#typed(event as InputEvent), options);
    field.addEventListener("compositionend", ({ data }) => this.#type(data), options);
    field.addEventListener("focus", () => this.#sink.focusChanged(), options);
    field.addEventListener("blur", () => this.#blurred(), options);
    window.addEventListener("blur", () => this.#release(), options);
    document.addEventListener("visibilitychange", () => document.hidden && this.#release(), options);
  }

  #keyDown(event: KeyboardEvent): void {
    if (!isWayOut(event)) {
      return this.#handle(this.#keyboard.down(event), event);
    }
    event.preventDefault();
    this.#field.blur();
    this.#sink.left();
  }

  #handle({ send, prevent }: Handled, event: KeyboardEvent): void {
    if (prevent) {
      event.preventDefault();
    }
    this.#sink.send(send);
  }

  /** Text of a composition comes with its end; what is inserted otherwise (dead keys, emoji) comes here. */
  #typed(event: InputEvent): void {
    if (!event.isComposing && event.inputType === "insertText" && event.data !== null) {
      this.#type(event.data);
    }
    if (!event.isComposing) {
      this.#field.value = "";
    }
  }

  #type(text: string): void {
    this.#sink.send(this.#keyboard.text(text));
    this.#field.value = "";
  }

  #blurred(): void {
    this.#release();
    this.#sink.focusChanged();
  }

  // --- both ------------------------------------------------------------------------------------------------

  #release(): void {
    this.#sink.send([{ type: "input.release" }]);
    this.#forget();
  }

  #forget(): void {
    this.#pointer.clear();
    this.#keyboard.clear();
  }
}

/** `PointerEvent.button` -> its bit in `buttons`. */
const CHORD_BITS: Readonly<Record<number, number>> = { 0: 1, 1: 4, 2: 2, 3: 8, 4: 16 };
