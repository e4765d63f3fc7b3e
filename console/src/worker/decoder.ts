// The decoding worker: chunks in, pictures on the canvas it was given, a word for each picture shown. It is thrown away
// with its canvas when the picture stops, so it keeps nothing for later.
import { assertNever } from "../core/never.ts";
import type { Drawable } from "./drawable.ts";
import type { FromDecoder, ToDecoder } from "./messages.ts";
import { Painter } from "./painter.ts";
import { Stream } from "./stream.ts";

declare const self: DedicatedWorkerGlobalScope;

let painter: Painter | undefined;

const stream = new Stream({
  decoded: (drawable) => painter?.offer(drawable),
  needsKey: () => tell({ type: "refresh" }),
  undecodable: () => tell({ type: "undecodable" }),
});

self.onmessage = ({ data }: MessageEvent<ToDecoder>): void => {
  switch (data.type) {
    case "canvas":
      painter = new Painter(data.canvas, shown);
      if (data.codec !== undefined) {
        stream.prepare(data.codec);
      }
      break;
    case "chunk":
      stream.add(new Uint8Array(data.chunk));
      break;
    default:
      assertNever(data);
  }
};

function shown({ header: { seq, width, height } }: Drawable, count: number): void {
  tell({ type: "shown", seq, count, width, height });
}

function tell(message: FromDecoder): void {
  self.postMessage(message);
}
