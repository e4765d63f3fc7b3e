// What the page and the decoding worker tell each other.
import type { Reading } from "../core/meter.ts";

export type ToDecoder =
  /** The canvas to draw on, and what will probably come: a WebCodecs name. */
  | { readonly type: "canvas"; readonly canvas: OffscreenCanvas; readonly codec: string | undefined }
  | { readonly type: "chunk"; readonly chunk: ArrayBuffer }
  /** Somebody looks at the meter, or nobody does any more. */
  | { readonly type: "measure"; readonly isWanted: boolean };

export type FromDecoder =
  /** The frame `seq` is on the canvas, the `count`th one drawn. */
  | {
      readonly type: "shown";
      readonly seq: number;
      readonly count: number;
      readonly width: number;
      readonly height: number;
      readonly monitor: number;
    }
  /** Once a second while somebody looks. */
  | { readonly type: "reading"; readonly reading: Reading }
  /** Only a key frame helps. */
  | { readonly type: "refresh" }
  /** Key frames came and none could be decoded here. */
  | { readonly type: "undecodable" };
