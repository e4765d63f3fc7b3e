// Labelled fields of a form: one control with its hint, and groups of things to tick.
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";

/** A text area, or an input of the given kind. */
export class Field<K extends "input" | "textarea"> {
  readonly #label = h("label", { class: "label" });
  readonly #hint = h("span", { class: "hint", attributes: { id: uniqueId("hint") } });
  readonly control: HTMLElementTagNameMap[K];
  readonly element: HTMLElement;

  constructor(tag: K, testid: string, type?: string) {
    const id = uniqueId("field");
    this.control = h(tag, { class: "input", testid, attributes: { id, ...(type === undefined ? {} : { type }) } });
    this.#label.htmlFor = id;
    this.element = h("div", { class: "field" }, this.#label, this.control, this.#hint);
  }

  focus(): void {
    this.control.focus();
  }

  setTexts(label: string, hint = ""): void {
    setText(this.#label, label);
    setText(this.#hint, hint);
    show(this.#hint, hint);
    setAttribute(this.control, "aria-describedby", hint === "" ? undefined : this.#hint.id);
  }
}

/** One (`radio`) or several (`checkbox`) of a few. */
export class Choices {
  readonly #legend = h("legend", { class: "label" });
  readonly #inputs: readonly HTMLInputElement[];
  readonly #names: readonly HTMLElement[];
  readonly #hint = h("span", { class: "hint", attributes: { id: uniqueId("hint") } });
  readonly element: HTMLFieldSetElement;

  constructor(type: "radio" | "checkbox", testid: string, values: readonly string[]) {
    const name = uniqueId("choice");
    this.#inputs = values.map((value) => h("input", { testid: `${testid}-${value}`, attributes: { type, name, value } }));
    this.#names = values.map(() => h("span"));
    const labels = this.#inputs.map((input, index) => h("label", { class: "choice" }, input, this.#names[index] ?? ""));
    this.element = h("fieldset", { class: "choices" }, this.#legend, h("div", { class: "row" }, ...labels), this.#hint);
  }

  /** `spoken`: what a screen reader says where the name is short. */
  setTexts(legend: string, names: readonly string[], more: { spoken?: readonly string[]; hint?: string } = {}): void {
    const hint = more.hint ?? "";
    setText(this.#legend, legend);
    this.#names.forEach((element, index) => setText(element, names[index] ?? ""));
    this.#inputs.forEach((input, index) => setAttribute(input, "aria-label", more.spoken?.[index]));
    setText(this.#hint, hint);
    show(this.#hint, hint);
    setAttribute(this.element, "aria-describedby", hint === "" ? undefined : this.#hint.id);
  }

  focus(): void {
    this.#inputs[0]?.focus();
  }

  choose(values: readonly string[]): void {
    this.#inputs.forEach((input) => (input.checked = values.includes(input.value)));
  }

  get chosen(): readonly string[] {
    return this.#inputs.filter((input) => input.checked).map((input) => input.value);
  }
}
