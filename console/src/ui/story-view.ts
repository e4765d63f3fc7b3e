// A verdict and a story as elements. All text is set as text: nothing in a receipt can become markup.
import type { Language } from "../core/language.ts";
import type { Verdict } from "../core/receipt.ts";
import { heading, judge, tell, type StoryLine } from "../core/story.ts";
import { VERIFY_TEXTS } from "../core/verify-texts.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export function verdictView(verdict: Verdict, language: Language): HTMLElement {
  const { ok, sentence, note, keys } = judge(verdict, language);
  const list = h("dl", { class: "key-list" }, ...keys.flatMap(([name, key]) => [h("dt", {}, name), h("dd", {}, key)]));
  const text = h("div", {}, h("h2", { testid: "verdict" }, sentence), h("p", { class: "muted" }, note));
  if (keys.length > 0) {
    text.append(list);
  }
  const look = ok ? "verdict-good" : "verdict-bad";
  return h("section", { class: `card verdict ${look}` }, icon(ok ? "check" : "close"), text);
}

export function storyView(verdict: Verdict, language: Language): readonly HTMLElement[] {
  const lines = tell(verdict, language, (at) => -new Date(at).getTimezoneOffset());
  if (lines.length === 0) {
    return [];
  }
  const [, session] = heading(verdict, language);
  const section = h("section", { class: "card story" });
  section.append(h("h2", {}, VERIFY_TEXTS[language].story), h("p", { class: "muted session-id" }, session));
  let list = h("ol", { class: "story-lines" });
  for (const line of lines) {
    if (line.day !== "") {
      list = h("ol", { class: "story-lines" });
      section.append(h("h3", {}, line.day), list);
    }
    list.append(lineView(line, language));
  }
  return [section];
}

function lineView({ number, time, text, details }: StoryLine, language: Language): HTMLElement {
  const label = number === undefined ? "" : VERIFY_TEXTS[language].record.replace("{number}", String(number));
  const attributes: Readonly<Record<string, string>> = label === "" ? {} : { title: label };
  const count = h("span", { class: "story-number", attributes }, number === undefined ? "" : String(number));
  const body = h("div", {}, h("p", {}, text), ...details.map((detail) => h("p", { class: "muted detail" }, detail)));
  return h("li", { class: "story-line" }, count, h("time", {}, time), body);
}
