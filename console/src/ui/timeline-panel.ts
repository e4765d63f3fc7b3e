// What happened in this session, and when.
import type { SessionModel } from "../core/session-state.ts";
import { momentText } from "../core/texts/index.ts";
import { timelineOf, type Moment } from "../core/timeline.ts";
import type { Context, View } from "./context.ts";
import { h } from "./dom.ts";
import { clockTimeWithSeconds } from "./formats.ts";

export class TimelinePanel implements View {
  readonly #context: Context;
  readonly #model: () => SessionModel;
  readonly element = h("ol", { class: "timeline", testid: "timeline", attributes: { tabindex: "0" } });
  #shown = "";

  constructor(context: Context, model: () => SessionModel) {
    this.#context = context;
    this.#model = model;
  }

  render(): void {
    const moments = timelineOf(this.#model());
    const key = JSON.stringify([this.#context.language, moments]);
    if (key !== this.#shown) {
      this.#shown = key;
      this.element.replaceChildren(...moments.map((moment) => this.#item(moment)));
    }
  }

  #item(moment: Moment): HTMLElement {
    const { t, language } = this.#context;
    const time = h("time", { attributes: { datetime: moment.at } }, clockTimeWithSeconds(moment.at, language));
    const text = h("div", {}, h("p", {}, momentText(moment, t)));
    if (moment.kind === "asked") {
      text.append(h("p", { class: "muted quote" }, moment.reason));
    }
    return h("li", { class: `moment moment-${moment.kind}` }, time, text);
  }
}
