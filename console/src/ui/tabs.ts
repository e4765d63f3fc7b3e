// Two panels in the place of one: the ARIA tabs pattern, arrow keys included.
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";

export class Tabs {
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #panels: readonly HTMLElement[];
  readonly #list = h("div", { class: "tab-list", attributes: { role: "tablist" } });
  readonly element = h("section", { class: "tabs" }, this.#list);

  constructor(contents: readonly HTMLElement[]) {
    this.#panels = contents.map((content) => h("div", { class: "tab-panel", attributes: { role: "tabpanel" } }, content));
    this.#buttons = this.#panels.map((panel, index) => this.#button(panel, index));
    this.#list.append(...this.#buttons);
    this.element.append(...this.#panels);
    this.select(0);
  }

  select(chosen: number): void {
    this.#buttons.forEach((button, index) => {
      setAttribute(button, "aria-selected", String(index === chosen));
      button.tabIndex = index === chosen ? 0 : -1;
    });
    this.#panels.forEach((panel, index) => show(panel, index === chosen));
  }

  setLabels(labels: readonly string[]): void {
    this.#buttons.forEach((button, index) => setText(button, labels[index] ?? ""));
  }

  #button(panel: HTMLElement, index: number): HTMLButtonElement {
    const id = uniqueId("tab");
    panel.id = `${id}-panel`;
    panel.setAttribute("aria-labelledby", id);
    const attributes = { id, type: "button", role: "tab", "aria-controls": panel.id };
    const button = h("button", { class: "tab", attributes });
    button.addEventListener("click", () => this.select(index));
    button.addEventListener("keydown", ({ key }) => this.#arrow(key, index));
    return button;
  }

  #arrow(key: string, index: number): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step !== undefined) {
      const next = (index + step + this.#buttons.length) % this.#buttons.length;
      this.select(next);
      this.#buttons[next]?.focus();
    }
  }
}
