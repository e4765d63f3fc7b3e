// What the technician may do now, one card per capability: ask, wait, take back, hand back.
import { accessTo, mayAsk, OFFERED, type Access, type Offered } from "../core/access.ts";
import { countdown, secondsUntil } from "../core/clock.ts";
import { assertNever } from "../core/never.ts";
import { MAX_REASON, type RequestView } from "../core/protocol.gen.ts";
import { isPaused, type SessionAction, type SessionModel } from "../core/session-state.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";
import { icon } from "./icons.ts";

export interface AccessSource {
  readonly sid: string;
  readonly model: () => SessionModel;
  readonly dispatch: (action: SessionAction) => void;
}

export class AccessPanel implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #title = h("h2");
  readonly #label = h("label", { class: "label" });
  readonly #reason = h("textarea", { class: "input reason", testid: "request-reason" });
  readonly #field = h("div", { class: "field" }, this.#label, this.#reason);
  readonly #cards: readonly AccessCard[];
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
    this.#cards = OFFERED.map((capability) => new AccessCard(context, source, capability, () => this.#takeReason()));
    const cards = this.#cards.map((card) => card.element);
    this.element = h("section", { class: "access" }, this.#title, ...cards, this.#field);
  }

  render(): void {
    const { t } = this.#context;
    setText(this.#title, t.access.title);
    setText(this.#label, t.access.reason);
    this.#renderReason();
    this.#cards.forEach((card) => card.render());
  }

  #renderReason(): void {
    const model = this.#source.model();
    show(this.#field, OFFERED.some((capability) => mayAsk(model, capability)));
    if (!this.#isOwnReason && document.activeElement !== this.#reason) {
      this.#reason.value = this.#usualReason();
    }
  }

  #usualReason(): string {
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

class AccessCard implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #capability: Offered;
  readonly #takeReason: () => string;
  readonly #name = h("h3");
  readonly #status = h("p", { class: "access-status", attributes: { "aria-live": "polite" } });
  readonly #time = h("span", { class: "access-time" });
  readonly #progress = h("progress", { attributes: { "aria-hidden": "true" } });
  readonly #ask: Button;
  readonly #cancel: Button;
  readonly #release: Button;
  readonly element: HTMLElement;
  #isBusy = false;

  constructor(context: Context, source: AccessSource, capability: Offered, takeReason: () => string) {
    this.#context = context;
    this.#source = source;
    this.#capability = capability;
    this.#takeReason = takeReason;
    this.#ask = new Button({ look: "primary", testid: `request-${capability}`, click: () => this.#askNow() });
    this.#cancel = new Button({ look: "quiet", click: () => this.#giveBack() });
    this.#release = new Button({ look: "quiet", testid: `release-${capability}`, click: () => this.#giveBack() });
    const buttons = [this.#ask.element, this.#cancel.element, this.#release.element];
    const head = h("div", { class: "access-head" }, icon(capability === "view" ? "eye" : "pointer"), this.#name, this.#time);
    this.element = h("article", { class: "access-card" }, head, this.#status, this.#progress, ...buttons);
  }

  render(): void {
    const { t } = this.#context;
    const access = this.#access;
    setText(this.#name, t.access.name[this.#capability]);
    setText(this.#status, this.#statusText(access));
    setAttribute(this.element, "data-access", access.kind);
    this.#renderButtons(access);
    this.#renderTime(access);
  }

  get #access(): Access {
    return accessTo(this.#source.model(), this.#capability);
  }

  #renderButtons(access: Access): void {
    const { t } = this.#context;
    const isOpen = access.kind === "asked" || access.kind === "live";
    const hadFocus = this.element.contains(document.activeElement);
    show(this.#ask.element, !isOpen);
    show(this.#cancel.element, access.kind === "asked");
    // One name on the page: whichever question is open.
    setAttribute(this.#cancel.element, "data-testid", access.kind === "asked" ? "cancel-request" : undefined);
    show(this.#release.element, access.kind === "live");
    this.#ask.setLabel((access.kind === "closed" ? t.access.askAgain : t.access.ask)[this.#capability]);
    this.#cancel.setLabel(t.access.cancel);
    this.#release.setLabel(t.access.release[this.#capability]);
    this.#ask.enabled = mayAsk(this.#source.model(), this.#capability);
    if (hadFocus) {
      this.#keepFocus();
    }
  }

  /** One button takes another's place: so does the focus, for whoever uses the keyboard. */
  #keepFocus(): void {
    const buttons = [this.#ask, this.#cancel, this.#release].map((button) => button.element);
    buttons.find((button) => !button.hidden && !button.disabled)?.focus();
  }

  #renderTime(access: Access): void {
    const { t, api } = this.#context;
    show(this.#progress, access.kind === "asked");
    if (access.kind === "asked") {
      const seconds = secondsUntil(access.request.answer_until, api.now());
      this.#progress.max = secondsUntil(access.request.answer_until, Date.parse(access.request.asked_at));
      this.#progress.value = seconds;
      return setText(this.#time, t.access.left(countdown(seconds)));
    }
    const expiry = access.kind === "live" ? access.request.expires_at : undefined;
    setText(this.#time, expiry == null ? "" : this.#timeLeft(secondsUntil(expiry, api.now())));
  }

  /** Seconds only when they matter. */
  #timeLeft(seconds: number): string {
    const { t } = this.#context;
    return seconds > 120 ? t.access.minutesLeft(Math.round(seconds / 60)) : t.access.left(countdown(seconds));
  }

  #statusText(access: Access): string {
    const { t } = this.#context;
    switch (access.kind) {
      case "none":
        return this.#hint();
      case "asked":
        return t.access.asked;
      case "live":
        return isPaused(this.#source.model()) ? t.access.held : t.access.live;
      case "closed":
        return this.#closedText(access.request);
      default:
        return assertNever(access);
    }
  }

  #hint(): string {
    const { t } = this.#context;
    const state = this.#source.model().session?.state;
    if (state === undefined || state === "waiting") {
      return t.access.needsCustomer;
    }
    const isBlocked = state === "active" && !mayAsk(this.#source.model(), this.#capability);
    return isBlocked ? t.access.needsView : t.access.none[this.#capability];
  }

  #closedText({ state, closed_by: by, cause }: RequestView): string {
    const { t } = this.#context;
    switch (state) {
      case "denied":
        return t.access.denied;
      case "timed_out":
        return t.access.timedOut;
      case "withdrawn":
        return t.access.withdrawn;
      case "expired":
        return t.cause.expired;
      default:
        return cause != null ? t.cause[cause] : by != null ? `${t.access.over} (${t.by[by]})` : t.access.over;
    }
  }

  #askNow(): void {
    const { api } = this.#context;
    this.#run(() => api.ask(this.#source.sid, this.#capability, this.#takeReason()));
  }

  #giveBack(): void {
    const access = this.#access;
    if (access.kind === "asked" || access.kind === "live") {
      this.#run(() => this.#context.api.withdraw(this.#source.sid, access.request.id));
    }
  }

  #run(action: () => Promise<RequestView | undefined>): void {
    if (this.#isBusy) {
      return;
    }
    this.#isBusy = true;
    action()
      .then((request) => request !== undefined && this.#source.dispatch({ type: "request", request }))
      .catch(this.#context.failed)
      .finally(() => {
        this.#isBusy = false;
      });
  }
}
