// One enrolled device: what was allowed, whether it holds now, and what can be done.
import { forWhom, OVER, standingOf } from "../core/devices.ts";
import type { DeviceView } from "../core/protocol.gen.ts";
import { hoursText } from "../core/terms.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";
import { dayAndTime } from "./formats.ts";

export interface DeviceActions {
  readonly start: (device: DeviceView) => void;
  readonly giveUp: (device: DeviceView) => void;
}

const FACTS = ["until", "for", "hours", "enrolled"] as const;
type Fact = (typeof FACTS)[number];

export class DeviceRow implements View {
  readonly #context: Context;
  readonly #name = h("h2", { attributes: { id: uniqueId("device") } });
  readonly #platform = h("span", { class: "muted" });
  readonly #standing = h("span");
  readonly #pill = h("span", { class: "pill" }, h("span", { class: "pill-dot" }), this.#standing);
  readonly #seen = h("span", { class: "muted device-seen" });
  readonly #terms = FACTS.map(() => [h("dt"), h("dd")] as const);
  readonly #verdict = h("p", { class: "verdict", attributes: { id: uniqueId("verdict") } });
  readonly #start: Button;
  readonly #giveUp: Button;
  readonly element: HTMLElement;
  #device: DeviceView;

  constructor(context: Context, device: DeviceView, actions: DeviceActions) {
    this.#context = context;
    this.#device = device;
    this.#start = new Button({ look: "primary", testid: "device-start", click: () => actions.start(this.#device) });
    this.#giveUp = new Button({ look: "danger", testid: "device-give-up", click: () => actions.giveUp(this.#device) });
    this.#start.element.setAttribute("aria-describedby", this.#verdict.id);
    const title = h("div", { class: "device-title" }, this.#name, this.#platform);
    const head = h("div", { class: "device-head" }, title, this.#pill, this.#seen);
    const facts = h("dl", { class: "facts" }, ...this.#terms.flat());
    const actionRow = h("div", { class: "row" }, this.#start.element, this.#giveUp.element);
    const foot = h("div", { class: "device-foot" }, this.#verdict, actionRow);
    const attributes = { "aria-labelledby": this.#name.id, "data-device": device.id };
    const article = h("article", { class: "card device", testid: "device", attributes }, head, facts, foot);
    this.element = h("li", {}, article);
  }

  update(device: DeviceView): void {
    this.#device = device;
    this.render();
  }

  render(): void {
    const { t } = this.#context;
    const standing = standingOf(this.#device);
    const isOver = OVER[this.#device.state];
    setText(this.#name, this.#device.name);
    setText(this.#platform, this.#device.platform);
    setAttribute(this.#pill, "data-state", standing);
    setText(this.#standing, t.devices.standing[standing]);
    setText(this.#seen, this.#seenText());
    this.#renderFacts();
    this.#renderVerdict();
    this.#renderButton(this.#start, t.devices.start, t.devices.startAt(this.#device.name));
    this.#renderButton(this.#giveUp, t.devices.giveUp, t.devices.giveUpAt(this.#device.name));
    this.#start.enabled = this.#device.refused == null;
    show(this.#start.element, !isOver);
    show(this.#giveUp.element, !isOver);
    this.element.classList.toggle("is-over", isOver);
  }

  /** Which device it is about is heard, not only seen. */
  #renderButton(button: Button, label: string, name: string): void {
    button.setLabel(label);
    setAttribute(button.element, "aria-label", name);
  }

  #seenText(): string {
    const { t, language } = this.#context;
    const { online, last_seen_at: seen } = this.#device;
    if (online) {
      return this.#device.state === "enrolled" ? "" : t.devices.connected;
    }
    return seen == null ? t.devices.neverSeen : t.devices.lastSeen(dayAndTime(seen, language));
  }

  #renderFacts(): void {
    const { t } = this.#context;
    const names = { ...t.devices, until: OVER[this.#device.state] ? t.devices.ended : t.devices.until };
    FACTS.forEach((fact, index) => {
      const [name, value] = this.#terms[index] ?? [];
      if (name !== undefined && value !== undefined) {
        setText(name, names[fact]);
        setText(value, this.#factText(fact));
      }
    });
  }

  #factText(fact: Fact): string {
    const { t, language } = this.#context;
    const device = this.#device;
    const texts: Readonly<Record<Fact, string>> = {
      until: dayAndTime(device.until, language),
      for: forWhom(device, t),
      hours: `${hoursText(device, t, language)} (${device.zone})`,
      enrolled: t.devices.enrolledBy(dayAndTime(device.enrolled_at, language), device.enrolled_by),
    };
    return texts[fact];
  }

  #renderVerdict(): void {
    const { t } = this.#context;
    const { refused, state } = this.#device;
    const rule = refused ?? (OVER[state] && state !== "enrolled" && state !== "paused" ? state : undefined);
    setAttribute(this.#verdict, "data-may", String(rule == null));
    const isNow = !OVER[state];
    const no = rule == null ? "" : isNow ? `${t.devices.mayNot} ${t.devices.rule[rule]}` : t.devices.rule[rule];
    setText(this.#verdict, rule == null ? t.devices.may : no);
  }
}
