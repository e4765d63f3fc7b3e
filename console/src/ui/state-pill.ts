// A session's state as a small coloured word; never by colour alone.
import type { SessionState } from "../core/protocol.gen.ts";
import type { Texts } from "../core/texts/index.ts";
import { h, setAttribute, setText } from "./dom.ts";

export class StatePill {
  readonly #text = h("span");
  readonly element = h("span", { class: "pill" }, h("span", { class: "pill-dot" }), this.#text);

  render(state: SessionState | undefined, t: Texts): void {
    setAttribute(this.element, "data-state", state ?? "connecting");
    setText(this.#text, state === undefined ? t.stateUnknown : t.state[state]);
  }
}
