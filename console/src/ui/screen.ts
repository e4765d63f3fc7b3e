// One canvas and the worker that decodes for it: they live and die together. Can be set up before there is a picture, and
// shows nothing until it is handed one.
import type { FromDecoder, ToDecoder } from "../worker/messages.ts";
import type { CanvasSlot } from "./canvas-slot.ts";

export interface ScreenReports {
  readonly said: (message: FromDecoder) => void;
  /** The worker died. */
  readonly broken: () => void;
}

export class Screen {
  readonly #slot: CanvasSlot;
  readonly #worker: Worker;
  #reports: ScreenReports | undefined;
  #isBroken = false;

  /** `codec`: the WebCodecs name of what will probably come. */
  constructor(slot: CanvasSlot, codec: string | undefined) {
    this.#slot = slot;
    this.#worker = new Worker(new URL("../worker/decoder.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromDecoder>) => this.#reports?.said(data);
    this.#worker.onerror = () => this.#broke();
    const canvas = slot.blank().transferControlToOffscreen();
    this.#worker.postMessage({ type: "canvas", canvas, codec } satisfies ToDecoder, [canvas]);
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** From now on `reports` hears what happens. */
  serve(reports: ScreenReports): void {
    this.#reports = reports;
  }

  add(chunk: ArrayBuffer): void {
    this.#worker.postMessage({ type: "chunk", chunk } satisfies ToDecoder, [chunk]);
  }

  /** Have it tell, or not tell any more, how the picture is doing. */
  measure(isWanted: boolean): void {
    this.#worker.postMessage({ type: "measure", isWanted } satisfies ToDecoder);
  }

  /** Nothing of a picture is on the page when this returns, whatever the worker is doing. */
  close(): void {
    this.#slot.blank();
    this.#worker.terminate();
  }

  #broke(): void {
    this.#isBroken = true;
    this.#reports?.broken();
  }
}
