import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import { agentPublicKey, fromBase64url, toBase64url, type Crypto } from "../src/core/jws.ts";
import { LANGUAGES } from "../src/core/language.ts";
import { verify, type Problem } from "../src/core/receipt.ts";
import { heading, judge, plain, span, tell } from "../src/core/story.ts";

type Line = readonly [number | null, string, string, string, readonly string[]];

interface Story {
  readonly heading: readonly string[];
  readonly lines: readonly Line[];
  readonly judgement: { readonly sentence: string; readonly note: string; readonly keys: readonly (readonly string[])[] };
}

interface Bundle {
  readonly agent_key: string;
  readonly consent_key: string;
  readonly closing_jws: string;
  readonly records: readonly { readonly jws: string; readonly entry_jws: string }[];
}

interface Vectors {
  readonly good: readonly { readonly name: string; readonly bundle: Bundle; readonly story: Record<"de" | "en", Story> }[];
  readonly bad: readonly {
    readonly name: string;
    readonly problem: Problem;
    readonly index: number | null;
    readonly expect: Readonly<Record<string, string>>;
    readonly changes: { readonly records?: readonly unknown[] };
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../tests/vectors/receipts.json", import.meta.url), "utf-8"),
) as Vectors;
const whole = vectors.good[0]?.bundle as Bundle;
const utc = (): number => 0;

const crypto: Crypto = {
  verify: async (key, signature, signed) => {
    const imported = await webcrypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return webcrypto.subtle.verify("Ed25519", imported, signature, signed);
  },
  sha256: async (bytes) => new Uint8Array(await webcrypto.subtle.digest("SHA-256", bytes)),
  utf8: (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
};

function changed(changes: Vectors["bad"][number]["changes"]): string {
  const places = changes.records ?? whole.records;
  const records = places.map((place) => (typeof place === "number" ? whole.records[place] : place));
  return JSON.stringify({ ...whole, ...changes, records });
}

describe("a receipt", () => {
  it.each(vectors.good)("is genuine, and told word for word: $name", async ({ bundle, story }) => {
    const verdict = await verify(JSON.stringify(bundle), crypto);
    expect(verdict.problem).toBeUndefined();
    for (const language of LANGUAGES) {
      const lines = tell(verdict, language, utc).map((line) =>
        [line.number ?? null, line.day, line.time, line.text, line.details]);
      expect(lines).toEqual(story[language].lines);
      expect(heading(verdict, language)).toEqual(story[language].heading);
      const { sentence, note, keys } = judge(verdict, language);
      expect({ sentence, note, keys }).toEqual(story[language].judgement);
    }
  });

  it.each(vectors.bad)("is not genuine: $name", async ({ problem, index, expect: keys, changes }) => {
    const verdict = await verify(changed(changes), crypto, keys);
    expect([verdict.problem, verdict.index ?? null]).toEqual([problem, index]);
    expect(verdict.closing).toBeUndefined();
    expect(verdict.events.length).toBeLessThanOrEqual(index ?? whole.records.length);
    const { ok, sentence } = judge(verdict, "en");
    expect(ok).toBe(false);
    expect(sentence).toMatch(index === null ? /^NOT genuine: / : new RegExp(`^NOT genuine: record ${index + 1}: `));
  });

  it("says whose keys were compared", async () => {
    const { agent_key, consent_key } = whole;
    const notes = [{}, { agent_key }, { consent_key }, { agent_key, consent_key }].map(async (keys) =>
      judge(await verify(JSON.stringify(whole), crypto, keys), "en").keys.length);
    expect(await Promise.all(notes)).toEqual([2, 1, 1, 0]);
  });

  it.each(["", "{", "[]", "null", "\0", "[".repeat(100_000)])("is unreadable: %.9s", async (source) => {
    expect((await verify(source, crypto)).problem).toBe("unreadable");
  });

  it("does not survive a change of any character in a signed part", async () => {
    const [record] = whole.records.slice(2);
    const jws = record?.jws ?? "";
    for (let at = 0; at < jws.length; at += 7) {
      const other = jws[at] === "A" ? "B" : "A";
      const records = whole.records.with(2, { ...record, jws: jws.slice(0, at) + other + jws.slice(at + 1) } as never);
      const verdict = await verify(JSON.stringify({ ...whole, records }), crypto);
      expect([verdict.problem === undefined, verdict.index]).toEqual([false, 2]);
    }
  });

  it("does not survive a dropped, doubled or swapped record", async () => {
    for (const index of whole.records.keys()) {
      const record = whole.records[index] as Bundle["records"][number];
      const next = whole.records[(index + 1) % whole.records.length] as Bundle["records"][number];
      const others = [
        whole.records.toSpliced(index, 1),
        whole.records.toSpliced(index, 0, record),
        whole.records.with(index, next).with((index + 1) % whole.records.length, record),
      ];
      for (const records of others) {
        expect((await verify(JSON.stringify({ ...whole, records }), crypto)).problem).toBeDefined();
      }
    }
  });
});

describe("keys and texts", () => {
  it("are read in one spelling only", () => {
    expect(fromBase64url("AA")).toEqual(Uint8Array.of(0));
    for (const other of ["AB", "AA==", "A", "AA\n", "A+A", "ÄA"]) {
      expect(fromBase64url(other)).toBeUndefined();
    }
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
  });

  it("refuses keys that are none", () => {
    expect(agentPublicKey(whole.agent_key)).toEqual(expect.any(Uint8Array));
    for (const other of ["", "U", whole.agent_key.slice(0, -1), `${whole.agent_key.slice(0, -1)}A`, `S${whole.agent_key.slice(1)}`]) {
      expect(agentPublicKey(other)).toBeUndefined();
    }
  });

  it("keeps text from others on its line", () => {
    expect(plain("\u202eTina\n\u0000 Berg\u200b\u00a0")).toBe("Tina Berg");
  });

  it("says lengths of time", () => {
    expect([-1, 0, 8, 60, 410, 3600, 3901].map(span)).toEqual(["0 s", "0 s", "8 s", "1 min", "6 min 50 s", "1 h", "1 h 5 min 1 s"]);
  });
});
