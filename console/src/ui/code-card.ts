// Shows the nine digits and the link while a session waits for its customer.
import { countdown, secondsUntil } from "../core/clock.ts";
import { grouped } from "../core/code.ts";
import type { SessionView } from "../core/protocol.gen.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show } from "./dom.ts";

const FEEDBACK_MS = 2_000;

export class CodeCard implements View {
  readonly #context: Context;
  readonly #title = h("h2");
  readonly #code = h("output", { class: "code", testid: "session-code" });
  readonly #hint = h("p", { class: "muted" });
  readonly #validity = h("p", { class: "validity" });
  readonly #copyCode: CopyButton;
  readonly #copyLink: CopyButton;
  readonly element: HTMLElement;
  #session: SessionView | undefined;

  constructor(context: Context, sid: string) {
    this.#context = context;
    const created = context.created.get(sid);
    this.#copyCode = new CopyButton(context, "copy", created?.code ?? "");
    this.#copyLink = new CopyButton(context, "link", created?.join_url ?? "");
    setText(this.#code, grouped(created?.code ?? ""));
    const actions = h("div", { class: "row" }, this.#copyCode.element, this.#copyLink.element);
    this.element = h("section", { class: "card code-card" }, this.#title, this.#code, actions, this.#hint, this.#validity);
  }

  /** Shown while the session waits, if this tab is the one that has the code. */
  follow(session: SessionView | undefined): boolean {
    this.#session = session;
    const isShown = session?.state === "waiting" && this.#code.textContent !== "";
    show(this.element, isShown);
    if (session !== undefined && session.state !== "waiting") {
      this.#context.created.delete(session.id);
      setText(this.#code, "");
      this.#copyCode.forget();
      this.#copyLink.forget();
    }
    return isShown;
  }

  render(): void {
    const { t, api } = this.#context;
    setText(this.#title, t.code.title);
    setAttribute(this.#code, "aria-label", `${t.code.label}: ${[...(this.#code.textContent ?? "")].join(" ")}`);
    setText(this.#hint, t.code.hint);
    this.#copyCode.render(t.code.copy);
    this.#copyLink.render(t.code.copyLink);
    const until = this.#session?.waiting_until;
    setText(this.#validity, until === undefined ? "" : t.code.validFor(countdown(secondsUntil(until, api.now()))));
  }
}

/** Copies a text and says so for a moment. */
class CopyButton {
  readonly #context: Context;
  readonly #button: Button;
  #text: string;
  #label = "";
  #timer = 0;

  constructor(context: Context, icon: "copy" | "link", text: string) {
    this.#context = context;
    this.#text = text;
    this.#button = new Button({ look: "quiet", icon, click: () => this.#copy() });
    this.#button.element.setAttribute("aria-live", "polite");
  }

  get element(): HTMLElement {
    return this.#button.element;
  }

  forget(): void {
    this.#text = "";
  }

  render(label: string): void {
    this.#label = label;
    this.#button.setLabel(this.#timer === 0 ? label : this.#context.t.code.copied);
  }

  #copy(): void {
    // Browsers offer the clipboard only to secure contexts.
    const copied = navigator.clipboard?.writeText(this.#text) ?? Promise.reject(new DOMException("insecure context"));
    copied.then(
      () => this.#confirm(),
      () => window.prompt(this.#context.t.code.copyFailed, this.#text),
    );
  }

  #confirm(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.render(this.#label);
    }, FEEDBACK_MS);
    this.render(this.#label);
  }
}
