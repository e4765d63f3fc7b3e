// Which of the customer's monitors to see, if there are several: a numbered button each. The one whose picture is on the
// page is the pressed one, whoever has chosen it.
import type { MonitorSize } from "../core/protocol.gen.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show } from "./dom.ts";

export interface MonitorSource {
  readonly monitors: () => readonly MonitorSize[];
  /** The monitor on the page. */
  readonly shown: () => number;
  readonly choose: (monitor: number) => void;
}

export class MonitorPicker implements View {
  readonly #context: Context;
  readonly #source: MonitorSource;
  #buttons: readonly HTMLButtonElement[] = [];
  readonly element = h("div", { class: "view-bar", testid: "monitors", attributes: { role: "group" } });

  constructor(context: Context, source: MonitorSource) {
    this.#context = context;
    this.#source = source;
  }

  render(): void {
    const { view } = this.#context.t;
    const monitors = this.#source.monitors();
    show(this.element, monitors.length > 1);
    setAttribute(this.element, "aria-label", view.monitors);
    if (this.#buttons.length !== monitors.length) {
      this.#buttons = monitors.map((_, number) => this.#newButton(number));
      this.element.replaceChildren(...this.#buttons);
    }
    monitors.forEach(({ width, height }, number) => {
      const button = this.#buttons[number]!;
      const name = view.monitor(number + 1, `${width} × ${height}`);
      setAttribute(button, "aria-label", name);
      setAttribute(button, "title", name);
      setAttribute(button, "aria-pressed", String(number === this.#source.shown()));
    });
  }

  #newButton(number: number): HTMLButtonElement {
    const click = (): void => this.#source.choose(number);
    const button = h("button", { class: "tool tool-number", testid: `monitor-${number}`, attributes: { type: "button" }, on: { click } });
    setText(button, String(number + 1));
    return button;
  }
}
