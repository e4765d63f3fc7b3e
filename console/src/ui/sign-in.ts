// The page before anybody is signed in.
import { ApiError, type Api } from "../core/api.ts";
import { Button } from "./button.ts";
import type { Context, Page } from "./context.ts";
import { h, setText, show, uniqueId } from "./dom.ts";
import { mark } from "./icons.ts";

export class SignInPage implements Page {
  readonly header: readonly Node[] = [];
  readonly #context: Context;
  readonly #done: () => void;
  readonly #title = h("h1");
  readonly #claim = h("p", { class: "muted" });
  readonly #user = field("login-user", "username", "text");
  readonly #password = field("login-password", "current-password", "password");
  readonly #problem = h("p", { class: "problem", attributes: { role: "alert" } });
  readonly #submit = new Button({ look: "primary", testid: "login-submit", submit: true });
  readonly element: HTMLElement;
  #isBusy = false;
  #refusal: ((context: Context) => string) | undefined;

  constructor(context: Context, done: () => void) {
    this.#context = context;
    this.#done = done;
    const form = h("form", { class: "card sign-in", attributes: { novalidate: "" } });
    form.append(mark(), this.#title, this.#claim, this.#user.element, this.#password.element);
    form.append(this.#problem, this.#submit.element);
    form.addEventListener("submit", (event) => this.#submitted(event));
    this.element = h("div", { class: "centred" }, form);
    this.render();
  }

  /** Said after a sign-in that has run out. */
  explainExpiry(): void {
    this.#refusal = ({ t }) => t.signIn.again;
    this.render();
  }

  render(): void {
    const { t } = this.#context;
    setText(this.#title, t.product);
    setText(this.#claim, t.claim);
    setText(this.#user.label, t.signIn.user);
    setText(this.#password.label, t.signIn.password);
    setText(this.#problem, this.#refusal?.(this.#context) ?? "");
    show(this.#problem, this.#refusal !== undefined);
    this.#submit.setLabel(this.#isBusy ? t.signIn.busy : t.signIn.submit);
    this.#submit.enabled = !this.#isBusy;
  }

  focus(): void {
    this.#user.input.focus();
  }

  dispose(): void {
    this.#password.input.value = "";
  }

  #submitted(event: Event): void {
    event.preventDefault();
    this.#isBusy = true;
    this.#refusal = undefined;
    this.render();
    this.#signIn(this.#context.api)
      .catch((error: unknown) => this.#refused(error))
      .finally(() => {
        this.#isBusy = false;
        this.render();
      });
  }

  async #signIn(api: Api): Promise<void> {
    await api.signIn(this.#user.input.value, this.#password.input.value);
    this.#done();
  }

  #refused(error: unknown): void {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    const isWrong = error.code === "unauthenticated" || error.code === "invalid_message";
    this.#refusal = ({ t }) => (isWrong ? t.signIn.refused : t.failure[error.code]);
    this.#password.input.select();
  }
}

function field(testid: string, autocomplete: string, type: string) {
  const id = uniqueId("field");
  const attributes = { id, type, autocomplete, autocapitalize: "none", spellcheck: "false", required: "" };
  const input = h("input", { class: "input", testid, attributes });
  const label = h("label", { class: "label", attributes: { for: id } });
  return { element: h("div", { class: "field" }, label, input), label, input };
}
