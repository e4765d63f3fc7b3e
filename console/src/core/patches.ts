// Reads a JPEG frame: patches that are painted in order over the picture before (beistand/protocol/frames.py has the
// layout). What an image claims to be is read before anything is decoded: it must lie inside the picture.
import { InvalidFrame } from "./frames.ts";
import type { Size } from "./coordinates.ts";

const MAX_PATCHES = 1024;
/** x and y of the top left (2 bytes each), the length of the image (4 bytes). */
const PATCH_HEAD = 8;

/** A part of the picture, and where its top left lies. */
export interface Patch extends Size {
  readonly x: number;
  readonly y: number;
  readonly image: Uint8Array;
}

/** The picture they belong to. */
export interface Picture extends Size {
  readonly isKey: boolean;
}

/**
 * The patches of a whole JPEG frame, all of them inside the picture, and in a key frame no fewer pixels than it has;
 * InvalidFrame if that is not what it is.
 */
export function parsePatches(payload: Uint8Array, picture: Picture): readonly Patch[] {
  const found = readPatches(payload, picture);
  const pixels = found.reduce((sum, { width, height }) => sum + width * height, 0);
  if (found.length === 0 || (picture.isKey && pixels < picture.width * picture.height)) {
    throw new InvalidFrame("a picture with too few patches");
  }
  return found;
}

function readPatches(payload: Uint8Array, picture: Size): readonly Patch[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const found: Patch[] = [];
  for (let at = 0; at < payload.length; ) {
    const start = at + PATCH_HEAD;
    if (found.length === MAX_PATCHES || start > payload.length) {
      throw new InvalidFrame("a picture of impossible patches");
    }
    at = start + view.getUint32(start - 4);
    if (at > payload.length) {
      throw new InvalidFrame("a picture of impossible patches");
    }
    const place = { x: view.getUint16(start - PATCH_HEAD), y: view.getUint16(start - 6) };
    found.push(patchInside(picture, place, payload.subarray(start, at)));
  }
  return found;
}

function patchInside(picture: Size, { x, y }: { x: number; y: number }, image: Uint8Array): Patch {
  const size = jpegSize(image);
  if (size === undefined || x + size.width > picture.width || y + size.height > picture.height) {
    throw new InvalidFrame("a patch outside the picture");
  }
  return { x, y, image, ...size };
}

const MARKER = 0xff;
const START_OF_IMAGE = 0xd8;
/** Frame headers (SOF0 to SOF15) without the three tables that share their range: DHT, JPG, DAC. */
const isFrameHeader = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code);

/** Width and height a JPEG says it has (ITU-T T.81, B.1.1.4 and B.2.2); undefined if it is none. */
export function jpegSize(image: Uint8Array): Size | undefined {
  if (image[0] !== MARKER || image[1] !== START_OF_IMAGE) {
    return undefined;
  }
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let at = 2; at + 9 <= image.length; ) {
    if (image[at] !== MARKER) {
      return undefined;
    }
    if (isFrameHeader(image[at + 1]!)) {
      const size = { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
      return size.width > 0 && size.height > 0 ? size : undefined;
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
