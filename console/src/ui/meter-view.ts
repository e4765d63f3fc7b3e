// The measurements as one line. Not announced by screen readers: it changes every second.
import type { Reading } from "../core/meter.ts";
import type { Texts } from "../core/texts/index.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { wholeNumber } from "./formats.ts";

const NAMES = ["shown", "latency", "here", "data", "limit"] as const satisfies readonly (keyof Texts["meter"])[];

export class MeterView implements View {
  readonly #context: Context;
  readonly #names = NAMES.map(() => h("dt"));
  readonly #values = NAMES.map((name) => h("dd", { testid: `meter-${name}` }));
  #reading: Reading | undefined;
  readonly element: HTMLElement;

  constructor(context: Context) {
    this.#context = context;
    const items = NAMES.map((_, at) => h("div", {}, this.#names[at]!, this.#values[at]!));
    this.element = h("dl", { class: "meter", testid: "meter" }, ...items);
  }

  measured(reading: Reading | undefined): void {
    this.#reading = reading;
    this.render();
  }

  render(): void {
    const { t } = this.#context;
    setAttribute(this.element, "aria-label", t.meter.label);
    setAttribute(this.#values[NAMES.indexOf("latency")]!, "title", t.meter.latencyHint);
    const isOther = this.#reading?.limit === "device";
    setAttribute(this.#values[NAMES.indexOf("limit")]!, "title", isOther ? t.meter.limitHint : undefined);
    const values = this.#texts();
    NAMES.forEach((name, at) => {
      setText(this.#names[at]!, t.meter[name]);
      setText(this.#values[at]!, values?.[name] ?? t.meter.unknown);
    });
  }

  #texts(): Readonly<Record<(typeof NAMES)[number], string | undefined>> | undefined {
    const { t, language } = this.#context;
    const reading = this.#reading;
    if (reading === undefined) {
      return undefined;
    }
    const number = (value: number): string => wholeNumber(value, language);
    const { framesPerSecond, latencyAtMost: atMost, here, kbitPerSecond, limit } = reading;
    const isStill = framesPerSecond === 0;
    return {
      shown: t.meter.perSecond(number(framesPerSecond)),
      latency: atMost === undefined ? undefined : t.meter.atMost(number(Math.ceil(atMost))),
      here: isStill ? undefined : t.meter.milliseconds(number(here)),
      data: t.meter.kilobits(number(kbitPerSecond)),
      limit: t.meter.by[limit],
    };
  }
}
