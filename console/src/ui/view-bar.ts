// How the picture is looked at: fitted or in actual size, full screen, with all keys, with measurements.
import type { Reading } from "../core/meter.ts";
import type { CanvasSlot, Zoom } from "./canvas-slot.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, show } from "./dom.ts";
import type { FullScreen } from "./full-screen.ts";
import { MeterView } from "./meter-view.ts";
import type { RemoteInput } from "./remote-input.ts";
import { ToolButton } from "./tool-button.ts";

export interface ViewBarSource {
  readonly hasControl: () => boolean;
  /** Have readings given to `ViewBar.measured`, or not any more. */
  readonly measure: (isWanted: boolean) => void;
}

export class ViewBar implements View {
  readonly #context: Context;
  readonly #source: ViewBarSource;
  readonly #slot: CanvasSlot;
  readonly #input: RemoteInput;
  readonly #screen: FullScreen;
  readonly #fit = new ToolButton("view-fit", () => this.#setZoom("fit"));
  readonly #actual = new ToolButton("view-actual", () => this.#setZoom("actual"));
  readonly #gauge = new ToolButton("view-meter", () => this.#toggleMeter());
  readonly #grab = new ToolButton("view-grab", () => this.#toggleKeys());
  readonly #full = new ToolButton("view-full", () => this.#toggleFull());
  readonly #meter: MeterView;
  #isMeasuring = false;
  readonly element: HTMLElement;

  constructor(context: Context, source: ViewBarSource, slot: CanvasSlot, input: RemoteInput, screen: FullScreen) {
    this.#context = context;
    this.#source = source;
    this.#slot = slot;
    this.#input = input;
    this.#screen = screen;
    this.#meter = new MeterView(context);
    const tools = [this.#fit, this.#actual, this.#gauge, this.#grab, this.#full];
    this.element = h("div", { class: "view-bar", attributes: { role: "group" } }, ...tools.map((tool) => tool.element));
  }

  /** The measurements, a line of their own. */
  get meter(): HTMLElement {
    return this.#meter.element;
  }

  render(): void {
    const { view } = this.#context.t;
    const { isOn, isPossible, canHaveAllKeys, hasAllKeys } = this.#screen;
    setAttribute(this.element, "aria-label", view.label);
    this.#fit.render("fit", view.fit, this.#slot.zoom === "fit");
    this.#actual.render("actual", view.actual, this.#slot.zoom === "actual");
    this.#gauge.render("gauge", view.meter, this.#isMeasuring);
    this.#grab.render("keyboard", view.grab, hasAllKeys);
    this.#full.render(isOn ? "shrink" : "full", isOn ? view.leaveFull : view.full, isOn);
    show(this.#grab.element, canHaveAllKeys && this.#source.hasControl());
    show(this.#full.element, isPossible);
    this.#slot.setPanLabel(view.pan);
    this.#meter.render();
    show(this.#meter.element, this.#isMeasuring);
  }

  measured(reading: Reading | undefined): void {
    this.#meter.measured(reading);
  }

  #setZoom(zoom: Zoom): void {
    this.#slot.zoom = zoom;
    this.render();
  }

  #toggleMeter(): void {
    this.#isMeasuring = !this.#isMeasuring;
    this.#meter.measured(undefined);
    this.#source.measure(this.#isMeasuring);
    this.render();
  }

  #toggleKeys(): void {
    if (this.#screen.hasAllKeys) {
      return this.#screen.releaseKeys();
    }
    void this.#takeKeys();
  }

  async #takeKeys(): Promise<void> {
    await this.#screen.enter();
    this.#input.focus();
    await this.#screen.takeKeys();
  }

  #toggleFull(): void {
    void (this.#screen.isOn ? this.#screen.leave() : this.#screen.enter());
  }
}
