// The decoding worker: chunks in, pictures on the canvas it was given, a word for each picture shown. It is thrown away
// with its canvas when the picture stops, so it keeps nothing for later.
import { Meter } from "../core/meter.ts";
import { assertNever } from "../core/never.ts";
import type { Drawable } from "./drawable.ts";
import type { FromDecoder, ToDecoder } from "./messages.ts";
import { Painter } from "./painter.ts";
import { Stream } from "./stream.ts";

declare const self: DedicatedWorkerGlobalScope;

const READING_MS = 1_000;

let painter: Painter | undefined;
/** Measures only while somebody looks. */
let meter: Meter | undefined;
let readings = 0;

const stream = new Stream({
  arrived: (header, at) => meter?.arrived(header, at),
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
      meter?.received(data.chunk.byteLength, performance.now());
      stream.add(new Uint8Array(data.chunk));
      break;
    case "measure":
      measure(data.isWanted);
      break;
    default:
      assertNever(data);
  }
};

function shown({ header, arrivedAt }: Drawable, count: number): void {
  const { seq, width, height, monitor } = header;
  tell({ type: "shown", seq, count, width, height, monitor });
  meter?.shown(header, arrivedAt, performance.now());
}

function measure(isWanted: boolean): void {
  clearInterval(readings);
  meter = isWanted ? new Meter() : undefined;
  if (isWanted) {
    readings = setInterval(() => tellReading(), READING_MS);
  }
}

function tellReading(): void {
  if (meter !== undefined) {
    tell({ type: "reading", reading: meter.reading(performance.now()) });
  }
}

function tell(message: FromDecoder): void {
  self.postMessage(message);
}
