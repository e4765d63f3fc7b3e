// Asks once more before a session ends for good.
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setText, uniqueId } from "./dom.ts";

export class EndDialog implements View {
  readonly #context: Context;
  readonly #title = h("h2", { attributes: { id: uniqueId("end") } });
  readonly #body = h("p");
  readonly #cancel: Button;
  readonly #confirm: Button;
  readonly element: HTMLDialogElement;

  constructor(context: Context, confirmed: () => void) {
    this.#context = context;
    this.#cancel = new Button({ look: "quiet", testid: "end-session-cancel", click: () => this.close() });
    this.#confirm = new Button({
      look: "danger",
      icon: "power",
      testid: "end-session-confirm",
      click: () => {
        this.close();
        confirmed();
      },
    });
    const actions = h("div", { class: "row row-end" }, this.#cancel.element, this.#confirm.element);
    this.element = h("dialog", { class: "dialog", attributes: { "aria-labelledby": this.#title.id } });
    this.element.append(this.#title, this.#body, actions);
  }

  open(): void {
    this.element.showModal();
    this.#cancel.element.focus();
  }

  close(): void {
    if (this.element.open) {
      this.element.close();
    }
  }

  render(): void {
    const { t } = this.#context;
    setText(this.#title, t.end.title);
    setText(this.#body, t.end.body);
    this.#cancel.setLabel(t.end.cancel);
    this.#confirm.setLabel(t.end.confirm);
  }
}
