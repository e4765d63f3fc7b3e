// Reading signed records: base64url in its one spelling, JWS in three parts, agents' keys in nkey form. The
// arithmetic of signatures and hashes is handed in, so that this runs wherever there is any.

export interface Crypto {
  /** Whether `signature` over `signed` is by the owner of the raw Ed25519 `key`. */
  readonly verify: (key: Uint8Array, signature: Uint8Array, signed: Uint8Array) => Promise<boolean>;
  readonly sha256: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Throws on what is not UTF-8. */
  readonly utf8: (bytes: Uint8Array) => string;
}

const MAX_JWS = 16 * 1024;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const NKEY_USER_PREFIX = 20 << 3;

/** The payload of `jws` if it is signed with `key` and is of this kind; undefined for anything else. */
export async function signedPayload(jws: string, key: Uint8Array, typ: string, crypto: Crypto): Promise<unknown> {
  const parts = jws.split(".").map(fromBase64url);
  const [header, payload, signature] = parts;
  if (jws.length > MAX_JWS || parts.length !== 3 || !header || !payload || !signature) {
    return undefined;
  }
  const signed = ascii(jws.slice(0, jws.lastIndexOf(".")));
  if (signature.length !== 64 || !(await crypto.verify(key, signature, signed))) {
    return undefined;
  }
  const claims = json(header, crypto);
  const isRight = isObject(claims) && Object.keys(claims).length === 2 && claims["alg"] === "Ed25519";
  return isRight && claims["typ"] === typ ? json(payload, crypto) : undefined;
}

/** The kind a record claims to be, before anything of it is believed. */
export function claimedType(jws: string, crypto: Crypto): string | undefined {
  const header = fromBase64url(jws.split(".", 1)[0] ?? "");
  const claims = header === undefined ? undefined : json(header, crypto);
  return isObject(claims) && typeof claims["typ"] === "string" ? claims["typ"] : undefined;
}

/** What a JWS says, not verified; undefined if it is none. */
export function claimedPayload(jws: string, crypto: Crypto): unknown {
  const payload = fromBase64url(jws.split(".")[1] ?? "");
  return payload === undefined ? undefined : json(payload, crypto);
}

/** SHA-256 of the exact text, base64url. Text with anything but ASCII in it is nobody's record. */
export async function hashOf(jws: string, crypto: Crypto): Promise<string> {
  return toBase64url(await crypto.sha256(ascii(jws)));
}

/** The bytes, or undefined unless `text` is the one way to write them. */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = bits(text, LETTERS, 6);
  return bytes !== undefined && toBase64url(bytes) === text ? bytes : undefined;
}

export function toBase64url(bytes: Uint8Array): string {
  let [text, held, count] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (count += 8; count >= 6; count -= 6) {
      text += LETTERS[(held >> (count - 6)) & 63];
    }
    held &= (1 << count) - 1;
  }
  return count > 0 ? text + LETTERS[(held << (6 - count)) & 63] : text;
}

/** The raw Ed25519 key in an nkey user key (`U...`: prefix, key, CRC-16 little-endian); undefined if it is none. */
export function agentPublicKey(nkey: string): Uint8Array | undefined {
  const bytes = bits(nkey, BASE32, 5);
  if (bytes?.length !== 35 || bytes[0] !== NKEY_USER_PREFIX) {
    return undefined;
  }
  const sum = (bytes[33] ?? 0) | ((bytes[34] ?? 0) << 8);
  return crc16(bytes.subarray(0, 33)) === sum ? bytes.slice(1, 33) : undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bits(text: string, letters: string, width: number): Uint8Array | undefined {
  const bytes: number[] = [];
  let [held, count] = [0, 0];
  for (const letter of text) {
    const value = letters.indexOf(letter);
    if (value < 0) {
      return undefined;
    }
    held = (held << width) | value;
    count += width;
    if (count >= 8) {
      count -= 8;
      bytes.push((held >> count) & 255);
    }
    held &= (1 << count) - 1;
  }
  return Uint8Array.from(bytes);
}

/** CRC-16/XMODEM, as in nkeys. */
function crc16(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      sum = ((sum & 0x8000) === 0 ? sum << 1 : (sum << 1) ^ 0x1021) & 0xffff;
    }
  }
  return sum;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function json(bytes: Uint8Array, crypto: Crypto): unknown {
  try {
    return JSON.parse(crypto.utf8(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
