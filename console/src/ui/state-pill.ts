// A session's state as a small coloured word; never by colour alone.
import type { SessionView } from "../core/protocol.gen.ts";
import { stateText, type Texts } from "../core/texts/index.ts";
import { h, setAttribute, setText } from "./dom.ts";

export class StatePill {
  readonly #text = h("span");
  readonly element = h("span", { class: "pill" }, h("span", { class: "pill-dot" }), this.#text);

  render(session: SessionView | undefined, t: Texts): void {
    setAttribute(this.element, "data-state", session?.state ?? "connecting");
    setText(this.#text, stateText(session, t));
  }
}
