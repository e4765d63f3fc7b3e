// Asks why, then calls the device: opens the session on a yes, says here which rule says no.
import { ApiError } from "../core/api.ts";
import { refusalText } from "../core/devices.ts";
import { MAX_REASON, type DeviceView } from "../core/protocol.gen.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";

type Problem = { readonly kind: "reason" } | { readonly kind: "refused"; readonly error: ApiError };

export class StartDialog implements View {
  readonly #context: Context;
  readonly #title = h("h2", { attributes: { id: uniqueId("start") } });
  readonly #body = h("p");
  readonly #label = h("label", { class: "label" });
  readonly #reason = h("textarea", { class: "input", testid: "device-reason", attributes: { required: "" } });
  readonly #problem = h("div", { class: "problem", attributes: { role: "alert", id: uniqueId("start-problem") } });
  readonly #cancel: Button;
  readonly #submit: Button;
  readonly element: HTMLDialogElement;
  #device: DeviceView | undefined;
  #trouble: Problem | undefined;
  #isBusy = false;

  constructor(context: Context) {
    this.#context = context;
    Object.assign(this.#reason, { id: uniqueId("device-reason"), rows: 3, maxLength: MAX_REASON });
    this.#label.htmlFor = this.#reason.id;
    this.#cancel = new Button({ look: "quiet", click: () => this.element.close() });
    this.#submit = new Button({ look: "primary", testid: "device-start-confirm", submit: true });
    const actions = h("div", { class: "row row-end" }, this.#cancel.element, this.#submit.element);
    const field = h("div", { class: "field" }, this.#label, this.#reason);
    const form = h("form", { class: "form", attributes: { novalidate: "" } }, field, this.#problem, actions);
    form.addEventListener("submit", (event) => this.#submitted(event));
    const attributes = { "aria-labelledby": this.#title.id };
    this.element = h("dialog", { class: "dialog", attributes }, this.#title, this.#body, form);
  }

  open(device: DeviceView): void {
    this.#device = device;
    this.#trouble = undefined;
    this.#reason.value = "";
    this.render();
    this.element.showModal();
    this.#reason.focus();
  }

  render(): void {
    const { t } = this.#context;
    setText(this.#title, t.devices.startTitle(this.#device?.name ?? ""));
    setText(this.#body, t.devices.startBody);
    setText(this.#label, t.devices.reason);
    this.#cancel.setLabel(t.devices.cancel);
    this.#submit.setLabel(this.#isBusy ? t.devices.calling : t.devices.startNow);
    this.#submit.enabled = !this.#isBusy;
    setText(this.#problem, this.#problemText());
    show(this.#problem, this.#trouble);
    const isReason = this.#trouble?.kind === "reason";
    setAttribute(this.#reason, "aria-invalid", isReason ? "true" : undefined);
    setAttribute(this.#reason, "aria-describedby", isReason ? this.#problem.id : undefined);
  }

  #problemText(): string {
    const { t } = this.#context;
    if (this.#trouble === undefined) {
      return "";
    }
    return this.#trouble.kind === "reason" ? t.devices.reasonMissing : refusalText(this.#trouble.error, t);
  }

  #submitted(event: Event): void {
    event.preventDefault();
    const reason = this.#reason.value.trim();
    if (this.#isBusy || this.#device === undefined) {
      return;
    }
    if (reason === "") {
      this.#trouble = { kind: "reason" };
      this.render();
      return this.#reason.focus();
    }
    this.#start(this.#device, reason);
  }

  #start(device: DeviceView, reason: string): void {
    const { api, open } = this.#context;
    this.#isBusy = true;
    this.#trouble = undefined;
    this.render();
    api
      .openDevice(device.id, reason)
      .then(({ id }) => open({ page: "session", id }))
      .catch((error: unknown) => this.#refused(error))
      .finally(() => {
        this.#isBusy = false;
        this.render();
      });
  }

  /** A notice of the page would lie under this dialog. */
  #refused(error: unknown): void {
    if (error instanceof ApiError && error.code !== "unauthenticated" && this.element.open) {
      this.#trouble = { kind: "refused", error };
      return;
    }
    this.#context.failed(error);
  }
}
