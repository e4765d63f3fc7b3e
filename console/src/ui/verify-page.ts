// The page on which anybody can check a receipt: no sign-in, no request; the file never leaves the browser.
import { LANGUAGES, languageFor, type Language } from "../core/language.ts";
import { MAX_CHARACTERS, verify, type ExpectedKeys, type Verdict } from "../core/receipt.ts";
import { VERIFY_TEXTS } from "../core/verify-texts.ts";
import { h, setAttribute, setText, show, uniqueId } from "./dom.ts";
import { icon, mark } from "./icons.ts";
import { storedLanguage, storeLanguage } from "./storage.ts";
import { storyView, verdictView } from "./story-view.ts";
import { canVerify, webCrypto } from "./web-crypto.ts";

export class VerifyPage {
  readonly #skip = h("a", { class: "skip", attributes: { href: "#main" } });
  readonly #languages = LANGUAGES.map((language) => this.#languageButton(language));
  readonly #switch = h("div", { class: "switch", attributes: { role: "group" } }, ...this.#languages);
  readonly #title = h("h1");
  readonly #intro = h("p", { class: "muted" });
  readonly #file = h("input", { class: "file-input", testid: "receipt-file", attributes: { type: "file", id: "receipt-file", accept: ".json,application/json" } });
  readonly #choose = h("span", { class: "button-label" });
  readonly #drop = h("span", { class: "muted" });
  readonly #private = h("p", { class: "muted" });
  readonly #keys = h("summary");
  readonly #keysHint = h("p", { class: "muted" });
  readonly #agentKey = keyField("agent-key");
  readonly #consentKey = keyField("consent-key");
  readonly #cannot = h("div", { class: "card verdict verdict-bad", testid: "cannot-verify", attributes: { role: "alert" } });
  readonly #result = h("div", { class: "result", testid: "result", attributes: { "aria-live": "polite" } });
  readonly #story = h("div", { testid: "story" });
  #language: Language = storedLanguage() ?? languageFor(navigator.languages);
  #source: string | undefined;
  #verdict: Verdict | undefined;
  #canVerify = true;
  #run = 0;

  constructor(root: HTMLElement) {
    const header = h("header", { class: "header" }, h("span", { class: "brand" }, mark(), h("span", {}, "Beistand")));
    header.append(h("span", { class: "spacer" }), this.#switch);
    const main = h("main", { attributes: { id: "main", tabindex: "-1" } });
    main.append(h("div", { class: "page" }, this.#title, this.#intro, this.#cannot, this.#dropZone(), this.#result, this.#story));
    root.append(this.#skip, header, main);
    this.#listen();
    this.#render();
    void canVerify().then((can) => {
      this.#canVerify = can;
      this.#render();
    });
  }

  #dropZone(): HTMLElement {
    const button = h("label", { class: "button button-primary", attributes: { for: "receipt-file" } }, icon("check"), this.#choose);
    const choose = h("div", { class: "row drop-row" }, this.#file, button, this.#drop);
    const fields = h("div", { class: "key-fields" }, this.#keysHint, this.#agentKey.element, this.#consentKey.element);
    const keys = h("details", { class: "keys" }, this.#keys, fields);
    return h("section", { class: "card drop-zone", testid: "drop-zone" }, choose, this.#private, keys);
  }

  /** A file dropped beside the field would otherwise be opened instead of this page. */
  #listen(): void {
    this.#file.addEventListener("change", () => this.#read(this.#file.files?.[0]));
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("is-dragging");
    });
    document.addEventListener("dragleave", () => document.body.classList.remove("is-dragging"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("is-dragging");
      this.#read(event.dataTransfer?.files[0]);
    });
    for (const { input } of [this.#agentKey, this.#consentKey]) {
      input.addEventListener("input", () => this.#check());
    }
  }

  #read(file: File | undefined): void {
    if (file === undefined) {
      return;
    }
    this.#source = undefined;
    this.#verdict = undefined;
    const run = (this.#run += 1);
    const text = file.size > MAX_CHARACTERS ? Promise.resolve("") : file.text().catch(() => "");
    void text.then((source) => {
      if (run === this.#run) {
        this.#source = source;
        this.#check();
      }
    });
    this.#render();
  }

  #check(): void {
    const source = this.#source;
    if (source === undefined || !this.#canVerify) {
      return;
    }
    const run = (this.#run += 1);
    void verify(source, webCrypto, this.#expected()).then((verdict) => {
      if (run === this.#run) {
        this.#verdict = verdict;
        this.#render();
      }
    });
  }

  #expected(): ExpectedKeys {
    const [agent, consent] = [this.#agentKey.input.value.trim(), this.#consentKey.input.value.trim()];
    return { ...(agent === "" ? {} : { agent_key: agent }), ...(consent === "" ? {} : { consent_key: consent }) };
  }

  #render(): void {
    const t = VERIFY_TEXTS[this.#language];
    document.documentElement.lang = this.#language;
    document.title = t.documentTitle;
    setAttribute(this.#switch, "aria-label", t.language);
    this.#languages.forEach((button) => setAttribute(button, "aria-pressed", String(button.lang === this.#language)));
    const texts: readonly (readonly [Element, string])[] = [
      [this.#skip, t.skip], [this.#title, t.title], [this.#intro, t.intro], [this.#choose, t.choose], [this.#drop, t.drop],
      [this.#private, t.private], [this.#keys, t.keys], [this.#keysHint, t.keysHint],
      [this.#agentKey.label, t.agentKey], [this.#consentKey.label, t.consentKey],
    ];
    texts.forEach(([element, text]) => setText(element, text));
    this.#cannot.replaceChildren(h("h2", {}, t.cannot), h("p", {}, t.cannotHint));
    show(this.#cannot, !this.#canVerify);
    this.#file.disabled = !this.#canVerify;
    this.#renderResult();
  }

  #renderResult(): void {
    const isChosen = this.#verdict !== undefined || this.#run > 0;
    show(this.#result, isChosen && this.#canVerify);
    show(this.#story, this.#verdict !== undefined);
    if (this.#verdict === undefined) {
      this.#result.replaceChildren(h("p", { class: "muted" }, VERIFY_TEXTS[this.#language].checking));
      return;
    }
    this.#result.replaceChildren(verdictView(this.#verdict, this.#language));
    this.#story.replaceChildren(...storyView(this.#verdict, this.#language));
  }

  #languageButton(language: Language): HTMLButtonElement {
    const properties = { testid: `language-${language}`, attributes: { type: "button", lang: language } };
    const button = h("button", properties, language.toUpperCase());
    button.addEventListener("click", () => {
      this.#language = language;
      storeLanguage(language);
      this.#render();
    });
    return button;
  }
}

function keyField(testid: string) {
  const id = uniqueId("key");
  const input = h("input", { class: "input key-input", testid, attributes: { id, type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false" } });
  const label = h("label", { class: "label", attributes: { for: id } });
  return { element: h("div", { class: "field" }, label, input), label, input };
}
