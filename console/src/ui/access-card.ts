// One kind of access: ask for it, wait, take the question back, hand back what was granted.
import { accessTo, isUnattended, mayAsk, type Access } from "../core/access.ts";
import { countdown, secondsUntil } from "../core/clock.ts";
import { assertNever } from "../core/never.ts";
import type { Capability, RequestView } from "../core/protocol.gen.ts";
import { hashOf } from "../core/routes.ts";
import { isPaused, type SessionAction, type SessionModel } from "../core/session-state.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

export interface AccessSource {
  readonly sid: string;
  readonly model: () => SessionModel;
  readonly dispatch: (action: SessionAction) => void;
}

export interface AccessCardOptions {
  readonly capability: Capability;
  /** Undefined: nothing was asked, or somewhere else. */
  readonly ask: () => Promise<RequestView | undefined>;
}

const ICONS: Readonly<Record<Capability, IconName>> = { view: "eye", control: "pointer", unattended: "clock" };

export class AccessCard implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #capability: Capability;
  readonly #asking: () => Promise<RequestView | undefined>;
  readonly #name = h("h3");
  readonly #status = h("p", { class: "access-status", attributes: { "aria-live": "polite" } });
  readonly #time = h("span", { class: "access-time" });
  readonly #progress = h("progress", { attributes: { "aria-hidden": "true" } });
  readonly #ask: Button;
  readonly #cancel: Button;
  readonly #release: Button;
  /** Unattended access outlives the session: it ends in the list of devices. */
  readonly #devices = h("a", { class: "button button-quiet", attributes: { href: hashOf({ page: "devices" }) } });
  readonly element: HTMLElement;
  #isBusy = false;

  constructor(context: Context, source: AccessSource, { capability, ask }: AccessCardOptions) {
    this.#context = context;
    this.#source = source;
    this.#capability = capability;
    this.#asking = ask;
    this.#ask = new Button({ look: "primary", testid: `request-${capability}`, click: () => this.#run(this.#asking) });
    this.#cancel = new Button({ look: "quiet", click: () => this.#giveBack() });
    this.#release = new Button({ look: "quiet", testid: `release-${capability}`, click: () => this.#giveBack() });
    const buttons = [this.#ask.element, this.#cancel.element, this.#release.element, this.#devices];
    const head = h("div", { class: "access-head" }, icon(ICONS[capability]), this.#name, this.#time);
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
    show(this.#release.element, access.kind === "live" && this.#capability !== "unattended");
    show(this.#devices, access.kind === "live" && this.#capability === "unattended");
    setText(this.#devices, t.devices.list);
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
    const next = buttons.find((button) => !button.hidden && !button.disabled);
    (next ?? (this.#devices.hidden ? undefined : this.#devices))?.focus();
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
    const isCounted = access.kind === "live" && this.#capability !== "unattended";
    const expiry = isCounted ? access.request.expires_at : undefined;
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
        return isUnattended(this.#source.model()) ? t.devices.byRules : t.access.asked;
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
      return isUnattended(this.#source.model()) ? t.devices.needsDevice : t.access.needsCustomer;
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
