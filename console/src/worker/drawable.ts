// What a decoder hands to the painter: something for the canvas that has a sequence number and must be closed.
import type { Patch } from "../core/patches.ts";
import type { Header } from "../core/frames.ts";

export interface Drawable {
  readonly header: Header;
  /** When its last piece arrived here, milliseconds of this worker's clock. */
  readonly arrivedAt: number;
  /** Covers the whole picture: nothing drawn before matters. */
  readonly isWhole: boolean;
  readonly paint: (context: OffscreenCanvasRenderingContext2D) => void;
  readonly close: () => void;
}

/** A picture out of a video decoder; it may be padded beyond the size the agent says it has. */
export function videoDrawable(header: Header, arrivedAt: number, frame: VideoFrame): Drawable {
  return {
    header,
    arrivedAt,
    isWhole: true,
    paint: (context) => context.drawImage(frame, 0, 0),
    close: () => frame.close(),
  };
}

/** Patches over the picture before; a key frame's over black, so that nothing of an older picture is left. */
export async function patchesDrawable(header: Header, arrivedAt: number, patches: readonly Patch[]): Promise<Drawable> {
  const images = await Promise.all(patches.map(decoded));
  return {
    header,
    arrivedAt,
    isWhole: header.isKey,
    paint: (context) => {
      if (header.isKey) {
        context.fillRect(0, 0, header.width, header.height);
      }
      patches.forEach(({ x, y }, at) => context.drawImage(images[at]!, x, y));
    },
    close: () => images.forEach((image) => image.close()),
  };
}

function decoded({ image }: Patch): Promise<ImageBitmap> {
  return createImageBitmap(new Blob([image as Uint8Array<ArrayBuffer>], { type: "image/jpeg" }));
}
