// What this browser can decode. WebCodecs exists only on https pages and on localhost.
import { KNOWN_CODECS } from "../core/codec.ts";

/** The names of what can be decoded here, none where pictures cannot be shown at all. */
export async function decodableCodecs(): Promise<readonly string[]> {
  const isPossible = "VideoDecoder" in globalThis && "transferControlToOffscreen" in HTMLCanvasElement.prototype;
  if (!isPossible) {
    return [];
  }
  const answers = await Promise.all(KNOWN_CODECS.map(isDecodable));
  return KNOWN_CODECS.filter((_, index) => answers[index]);
}

async function isDecodable(codec: string): Promise<boolean> {
  const { supported } = await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true });
  return supported === true;
}
