// Carries out the API's exchanges with `fetch`. No cookies: the bearer is all there is.
import type { Answer, Exchange } from "../core/api.ts";

const TIMEOUT_MS = 15_000;

export async function send({ method, path, headers, body }: Exchange): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    credentials: "omit",
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  return { status: response.status, date: response.headers.get("Date"), body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
