// The browser's own signatures and hashes.
import type { Crypto } from "../core/jws.ts";

const A_KEY = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0));

export const webCrypto: Crypto = {
  verify: async (key, signature, signed) => {
    const imported = await crypto.subtle.importKey("raw", copied(key), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", imported, copied(signature), copied(signed));
  },
  sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", copied(bytes))),
  utf8: (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
};

/** Old browsers lack Ed25519; pages that were not opened by https lack all of it. */
export async function canVerify(): Promise<boolean> {
  try {
    await crypto.subtle.importKey("raw", A_KEY, "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
