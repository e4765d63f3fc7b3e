// One encoded stream into decoded frames, whatever it is encoded with. Starts with a key frame, as does every change of
// the encoding; after an error it waits for the next one.
import { CODEC } from "../core/protocol.gen.ts";
import { Assembler, InvalidFrame, type Frame, type Header } from "../core/frames.ts";
import type { Drawable } from "./drawable.ts";
import { PatchDecoder } from "./patch-decoder.ts";
import { PictureDecoder } from "./picture-decoder.ts";

const MAX_FAILURES = 3;

export interface StreamReports {
  readonly arrived: (header: Header, at: number) => void;
  readonly decoded: (drawable: Drawable) => void;
  readonly needsKey: () => void;
  readonly undecodable: () => void;
}

/** Takes whole frames in order, hands out drawables in order. Throws, or calls `failed`, on what it cannot decode. */
export interface Decoder {
  readonly decode: (frame: Frame, arrivedAt: number) => void;
  readonly close: () => void;
}

export class Stream {
  readonly #reports: StreamReports;
  readonly #assembler = new Assembler();
  /** A video decoder that was set up before it is known what comes. */
  #prepared: PictureDecoder | undefined;
  #decoder: Decoder | undefined;
  #hasAsked = false;
  #failures = 0;

  constructor(reports: StreamReports) {
    this.#reports = reports;
  }

  /** Sets up what decodes `codec`, so that the first key frame need not wait for it. */
  prepare(codec: string): void {
    this.#prepared = this.#videoDecoder();
    this.#prepared.prepare(codec);
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
    if (frame.header.isKey) {
      this.#hasAsked = false;
      this.#choose(frame);
    }
    const arrivedAt = performance.now();
    this.#reports.arrived(frame.header, arrivedAt);
    this.#decoder?.decode(frame, arrivedAt);
  }

  /** Only a key frame may be encoded otherwise than the frame before: what is still inside the old decoder is older. */
  #choose({ header }: Frame): void {
    const isFitting = header.codec === CODEC.JPEG ? isPatchDecoder : isVideoDecoder;
    if (this.#decoder !== undefined && isFitting(this.#decoder)) {
      return;
    }
    this.#decoder?.close();
    this.#decoder = header.codec === CODEC.JPEG ? this.#patchDecoder() : (this.#prepared ?? this.#videoDecoder());
    this.#prepared = this.#decoder === this.#prepared ? undefined : this.#prepared;
  }

  #patchDecoder(): PatchDecoder {
    const decoder: PatchDecoder = new PatchDecoder(this.#reportsOf(() => decoder));
    return decoder;
  }

  #videoDecoder(): PictureDecoder {
    const decoder: PictureDecoder = new PictureDecoder(this.#reportsOf(() => decoder));
    return decoder;
  }

  /** A decoder that is not in use any more is not heard. */
  #reportsOf(decoder: () => Decoder): { decoded: (drawable: Drawable) => void; failed: (error: unknown) => void } {
    return {
      decoded: (drawable) => (decoder() === this.#decoder ? this.#decoded(drawable) : drawable.close()),
      failed: (error) => (decoder() === this.#decoder ? this.#fail(error) : undefined),
    };
  }

  #decoded(drawable: Drawable): void {
    this.#failures = 0;
    this.#reports.decoded(drawable);
  }

  /** Nothing of the failed stream is used any more; the next key frame starts a new decoder. */
  #fail(error: unknown): void {
    if (!(error instanceof InvalidFrame || error instanceof DOMException || error instanceof TypeError)) {
      throw error;
    }
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#assembler.reset();
    // What is no frame says nothing of this browser.
    this.#failures += error instanceof InvalidFrame ? 0 : 1;
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
}

const isPatchDecoder = (decoder: Decoder): boolean => decoder instanceof PatchDecoder;
const isVideoDecoder = (decoder: Decoder): boolean => decoder instanceof PictureDecoder;
