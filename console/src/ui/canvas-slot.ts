// The place where the picture is. The worker owns what a canvas shows once it was handed over, so blanking never relies
// on the worker: the canvas is taken off the page and an empty one put in its place, in the same turn.
import { actualSize, fitted, type Size } from "../core/coordinates.ts";
import { h, setAttribute } from "./dom.ts";

/** The whole picture as large as there is room for, or every pixel of it a pixel of this screen. */
export type Zoom = "fit" | "actual";

export class CanvasSlot {
  readonly element = h("div", { class: "slot", attributes: { "data-zoom": "fit" } });
  #zoom: Zoom = "fit";
  #canvas = emptyCanvas();
  #picture: Size = { width: 0, height: 0 };
  #monitor = 0;
  #label = "";
  #attributesDue = 0;
  #frames = 0;
  readonly #resized = new ResizeObserver(() => this.#fit());

  constructor() {
    this.element.append(this.#canvas);
    this.#resized.observe(this.element);
  }

  get canvas(): HTMLCanvasElement {
    return this.#canvas;
  }

  /** Size of the picture on the canvas, 0 x 0 while there is none. */
  get picture(): Size {
    return this.#picture;
  }

  /** The customer's monitor that is on the canvas. */
  get monitor(): number {
    return this.#monitor;
  }

  get zoom(): Zoom {
    return this.#zoom;
  }

  /** In actual size what does not fit is scrolled to, also by keyboard. */
  set zoom(zoom: Zoom) {
    this.#zoom = zoom;
    setAttribute(this.element, "data-zoom", zoom);
    setAttribute(this.element, "tabindex", zoom === "actual" ? "0" : undefined);
    setAttribute(this.element, "role", zoom === "actual" ? "group" : undefined);
    this.#fit();
  }

  /** What the picture's part of the page is called while it can be moved by keyboard. */
  setPanLabel(label: string): void {
    setAttribute(this.element, "aria-label", this.#zoom === "actual" ? label : undefined);
  }

  setLabel(label: string): void {
    this.#label = label;
    setAttribute(this.#canvas, "aria-label", label);
  }

  setControl(live: boolean): void {
    setAttribute(this.#canvas, "data-control", live ? "live" : "none");
  }

  /** Nothing of a picture is on the page when this returns. */
  blank(): HTMLCanvasElement {
    cancelAnimationFrame(this.#attributesDue);
    this.#attributesDue = 0;
    const empty = emptyCanvas();
    this.#canvas.replaceWith(empty);
    this.#canvas = empty;
    this.#picture = { width: 0, height: 0 };
    this.setLabel(this.#label);
    return empty;
  }

  /** The worker has drawn its `frames`th frame of this size. */
  drawn(frames: number, picture: Size, monitor: number): void {
    this.#monitor = monitor;
    const isResized = picture.width !== this.#picture.width || picture.height !== this.#picture.height;
    this.#frames = frames;
    if (isResized) {
      this.#picture = picture;
      this.#fit();
    }
    if (this.#attributesDue === 0) {
      this.#attributesDue = requestAnimationFrame(() => this.#writeAttributes());
    }
  }

  dispose(): void {
    cancelAnimationFrame(this.#attributesDue);
    this.#resized.disconnect();
  }

  #writeAttributes(): void {
    this.#attributesDue = 0;
    setAttribute(this.#canvas, "data-frames", String(this.#frames));
    setAttribute(this.#canvas, "data-width", String(this.#picture.width));
    setAttribute(this.#canvas, "data-height", String(this.#picture.height));
  }

  /** The canvas is exactly as large as the picture on it: no letterbox inside. */
  #fit(): void {
    if (this.#picture.width === 0) {
      return;
    }
    const stage = { width: this.element.clientWidth, height: this.element.clientHeight };
    const box = this.#zoom === "fit" ? fitted(stage, this.#picture) : actualSize(stage, this.#picture, devicePixelRatio);
    this.#canvas.style.left = `${box.left}px`;
    this.#canvas.style.top = `${box.top}px`;
    this.#canvas.style.width = `${box.width}px`;
    this.#canvas.style.height = `${box.height}px`;
  }
}

function emptyCanvas(): HTMLCanvasElement {
  const attributes = { "data-frames": "0", "data-control": "none", role: "img" };
  return h("canvas", { class: "screen", testid: "screen", attributes });
}
