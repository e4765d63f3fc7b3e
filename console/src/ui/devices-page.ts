// The organisation's enrolled devices: whether one may come in now, and the ways to come in and to give it up.
import { inOrder, matching } from "../core/devices.ts";
import type { DeviceView } from "../core/protocol.gen.ts";
import { Button } from "./button.ts";
import { ConfirmDialog } from "./confirm-dialog.ts";
import type { Context, Page } from "./context.ts";
import { DeviceRow } from "./device-row.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { icon } from "./icons.ts";
import { Navigation } from "./navigation.ts";
import { StartDialog } from "./start-dialog.ts";

const REFRESH_MS = 10_000;
/** So many are drawn at first, and so many more each time; all of them are found by the filter. */
const AT_ONCE = 100;

export class DevicesPage implements Page {
  readonly #context: Context;
  readonly #navigation: Navigation;
  readonly #title = h("h1", { attributes: { tabindex: "-1" } });
  readonly #filter = h("input", { class: "input filter", testid: "device-filter", attributes: { type: "search" } });
  readonly #list = h("ul", { class: "devices" });
  readonly #more: Button;
  readonly #emptyTitle = h("h2");
  readonly #emptyHint = h("p", { class: "muted" });
  readonly #empty = h("div", { class: "card empty" }, icon("screen"), this.#emptyTitle, this.#emptyHint);
  readonly #start: StartDialog;
  readonly #giveUp: ConfirmDialog;
  readonly #rows = new Map<string, DeviceRow>();
  readonly #ended = new AbortController();
  readonly #timer: number;
  readonly header: readonly Node[];
  readonly element: HTMLElement;
  #items: readonly DeviceView[] | undefined;
  #most = AT_ONCE;
  /** What the dialog about giving up is about. */
  #chosen: DeviceView | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#navigation = new Navigation(context, "devices");
    this.header = [this.#navigation.element];
    this.#start = new StartDialog(context);
    this.#giveUp = this.#newGiveUp();
    this.#more = new Button({ look: "quiet", testid: "devices-more", click: () => this.#showMore() });
    this.#filter.addEventListener("input", () => this.#renderItems());
    const head = h("div", { class: "page-head" }, this.#title, this.#filter);
    const dialogs = [this.#start.element, this.#giveUp.element];
    this.element = h("div", { class: "page" }, head, this.#list, this.#more.element, this.#empty, ...dialogs);
    document.addEventListener("visibilitychange", () => this.#refresh(), { signal: this.#ended.signal });
    this.#timer = window.setInterval(() => this.#refresh(), REFRESH_MS);
    this.render();
    this.#refresh();
  }

  render(): void {
    const { t } = this.#context;
    this.#navigation.render();
    setText(this.#title, t.devices.title);
    setAttribute(this.#filter, "aria-label", t.devices.filter);
    setAttribute(this.#filter, "placeholder", t.devices.filter);
    this.#more.setLabel(t.sessions.more);
    this.#start.render();
    this.#giveUp.render();
    this.#renderItems();
  }

  dispose(): void {
    this.#ended.abort();
    clearInterval(this.#timer);
  }

  #newGiveUp(): ConfirmDialog {
    return new ConfirmDialog({
      icon: "stop",
      testid: "device-give-up",
      texts: () => {
        const { devices: t } = this.#context.t;
        const title = t.giveUpTitle(this.#chosen?.name ?? "");
        return { title, body: t.giveUpBody, confirm: t.giveUpNow, cancel: t.cancel };
      },
      confirmed: () => this.#giveUpNow(),
    });
  }

  #renderItems(): void {
    const { t } = this.#context;
    const items = this.#items ?? [];
    const found = inOrder(matching(items, this.#filter.value));
    const shown = found.slice(0, this.#most);
    show(this.#filter, items.length > 0);
    show(this.#list, shown.length > 0);
    show(this.#more.element, found.length > shown.length);
    show(this.#empty, this.#items !== undefined && shown.length === 0);
    setText(this.#emptyTitle, items.length === 0 ? t.devices.empty : t.devices.noMatch);
    setText(this.#emptyHint, items.length === 0 ? t.devices.emptyHint : t.devices.noMatchHint);
    this.#place(shown.map((device) => this.#row(device).element));
  }

  /** The focus goes on to the first of those that were not there before. */
  #showMore(): void {
    const before = this.#list.children.length;
    this.#most += AT_ONCE;
    this.#renderItems();
    this.#list.children[before]?.querySelector("button")?.focus();
  }

  /** Elements that stay where they are keep the focus. */
  #place(elements: readonly HTMLElement[]): void {
    const isSame = elements.length === this.#list.children.length;
    if (!isSame || elements.some((element, index) => this.#list.children[index] !== element)) {
      this.#list.replaceChildren(...elements);
    }
  }

  #row(device: DeviceView): DeviceRow {
    const known = this.#rows.get(device.id);
    const row = known ?? new DeviceRow(this.#context, device, this.#actions);
    this.#rows.set(device.id, row);
    row.update(device);
    return row;
  }

  readonly #actions = {
    start: (device: DeviceView): void => this.#start.open(device),
    giveUp: (device: DeviceView): void => {
      this.#chosen = device;
      this.#giveUp.open();
    },
  };

  #giveUpNow(): void {
    const { api, failed } = this.#context;
    const device = this.#chosen;
    if (device === undefined) {
      return;
    }
    api
      .giveUpDevice(device.id)
      .then((after) => {
        this.#items = this.#items?.map((item) => (item.id === after.id ? after : item));
        this.#renderItems();
        this.#title.focus();
      })
      .catch(failed);
  }

  #refresh(): void {
    if (document.hidden) {
      return;
    }
    const { api, failed } = this.#context;
    api
      .devices()
      .then((items) => {
        this.#items = items;
        this.#renderItems();
      })
      .catch((error: unknown) => this.#ended.signal.aborted || failed(error));
  }
}
