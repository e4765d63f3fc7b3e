// One encoded stream into decoded frames. Starts with a key frame; after an error it waits for the next one.
import { codecName } from "../core/codec.ts";
import { Assembler, InvalidFrame, type Frame, type Header } from "../core/frames.ts";
import type { Drawable } from "./painter.ts";

const MAX_FAILURES = 3;

export interface StreamReports {
  readonly decoded: (drawable: Drawable) => void;
  readonly needsKey: () => void;
  readonly undecodable: () => void;
}

export class Stream {
  readonly #reports: StreamReports;
  readonly #assembler = new Assembler();
  /** Headers of the frames inside the decoder, by sequence number. */
  readonly #inside = new Map<number, Header>();
  #decoder: VideoDecoder | undefined;
  #codec = "";
  #hasAsked = false;
  #failures = 0;

  constructor(reports: StreamReports) {
    this.#reports = reports;
  }

  /** Takes one binary message from the relay. */
  add(chunk: Uint8Array): void {
    try {
      const frame = this.#assembler.add(chunk);
      if (frame !== undefined) {
        this.#decode(frame);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#askIfNeeded();
  }

  #decode(frame: Frame): void {
    const { header, payload } = frame;
    if (header.isKey) {
      this.#hasAsked = false;
      this.#prepare(frame);
    }
    this.#inside.set(header.seq, header);
    // The sequence number serves as timestamp: the decoder hands it back with the picture.
    const type = header.isKey ? "key" : "delta";
    this.#decoder?.decode(new EncodedVideoChunk({ type, timestamp: header.seq, data: payload }));
  }

  #prepare(key: Frame): void {
    const codec = codecName(key);
    if (codec === undefined) {
      throw new InvalidFrame("a key frame without parameters");
    }
    if (this.#decoder !== undefined && this.#codec === codec) {
      return;
    }
    this.#close();
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => this.#output(frame),
      error: (error) => (decoder === this.#decoder ? this.#fail(error) : undefined),
    });
    decoder.configure({ codec, optimizeForLatency: true });
    this.#decoder = decoder;
    this.#codec = codec;
  }

  #output(frame: VideoFrame): void {
    const header = this.#inside.get(frame.timestamp);
    this.#forgetUntil(frame.timestamp);
    if (header === undefined) {
      frame.close();
      return;
    }
    this.#failures = 0;
    this.#reports.decoded({ frame, width: header.width, height: header.height });
  }

  #forgetUntil(seq: number): void {
    for (const known of this.#inside.keys()) {
      if (known <= seq) {
        this.#inside.delete(known);
      }
    }
  }

  /** Nothing of the failed stream is used any more; the next key frame starts a new decoder. */
  #fail(error: unknown): void {
    if (!(error instanceof InvalidFrame || error instanceof DOMException || error instanceof TypeError)) {
      throw error;
    }
    this.#close();
    this.#assembler.reset();
    this.#failures += 1;
    if (this.#failures === MAX_FAILURES) {
      this.#reports.undecodable();
    }
    this.#askIfNeeded();
  }

  #askIfNeeded(): void {
    if (this.#assembler.needsKey && !this.#hasAsked) {
      this.#hasAsked = true;
      this.#reports.needsKey();
    }
  }

  #close(): void {
    if (this.#decoder !== undefined && this.#decoder.state !== "closed") {
      this.#decoder.close();
    }
    this.#decoder = undefined;
    this.#inside.clear();
  }
}
