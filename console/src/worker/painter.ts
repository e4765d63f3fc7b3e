// Draws the newest frame once per animation frame; older ones that were not drawn yet are dropped.

/** A hidden page gets no animation frames; it must still draw now and then, or the stream would stall unacknowledged. */
const SLOWEST_MS = 250;

/** A decoded frame and the size the agent says the picture has (the decoder's may be padded). */
export interface Drawable {
  readonly frame: VideoFrame;
  readonly width: number;
  readonly height: number;
}

export class Painter {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #drawn: (drawable: Drawable, count: number) => void;
  #newest: Drawable | undefined;
  #count = 0;

  /** `drawn` is called after each frame is on the canvas; the frame is closed when it returns. */
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
    const isScheduled = this.#newest !== undefined;
    this.#newest?.frame.close();
    this.#newest = drawable;
    if (!isScheduled) {
      whicheverFirst(() => this.#draw());
    }
  }

  #draw(): void {
    const drawable = this.#newest;
    if (drawable === undefined) {
      return;
    }
    this.#newest = undefined;
    this.#resize(drawable);
    this.#context.drawImage(drawable.frame, 0, 0);
    this.#count += 1;
    this.#drawn(drawable, this.#count);
    drawable.frame.close();
  }

  #resize({ width, height }: Drawable): void {
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
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
