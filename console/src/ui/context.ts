// What every part of the page is given: the API, the texts of the moment, and ways to say something went wrong.
import type { Api, Created } from "../core/api.ts";
import type { Language } from "../core/language.ts";
import type { Route } from "../core/routes.ts";
import type { Texts } from "../core/texts/index.ts";

export interface Context {
  readonly api: Api;
  readonly language: Language;
  /** The texts in the language of the moment: read on every render. */
  readonly t: Texts;
  /** Tells the person about a failed action; signs out where that is the cure. Anything unexpected is thrown on. */
  readonly failed: (error: unknown) => void;
  readonly open: (route: Route) => void;
  /** Codes and links of the sessions created in this tab, never stored. */
  readonly created: Map<string, Created>;
}

/** A part of the page. `render` brings the DOM up to date and may be called at any time. */
export interface View {
  readonly element: HTMLElement;
  render(): void;
}

/** A whole page: what it puts into the header, and its end. */
export interface Page extends View {
  readonly header: readonly Node[];
  dispose(): void;
}
