// Says in an unattended session whose computer this is and why the technician is there.
import { isUnattended } from "../core/access.ts";
import { ApiError } from "../core/api.ts";
import type { SessionModel } from "../core/session-state.ts";
import type { Context, View } from "./context.ts";
import { h, setText, show, uniqueId } from "./dom.ts";

export class DeviceNote implements View {
  readonly #context: Context;
  readonly #model: () => SessionModel;
  readonly #title = h("h2", { attributes: { id: uniqueId("device-note") } });
  readonly #deviceLabel = h("dt");
  readonly #device = h("dd");
  readonly #reasonLabel = h("dt");
  readonly #reason = h("dd");
  readonly #facts = h("dl", { class: "facts" }, this.#deviceLabel, this.#device, this.#reasonLabel, this.#reason);
  readonly element: HTMLElement;
  /** The device asked about, and its name when that is known. */
  #asked: string | undefined;
  #name: string | undefined;
  #isUnknown = false;

  constructor(context: Context, model: () => SessionModel) {
    this.#context = context;
    this.#model = model;
    const attributes = { "aria-labelledby": this.#title.id };
    this.element = h("section", { class: "device-note", testid: "device-note", attributes }, this.#title, this.#facts);
  }

  render(): void {
    const { t } = this.#context;
    const { session } = this.#model();
    show(this.element, isUnattended(this.#model()));
    setText(this.#title, t.devices.session);
    setText(this.#deviceLabel, t.devices.device);
    setText(this.#device, this.#isUnknown ? t.devices.unknownDevice : (this.#name ?? "…"));
    setText(this.#reasonLabel, t.devices.sessionReason);
    setText(this.#reason, session?.reason ?? "");
    this.#learn(session?.device_id ?? undefined);
  }

  #learn(id: string | undefined): void {
    if (id === undefined || id === this.#asked) {
      return;
    }
    this.#asked = id;
    const { api, failed } = this.#context;
    api
      .device(id)
      .then(({ name }) => (this.#name = name))
      .catch((error: unknown) => {
        this.#isUnknown = error instanceof ApiError && error.code === "not_found";
        if (!this.#isUnknown) {
          failed(error);
        }
      })
      .finally(() => this.render());
  }
}
