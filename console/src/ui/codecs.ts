// What this browser can show. WebCodecs exists only on https pages and on localhost; JPEG patches are painted anywhere, and
// announced only where painting one has been seen to work.
import { KNOWN_CODECS, PATCHES } from "../core/codec.ts";

/** The names of what can be decoded here, none where pictures cannot be shown at all. */
export async function decodableCodecs(): Promise<readonly string[]> {
  if (!("transferControlToOffscreen" in HTMLCanvasElement.prototype)) {
    return [];
  }
  const names = [...KNOWN_CODECS, PATCHES];
  const answers = await Promise.all([...KNOWN_CODECS.map(isDecodable), paintsPatches()]);
  return names.filter((_, index) => answers[index]);
}

async function isDecodable(codec: string): Promise<boolean> {
  if (!("VideoDecoder" in globalThis)) {
    return false;
  }
  const { supported } = await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true });
  return supported === true;
}

const SIDE = 16;
const COLOUR = [200, 60, 20] as const;
/** What JPEG may do to a colour. */
const TOLERANCE = 12;

/** Makes a JPEG of one colour, paints it as patches are painted, and looks. */
async function paintsPatches(): Promise<boolean> {
  try {
    const made = canvasOf(`rgb(${COLOUR.join(" ")})`);
    const image = await createImageBitmap(await made.canvas.convertToBlob({ type: "image/jpeg", quality: 1 }));
    const seen = canvasOf("black");
    seen.drawImage(image, 0, 0);
    image.close();
    const { data } = seen.getImageData(SIDE / 2, SIDE / 2, 1, 1);
    return COLOUR.every((value, at) => Math.abs(value - (data[at] ?? 0)) <= TOLERANCE);
  } catch {
    return false;
  }
}

function canvasOf(colour: string): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw new Error("no 2D context");
  }
  context.fillStyle = colour;
  context.fillRect(0, 0, SIDE, SIDE);
  return context;
}
