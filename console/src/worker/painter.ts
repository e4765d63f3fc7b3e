// Draws what was decoded: at once if nothing was drawn since the last animation frame, with the next one otherwise. What
// a canvas in a worker shows changes only between animation frames, so nothing tears, and no frame is drawn in vain.
import { bounds, type Area } from "../core/areas.ts";
import type { Drawable } from "./drawable.ts";

/** A hidden page gets no animation frames; it must still draw now and then, or the stream would stall unacknowledged. */
const SLOWEST_MS = 250;

export class Painter {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #drawn: (drawable: Drawable, count: number) => void;
  /** Not on the canvas yet, oldest first; only the first may be a whole picture. */
  #waiting: Drawable[] = [];
  /** What was changed by frames that were never painted. */
  #unpainted: (Area | undefined)[] = [];
  #mayDraw = true;
  #count = 0;

  /** `drawn` is called with the newest of what has just been put on the canvas. */
  constructor(canvas: OffscreenCanvas, drawn: (drawable: Drawable, count: number) => void) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) {
      throw new Error("no 2D context");
    }
    this.#canvas = canvas;
    this.#context = context;
    this.#drawn = drawn;
  }

  offer(drawable: Drawable): void {
    if (drawable.isWhole) {
      this.#waiting.splice(0).forEach((older) => this.#skip(older));
    }
    this.#waiting.push(drawable);
    if (this.#mayDraw) {
      this.#draw();
    }
  }

  #skip(drawable: Drawable): void {
    this.#unpainted.push(drawable.header.area);
    drawable.close();
  }

  #draw(): void {
    this.#mayDraw = false;
    whicheverFirst(() => this.#next());
    const all = this.#waiting.splice(0);
    all.forEach((drawable) => this.#paint(drawable));
    this.#count += 1;
    const newest = all.at(-1);
    if (newest !== undefined) {
      this.#drawn(newest, this.#count);
    }
    all.forEach((drawable) => drawable.close());
  }

  #next(): void {
    this.#mayDraw = true;
    if (this.#waiting.length > 0) {
      this.#draw();
    }
  }

  #paint(drawable: Drawable): void {
    const { width, height } = drawable.header;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    drawable.paint(this.#context, bounds([...this.#unpainted.splice(0), drawable.header.area]));
  }
}

function whicheverFirst(draw: () => void): void {
  const once = (): void => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    draw();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, SLOWEST_MS);
}
