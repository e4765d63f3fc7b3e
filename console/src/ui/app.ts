// The frame around every page: who is signed in, which page is shown, which language is spoken.
import { Api, ApiError, type Created } from "../core/api.ts";
import { LANGUAGES, languageFor, type Language } from "../core/language.ts";
import { assertNever } from "../core/never.ts";
import { hashOf, routeOf, type Route } from "../core/routes.ts";
import { TEXTS, type Texts } from "../core/texts/index.ts";
import { Button } from "./button.ts";
import type { Context, Page } from "./context.ts";
import { DevicesPage } from "./devices-page.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { send } from "./http.ts";
import { mark } from "./icons.ts";
import { Notices } from "./notices.ts";
import { SessionListPage } from "./session-list.ts";
import { SessionPage } from "./session-page.ts";
import { SignInPage } from "./sign-in.ts";
import { storedLanguage, storedToken, storeLanguage, storeToken } from "./storage.ts";

export class App implements Context {
  readonly api = new Api({ send, newId: () => newId(), now: () => Date.now() }, storedToken());
  readonly created = new Map<string, Created>();
  language: Language = storedLanguage() ?? languageFor(navigator.languages);
  readonly #notices = new Notices();
  readonly #skip = h("a", { class: "skip", attributes: { href: "#main" } });
  readonly #slot = h("div", { class: "header-slot" });
  readonly #languages = LANGUAGES.map((language) => this.#languageButton(language));
  readonly #switch = h("div", { class: "switch", attributes: { role: "group" } }, ...this.#languages);
  readonly #signOut = new Button({ look: "plain", icon: "leave", click: () => this.#leave() });
  readonly #main = h("main", { attributes: { id: "main", tabindex: "-1" } });
  #page: Page | undefined;

  constructor(root: HTMLElement) {
    const brand = h("a", { class: "brand", attributes: { href: "#/sessions" } }, mark(), h("span", {}, "Beistand"));
    const header = h("header", { class: "header" }, brand, this.#slot, this.#switch, this.#signOut.element);
    this.#skip.addEventListener("click", (event) => this.#skipToMain(event));
    this.#signOut.element.classList.add("icon-only");
    root.append(this.#skip, header, this.#notices.element, this.#main);
    window.addEventListener("hashchange", () => this.#show());
    window.addEventListener("pagehide", () => this.#close());
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#show());
    this.#show();
  }

  get t(): Texts {
    return TEXTS[this.language];
  }

  readonly failed = (error: unknown): void => {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    if (error.code === "unauthenticated") {
      return this.#signedOut();
    }
    this.#notices.say(this.t.failure[error.code]);
  };

  readonly open = (route: Route): void => {
    location.hash = hashOf(route);
  };

  #show(): void {
    this.#notices.clear();
    if (this.api.token === undefined) {
      this.#replace(new SignInPage(this, () => this.#signedIn()));
      return;
    }
    this.#replace(this.#newPage(routeOf(location.hash)));
  }

  #newPage(route: Route): Page {
    switch (route.page) {
      case "sessions":
        return new SessionListPage(this);
      case "devices":
        return new DevicesPage(this);
      case "session":
        return new SessionPage(this, route.id);
      default:
        return assertNever(route);
    }
  }

  /** A browser may keep a page that was left, to bring it back: no picture and no text is kept with it. */
  #close(): void {
    this.#page?.dispose();
    this.#page = undefined;
    this.#slot.replaceChildren();
    this.#main.replaceChildren();
  }

  #replace(page: Page): void {
    this.#close();
    this.#page = page;
    this.#slot.replaceChildren(...page.header);
    this.#main.replaceChildren(page.element);
    this.#render();
    if (page instanceof SignInPage) {
      page.focus();
    }
  }

  #render(): void {
    document.documentElement.lang = this.language;
    setText(this.#skip, this.t.skip);
    setAttribute(this.#switch, "aria-label", this.t.language);
    this.#languages.forEach((button) => setAttribute(button, "aria-pressed", String(button.lang === this.language)));
    this.#signOut.setLabel(this.t.signOut);
    setAttribute(this.#signOut.element, "title", this.t.signOut);
    show(this.#signOut.element, this.api.token !== undefined);
    this.#notices.render(this.t);
    this.#page?.render();
  }

  #languageButton(language: Language): HTMLButtonElement {
    const properties = { testid: `language-${language}`, attributes: { type: "button", lang: language } };
    const button = h("button", properties, language.toUpperCase());
    button.addEventListener("click", () => {
      this.language = language;
      storeLanguage(language);
      this.#render();
    });
    return button;
  }

  #skipToMain(event: Event): void {
    event.preventDefault();
    this.#main.focus();
  }

  #signedIn(): void {
    storeToken(this.api.token);
    this.#show();
  }

  #leave(): void {
    this.#forget();
    location.hash = "";
    this.#show();
  }

  /** The page stays where it was in the address, so that signing in again leads back to it. */
  #signedOut(): void {
    this.#forget();
    const page = new SignInPage(this, () => this.#signedIn());
    this.#replace(page);
    page.explainExpiry();
  }

  #forget(): void {
    this.api.token = undefined;
    storeToken(undefined);
    this.created.clear();
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without https. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
