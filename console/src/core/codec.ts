// Names a stream for WebCodecs. H.264 says in its own parameter set what a decoder must be able to do, so the name is
// read there instead of guessed from the size: hardware decoders refuse a level that is too small.
import { CODEC } from "./protocol.gen.ts";
import type { Frame } from "./frames.ts";

const SEQUENCE_PARAMETERS = 7;
/** VP9, profile 0, level 4, 8 bits. */
const VP9 = "vp09.00.40.08";

/** What a viewer can be asked to decode, in the order in which it is probed and announced. */
export const KNOWN_CODECS = ["avc1.640028", "avc1.F40028", VP9, "vp09.01.40.08.03"] as const;

/** What is announced by a viewer that paints patches (ViewerHello). */
export const PATCHES = "jpeg";

/** Whether this is the name of something that a video decoder decodes. */
export function isVideo(name: string): boolean {
  return name !== PATCHES;
}

/** The WebCodecs name of a key frame's encoding; undefined if there is none. */
export function codecName(frame: Frame): string | undefined {
  switch (frame.header.codec) {
    case CODEC.H264:
      return h264Name(frame.payload);
    case CODEC.VP9:
      return VP9;
    default:
      return undefined;
  }
}

/** `avc1.PPCCLL` from the first sequence parameter set of an Annex B stream (ITU-T H.264, 7.3.2.1.1 and Annex B). */
export function h264Name(stream: Uint8Array): string | undefined {
  for (let at = 0; at + 6 < stream.length; at += 1) {
    const isStart = stream[at] === 0 && stream[at + 1] === 0 && stream[at + 2] === 1;
    if (isStart && ((stream[at + 3] ?? 0) & 0x1f) === SEQUENCE_PARAMETERS) {
      return `avc1.${hex(stream[at + 4])}${hex(stream[at + 5])}${hex(stream[at + 6])}`;
    }
  }
  return undefined;
}

function hex(byte = 0): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
