// H.264 and VP9 by WebCodecs: one decoder for as long as its frames have one name.
import { bounds } from "../core/areas.ts";
import { codecName } from "../core/codec.ts";
import { InvalidFrame, type Frame, type Header } from "../core/frames.ts";
import { videoDrawable, type Drawable } from "./drawable.ts";
import type { Decoder } from "./stream.ts";

export interface DecoderReports {
  readonly decoded: (drawable: Drawable) => void;
  readonly failed: (error: unknown) => void;
}

interface Inside {
  readonly header: Header;
  readonly arrivedAt: number;
}

export class PictureDecoder implements Decoder {
  readonly #reports: DecoderReports;
  /** The frames inside the decoder, by sequence number. */
  readonly #inside = new Map<number, Inside>();
  #decoder: VideoDecoder | undefined;
  #codec = "";

  constructor(reports: DecoderReports) {
    this.#reports = reports;
  }

  /** Starts decoding what has this name. */
  prepare(codec: string): void {
    if (this.#decoder?.state === "configured" && this.#codec === codec) {
      return;
    }
    this.close();
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => this.#output(frame),
      error: (error) => (decoder === this.#decoder ? this.#reports.failed(error) : undefined),
    });
    decoder.configure({ codec, optimizeForLatency: true });
    this.#decoder = decoder;
    this.#codec = codec;
  }

  decode(frame: Frame, arrivedAt: number): void {
    const { header, payload } = frame;
    if (header.isKey) {
      this.prepare(nameOf(frame));
    }
    this.#inside.set(header.seq, { header, arrivedAt });
    // The sequence number serves as timestamp: the decoder hands it back with the picture.
    const type = header.isKey ? "key" : "delta";
    this.#decoder?.decode(new EncodedVideoChunk({ type, timestamp: header.seq, data: payload }));
  }

  close(): void {
    if (this.#decoder !== undefined && this.#decoder.state !== "closed") {
      this.#decoder.close();
    }
    this.#decoder = undefined;
    this.#inside.clear();
  }

  #output(frame: VideoFrame): void {
    const inside = this.#takeUntil(frame.timestamp);
    if (inside === undefined) {
      return frame.close();
    }
    if (frame.codedWidth < inside.header.width || frame.codedHeight < inside.header.height) {
      frame.close();
      return this.#reports.failed(new InvalidFrame("a picture smaller than its header says"));
    }
    this.#reports.decoded(videoDrawable(inside.header, inside.arrivedAt, frame));
  }

  /** What is known of this frame; it also shows what changed in those before it that never came out. */
  #takeUntil(seq: number): Inside | undefined {
    const inside = this.#inside.get(seq);
    const areas = [];
    for (const [known, { header }] of this.#inside) {
      if (known <= seq) {
        areas.push(header.area);
        this.#inside.delete(known);
      }
    }
    return inside && { ...inside, header: { ...inside.header, area: bounds(areas) } };
  }
}

function nameOf(key: Frame): string {
  const codec = codecName(key);
  if (codec === undefined) {
    throw new InvalidFrame("a key frame without parameters");
  }
  return codec;
}
