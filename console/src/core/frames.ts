// Reads the binary header in front of every piece of picture (beistand/protocol/frames.py has the layout) and puts
// chunks back together. Knows no socket and no decoder.
import type { Area } from "./areas.ts";
import {
  CODEC,
  FRAME_HEADER_SIZE,
  FRAME_MAX_CHUNK,
  FRAME_MAX_CHUNKS,
  FRAME_MAX_SIDE,
  FRAME_VERSION,
  type Codec,
} from "./protocol.gen.ts";

const KEY = 1;
const LAST = 2;
const CODECS: ReadonlySet<number> = new Set(Object.values(CODEC));

/** One chunk's header; units as in the Python module. */
export interface Header {
  readonly codec: Codec;
  readonly isKey: boolean;
  readonly isLast: boolean;
  readonly monitor: number;
  readonly seq: number;
  readonly capturedUs: number;
  readonly width: number;
  readonly height: number;
  readonly chunk: number;
  /** Where it differs from the frame before; undefined: anywhere. */
  readonly area: Area | undefined;
}

/** One whole encoded frame. */
export interface Frame {
  readonly header: Header;
  readonly payload: Uint8Array;
}

/** A chunk that cannot be one: the stream must start again from a key frame. */
export class InvalidFrame extends Error {}

/** The header of a chunk, or InvalidFrame; the payload follows `FRAME_HEADER_SIZE` bytes in. */
export function parseHeader(message: Uint8Array): Header {
  const size = message.byteLength;
  if (size <= FRAME_HEADER_SIZE || size > FRAME_HEADER_SIZE + FRAME_MAX_CHUNK) {
    throw new InvalidFrame("a frame of impossible size");
  }
  const view = new DataView(message.buffer, message.byteOffset, FRAME_HEADER_SIZE);
  if (!isPossible(view)) {
    throw new InvalidFrame("a frame with an impossible header");
  }
  return {
    codec: view.getUint8(1) as Codec,
    isKey: isKeyFrame(view),
    isLast: (view.getUint8(2) & LAST) !== 0,
    monitor: view.getUint8(3),
    seq: view.getUint32(4),
    capturedUs: Number(view.getBigUint64(8)),
    width: view.getUint16(16),
    height: view.getUint16(18),
    chunk: view.getUint16(20),
    area: isAnywhere(view) ? undefined : areaOf(view),
  };
}

function isPossible(view: DataView): boolean {
  return (
    view.getUint8(0) === FRAME_VERSION &&
    CODECS.has(view.getUint8(1)) &&
    view.getUint8(2) <= (KEY | LAST) &&
    view.getUint32(4) > 0 &&
    isSide(view.getUint16(16)) &&
    isSide(view.getUint16(18)) &&
    view.getUint16(20) < FRAME_MAX_CHUNKS &&
    view.getUint16(22) === 0 &&
    (isAnywhere(view) || (!isKeyFrame(view) && isInside(areaOf(view), view)))
  );
}

function isKeyFrame(view: DataView): boolean {
  return (view.getUint8(2) & KEY) !== 0;
}

function isAnywhere(view: DataView): boolean {
  return view.getBigUint64(24) === 0n;
}

function areaOf(view: DataView): Area {
  return { x: view.getUint16(24), y: view.getUint16(26), width: view.getUint16(28), height: view.getUint16(30) };
}

function isInside({ x, y, width, height }: Area, view: DataView): boolean {
  return width > 0 && height > 0 && x + width <= view.getUint16(16) && y + height <= view.getUint16(18);
}

function isSide(pixels: number): boolean {
  return pixels > 0 && pixels <= FRAME_MAX_SIDE;
}

/**
 * Puts the chunks of a frame together and hands out only what a decoder can use: whole frames, in sequence,
 * starting with a key frame. After a gap everything up to the next key frame is dropped.
 */
export class Assembler {
  #parts: Uint8Array[] = [];
  #seq = 0;
  #delivered = 0;
  #needsKey = true;

  /** True while only a key frame helps and none is arriving: the viewer asks for one. */
  get needsKey(): boolean {
    return this.#needsKey && this.#parts.length === 0;
  }

  /** Start again from the next key frame. */
  reset(): void {
    this.#parts = [];
    this.#needsKey = true;
  }

  /** Takes one message; the frame it completes, if it completes one. InvalidFrame if it is no chunk. */
  add(message: Uint8Array): Frame | undefined {
    const header = parseHeader(message);
    if (!this.#fits(header)) {
      return undefined;
    }
    this.#parts.push(message.subarray(FRAME_HEADER_SIZE));
    return header.isLast ? this.#complete(header) : undefined;
  }

  #fits(header: Header): boolean {
    if (header.chunk === 0) {
      this.#parts = [];
      this.#seq = header.seq;
      return this.#mayStart(header);
    }
    const isNext = header.seq === this.#seq && header.chunk === this.#parts.length;
    if (!isNext) {
      this.reset();
    }
    return isNext && !(this.#needsKey && !header.isKey);
  }

  #mayStart(header: Header): boolean {
    if (header.isKey) {
      return true;
    }
    if (header.seq !== this.#delivered + 1) {
      this.#needsKey = true;
    }
    return !this.#needsKey;
  }

  #complete(header: Header): Frame {
    const payload = joined(this.#parts);
    this.#parts = [];
    this.#delivered = header.seq;
    this.#needsKey = false;
    return { header, payload };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) {
    return only;
  }
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
