// Says what failed, where everybody notices: a line that a screen reader announces and that can be closed.
import type { Texts } from "../core/texts/index.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { icon } from "./icons.ts";

const VISIBLE_MS = 12_000;

export class Notices {
  readonly #text = h("span");
  readonly #close = h("button", { class: "notice-close", attributes: { type: "button" } }, icon("close"));
  readonly #box = h("div", { class: "notice" }, this.#text, this.#close);
  readonly element = h("div", { class: "notices", attributes: { role: "alert" } }, this.#box);
  #timer = 0;

  constructor() {
    show(this.#box, false);
    this.#close.addEventListener("click", () => this.clear());
  }

  say(text: string): void {
    setText(this.#text, text);
    show(this.#box, true);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.clear(), VISIBLE_MS);
  }

  clear(): void {
    setText(this.#text, "");
    show(this.#box, false);
  }

  render(t: Texts): void {
    setAttribute(this.#close, "aria-label", t.dismiss);
  }
}
