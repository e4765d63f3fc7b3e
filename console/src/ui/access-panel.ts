// What the technician may do now, one card per capability, and the reason that the next question gives.
import { accessTo, DIRECT, isUnattended, mayAsk } from "../core/access.ts";
import { MAX_REASON } from "../core/protocol.gen.ts";
import { AccessCard, type AccessSource } from "./access-card.ts";
import type { Context, View } from "./context.ts";
import { h, setText, show, uniqueId } from "./dom.ts";
import { TermsDialog } from "./terms-dialog.ts";

export class AccessPanel implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #title = h("h2");
  readonly #label = h("label", { class: "label" });
  readonly #reason = h("textarea", { class: "input reason", testid: "request-reason" });
  readonly #field = h("div", { class: "field" }, this.#label, this.#reason);
  readonly #cards: readonly AccessCard[];
  readonly #unattended: AccessCard;
  readonly #terms: TermsDialog;
  readonly element: HTMLElement;
  /** What the person wrote; until then the field holds the usual reason for what can be asked next. */
  #isOwnReason = false;

  constructor(context: Context, source: AccessSource) {
    this.#context = context;
    this.#source = source;
    const id = uniqueId("reason");
    this.#label.htmlFor = id;
    Object.assign(this.#reason, { id, rows: 2, maxLength: MAX_REASON });
    this.#reason.addEventListener("input", () => (this.#isOwnReason = this.#reason.value.trim() !== ""));
    this.#cards = DIRECT.map((capability) => {
      const ask = () => context.api.ask(source.sid, capability, this.#takeReason());
      return new AccessCard(context, source, { capability, ask });
    });
    this.#terms = new TermsDialog(context, source);
    this.#unattended = new AccessCard(context, source, { capability: "unattended", ask: () => this.#terms.open() });
    const cards = this.#cards.map((card) => card.element);
    const parts = [...cards, this.#field, this.#unattended.element, this.#terms.element];
    this.element = h("section", { class: "access" }, this.#title, ...parts);
  }

  render(): void {
    const { t } = this.#context;
    setText(this.#title, t.access.title);
    setText(this.#label, t.access.reason);
    this.#renderReason();
    this.#cards.forEach((card) => card.render());
    show(this.#unattended.element, !isUnattended(this.#source.model()));
    this.#unattended.render();
    this.#terms.render();
  }

  #renderReason(): void {
    const model = this.#source.model();
    show(this.#field, DIRECT.some((capability) => mayAsk(model, capability)));
    if (!this.#isOwnReason && document.activeElement !== this.#reason) {
      this.#reason.value = this.#usualReason();
    }
  }

  /** Whoever came in unattended has said why already. */
  #usualReason(): string {
    const { session } = this.#source.model();
    if (session?.device_id != null && session.reason != null) {
      return session.reason;
    }
    const isViewing = accessTo(this.#source.model(), "view").kind === "live";
    return this.#context.t.access.defaultReason[isViewing ? "control" : "view"];
  }

  /** The reason for the question being asked; the next question starts with its own. */
  #takeReason(): string {
    const reason = this.#reason.value.trim() || this.#usualReason();
    this.#isOwnReason = false;
    return reason.slice(0, MAX_REASON);
  }
}
