// Asks once more before something happens for good.
import { Button } from "./button.ts";
import type { View } from "./context.ts";
import { h, setText, uniqueId } from "./dom.ts";
import type { IconName } from "./icons.ts";

export interface ConfirmTexts {
  readonly title: string;
  readonly body: string;
  readonly confirm: string;
  readonly cancel: string;
}

export interface ConfirmOptions {
  readonly icon: IconName;
  readonly testid: string;
  /** In the language of the moment: read on every render. */
  readonly texts: () => ConfirmTexts;
  readonly confirmed: () => void;
}

export class ConfirmDialog implements View {
  readonly #texts: () => ConfirmTexts;
  readonly #title = h("h2", { attributes: { id: uniqueId("confirm") } });
  readonly #body = h("p", { attributes: { id: uniqueId("confirm-body") } });
  readonly #cancel: Button;
  readonly #confirm: Button;
  readonly element: HTMLDialogElement;

  constructor({ icon, testid, texts, confirmed }: ConfirmOptions) {
    this.#texts = texts;
    this.#cancel = new Button({ look: "quiet", testid: `${testid}-cancel`, click: () => this.close() });
    this.#confirm = new Button({
      look: "danger",
      icon,
      testid: `${testid}-confirm`,
      click: () => {
        this.close();
        confirmed();
      },
    });
    const actions = h("div", { class: "row row-end" }, this.#cancel.element, this.#confirm.element);
    const attributes = { "aria-labelledby": this.#title.id, "aria-describedby": this.#body.id };
    this.element = h("dialog", { class: "dialog", attributes }, this.#title, this.#body, actions);
  }

  open(): void {
    this.render();
    this.element.showModal();
    this.#cancel.element.focus();
  }

  close(): void {
    if (this.element.open) {
      this.element.close();
    }
  }

  render(): void {
    const { title, body, confirm, cancel } = this.#texts();
    setText(this.#title, title);
    setText(this.#body, body);
    this.#cancel.setLabel(cancel);
    this.#confirm.setLabel(confirm);
  }
}
