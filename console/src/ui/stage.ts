// The picture's place: canvas, what lies over it where there is no picture, and a line about who holds the mouse.
import { overlayOf, type Overlay } from "../core/access.ts";
import type { Reading } from "../core/meter.ts";
import { isOver, type SessionModel } from "../core/session-state.ts";
import { overlayNotice } from "../core/texts/index.ts";
import { hasControl, isHeld, monitorsOf, type ViewerState } from "../core/viewer-state.ts";
import { Button } from "./button.ts";
import type { CanvasSlot } from "./canvas-slot.ts";
import { CodeCard } from "./code-card.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { FullScreen } from "./full-screen.ts";
import { setIcon, type IconName } from "./icons.ts";
import { MonitorPicker } from "./monitor-picker.ts";
import { Panning } from "./panning.ts";
import type { RemoteInput } from "./remote-input.ts";
import { ViewBar } from "./view-bar.ts";

export interface StageSource {
  readonly sid: string;
  readonly model: () => SessionModel;
  readonly viewer: () => ViewerState;
  /** Have `Stage.measured` told once a second how the picture is doing, or not any more. */
  readonly measure: (isWanted: boolean) => void;
  readonly choose: (monitor: number) => void;
}

const ICONS: Readonly<Record<Overlay["kind"], IconName>> = {
  picture: "screen",
  loading: "clock",
  waiting: "clock",
  coming: "clock",
  ended: "check",
  expired: "clock",
  suspended: "offline",
  unsupported: "close",
  paused: "pause",
  connecting: "screen",
  lost: "offline",
  asked: "clock",
  denied: "hand",
  timed_out: "clock",
  stopped: "stop",
  no_access: "eye",
};

export class Stage implements View {
  readonly #context: Context;
  readonly #source: StageSource;
  readonly #slot: CanvasSlot;
  readonly #input: RemoteInput;
  readonly #icon = h("div", { class: "overlay-icon" });
  readonly #title = h("h2");
  readonly #body = h("p");
  readonly #back: Button;
  readonly #receipt = h("a", { class: "button button-quiet", attributes: { href: "/verify.html", target: "_blank", rel: "noopener" } });
  readonly #notice: HTMLElement;
  readonly #code: CodeCard;
  readonly #overlay: HTMLElement;
  readonly #banner = h("div", { class: "banner", attributes: { role: "status" } });
  readonly #hint = h("span");
  readonly #keys = h("kbd");
  readonly #wayOut = h("span");
  readonly #leave = h("span", { class: "way-out" }, this.#keys, " ", this.#wayOut);
  readonly #size = h("span", { class: "size" });
  readonly #strip: HTMLElement;
  readonly #screen: FullScreen;
  readonly #bar: ViewBar;
  readonly #monitors: MonitorPicker;
  readonly element: HTMLElement;

  constructor(context: Context, source: StageSource, slot: CanvasSlot, input: RemoteInput) {
    this.#context = context;
    this.#source = source;
    this.#slot = slot;
    this.#input = input;
    this.#code = new CodeCard(context, source.sid);
    this.#back = new Button({ look: "quiet", icon: "back", click: () => context.open({ page: "sessions" }) });
    const text = h("div", { attributes: { "aria-live": "polite" } }, this.#title, this.#body);
    this.#notice = h("div", { class: "overlay-notice" }, this.#icon, text, this.#back.element, this.#receipt);
    this.#overlay = h("div", { class: "overlay", testid: "overlay" }, this.#notice, this.#code.element);
    const hints = h("p", { class: "strip-text" }, this.#hint, " ", this.#leave);
    this.#strip = h("div", { class: "strip" }, h("span", { class: "strip-dot" }), hints, this.#size);
    const view = h("div", { class: "stage-view" }, slot.element, this.#overlay, this.#banner);
    this.element = h("section", { class: "stage" }, view, this.#strip);
    this.#screen = new FullScreen(this.element, () => this.render());
    const hasMouse = (): boolean => hasControl(source.viewer());
    this.#bar = new ViewBar(context, { hasControl: hasMouse, measure: source.measure }, slot, input, this.#screen);
    new Panning(slot, () => !hasMouse());
    this.#monitors = new MonitorPicker(context, {
      monitors: () => monitorsOf(source.viewer()),
      shown: () => slot.monitor,
      choose: source.choose,
    });
    this.#strip.append(this.#monitors.element, this.#bar.element);
    this.element.append(this.#bar.meter);
  }

  measured(reading: Reading | undefined): void {
    this.#bar.measured(reading);
  }

  /** The keyboard was handed back to the page. */
  async left(): Promise<void> {
    await this.#screen.leave();
  }

  dispose(): void {
    this.#screen.dispose();
  }

  render(): void {
    const model = this.#source.model();
    const overlay = overlayOf(model, this.#source.viewer());
    setAttribute(this.element, "data-overlay", overlay.kind);
    setAttribute(this.element, "aria-label", this.#context.t.stage.label);
    this.#slot.setLabel(this.#context.t.stage.label);
    this.#input.setLabel(this.#context.t.stage.keyboard);
    this.#renderOverlay(overlay, model);
    this.#renderBanner(model);
    this.#renderStrip(overlay);
    this.#bar.render();
    this.#monitors.render();
  }

  #renderOverlay(overlay: Overlay, model: SessionModel): void {
    const { t } = this.#context;
    const notice = overlayNotice(overlay, t);
    const hasCode = this.#code.follow(model.session);
    this.#code.render();
    show(this.#overlay, notice !== undefined);
    show(this.#notice, !hasCode);
    setIcon(this.#icon, ICONS[overlay.kind]);
    setText(this.#title, notice?.title ?? "");
    setText(this.#body, notice?.body ?? "");
    show(this.#back.element, isOver(model.session));
    this.#back.setLabel(t.sessions.back);
    setText(this.#receipt, t.stage.checkReceipt);
    show(this.#receipt, overlay.kind === "ended");
  }

  #renderBanner(model: SessionModel): void {
    const isLost = model.link === "lost" && !isOver(model.session);
    setText(this.#banner, isLost ? this.#context.t.stage.reconnecting : "");
    show(this.#banner, isLost);
  }

  #renderStrip(overlay: Overlay): void {
    const { t } = this.#context;
    const mode = this.#mode();
    const hints = {
      view: t.stage.viewOnly,
      held: t.stage.customerFirst,
      ready: t.stage.clickToControl,
      control: t.stage.controlling,
    };
    const { width, height } = this.#slot.picture;
    setAttribute(this.#strip, "data-mode", mode);
    this.#strip.classList.toggle("is-empty", overlay.kind !== "picture");
    if (!this.#input.hasFocus) {
      this.#screen.releaseKeys();
    }
    setText(this.#hint, this.#screen.hasAllKeys ? t.view.grabbing : hints[mode]);
    setText(this.#keys, t.stage.keys);
    setText(this.#wayOut, t.stage.wayOut);
    show(this.#leave, mode === "control");
    setText(this.#size, width > 0 ? `${width} × ${height}` : "");
  }

  #mode(): "view" | "held" | "ready" | "control" {
    const viewer = this.#source.viewer();
    if (!hasControl(viewer)) {
      return "view";
    }
    return isHeld(viewer) ? "held" : this.#input.hasFocus ? "control" : "ready";
  }
}
