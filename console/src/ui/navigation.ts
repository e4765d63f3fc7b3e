// The ways between the lists; the one shown now is named as such.
import { hashOf } from "../core/routes.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";

type Place = "sessions" | "devices";
const PLACES: readonly Place[] = ["sessions", "devices"];

export class Navigation implements View {
  readonly #context: Context;
  readonly #links: readonly HTMLAnchorElement[];
  readonly element: HTMLElement;

  constructor(context: Context, here: Place) {
    this.#context = context;
    this.#links = PLACES.map((page) => {
      const attributes = { href: hashOf({ page }), ...(page === here ? { "aria-current": "page" } : {}) };
      return h("a", { class: "navigation-link", testid: `to-${page}`, attributes });
    });
    this.element = h("nav", { class: "navigation" }, ...this.#links);
  }

  render(): void {
    const { t } = this.#context;
    setAttribute(this.element, "aria-label", t.navigation);
    this.#links.forEach((link, index) => setText(link, t[PLACES[index] ?? "sessions"].title));
  }
}
