// Drags the shown part of a picture in actual size, as long as the mouse is not the customer's. Touch screens do this by
// themselves.
import type { CanvasSlot } from "./canvas-slot.ts";

export class Panning {
  readonly #slot: CanvasSlot;
  readonly #isFree: () => boolean;
  #from: { readonly x: number; readonly y: number } | undefined;

  /** `isFree`: the mouse is not the customer's now. */
  constructor(slot: CanvasSlot, isFree: () => boolean) {
    this.#slot = slot;
    this.#isFree = isFree;
    const { element } = slot;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", () => this.#over());
    element.addEventListener("pointercancel", () => this.#over());
  }

  #down(event: PointerEvent): void {
    const { canvas, element, zoom } = this.#slot;
    if (zoom !== "actual" || !this.#isFree() || event.pointerType !== "mouse" || event.target !== canvas) {
      return;
    }
    canvas.setPointerCapture(event.pointerId);
    this.#from = { x: element.scrollLeft + event.clientX, y: element.scrollTop + event.clientY };
  }

  #move(event: PointerEvent): void {
    if (this.#from !== undefined) {
      this.#slot.element.scrollTo(this.#from.x - event.clientX, this.#from.y - event.clientY);
    }
  }

  #over(): void {
    this.#from = undefined;
  }
}
