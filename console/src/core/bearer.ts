// Whose bearer this is: the `sub` of the token (RFC 7519). Only to tell one's own grants from a colleague's on the same
// session; whether it is valid is for the gateway to say.

/** The technician's id, or undefined for a token of another kind. */
export function subjectOf(token: string | undefined): string | undefined {
  const payload = token?.split(".")[1];
  const claims = payload === undefined ? undefined : decoded(payload);
  return typeof claims?.sub === "string" ? claims.sub : undefined;
}

function decoded(payload: string): { readonly sub?: unknown } | undefined {
  try {
    const text = bytesOf(payload);
    return JSON.parse(text) as { readonly sub?: unknown };
  } catch {
    return undefined;
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** base64url, ASCII content only: claims that are compared here are identifiers. */
function bytesOf(encoded: string): string {
  let bits = "";
  for (const character of encoded) {
    const index = ALPHABET.indexOf(character);
    if (index < 0) {
      throw new SyntaxError("not base64url");
    }
    bits += index.toString(2).padStart(6, "0");
  }
  const bytes = bits.match(/.{8}/g) ?? [];
  return bytes.map((byte) => String.fromCharCode(parseInt(byte, 2))).join("");
}
