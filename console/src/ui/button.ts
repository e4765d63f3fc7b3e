// One kind of button for the whole page: an icon, a label that changes with the language, and a look.
import { h, setText } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

export type Look = "primary" | "quiet" | "danger" | "plain";

export interface ButtonOptions {
  readonly look: Look;
  readonly icon?: IconName;
  readonly testid?: string;
  readonly submit?: true;
  readonly click?: () => void;
}

export class Button {
  readonly element: HTMLButtonElement;
  readonly #label = h("span", { class: "button-label" });

  constructor({ look, icon: name, testid, submit, click }: ButtonOptions) {
    this.element = h("button", {
      class: `button button-${look}`,
      ...(testid === undefined ? {} : { testid }),
      attributes: { type: submit === true ? "submit" : "button" },
    });
    this.element.append(...(name === undefined ? [] : [icon(name)]), this.#label);
    if (click !== undefined) {
      this.element.addEventListener("click", click);
    }
  }

  setLabel(text: string): void {
    setText(this.#label, text);
  }

  set enabled(value: boolean) {
    this.element.disabled = !value;
  }
}
