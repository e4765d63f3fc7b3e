// The conversation: the transcript, and a field to write. Needs no access, only a customer.
import { mayChat } from "../core/access.ts";
import { MAX_CHAT, type ChatLine } from "../core/protocol.gen.ts";
import { isOver } from "../core/session-state.ts";
import type { AccessSource } from "./access-card.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setAttribute, setText, show } from "./dom.ts";
import { clockTime } from "./formats.ts";

export class ChatPanel implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #empty = h("p", { class: "muted chat-empty" });
  readonly #log = h("div", { class: "chat-log", testid: "chat-log", attributes: { role: "log", tabindex: "0" } });
  readonly #input = h("textarea", { class: "input chat-input", testid: "chat-input", attributes: { rows: "1" } });
  readonly #send = new Button({ look: "primary", icon: "send", testid: "chat-send", submit: true });
  readonly #form = h("form", { class: "chat-form" }, this.#input, this.#send.element);
  readonly element = h("div", { class: "chat" }, this.#empty, this.#log, this.#form);
  readonly #bubbles = new Map<string, Bubble>();
  #isSending = false;
  /** The newest line stays in view unless the person has scrolled up to read. */
  #isPinned = true;

  constructor(context: Context, source: AccessSource) {
    this.#context = context;
    this.#source = source;
    this.#input.maxLength = MAX_CHAT;
    this.#send.element.classList.add("icon-only");
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#input.addEventListener("input", () => this.render());
    this.#log.addEventListener("scroll", () => (this.#isPinned = this.#isAtEnd()));
    new ResizeObserver(() => this.#followEnd()).observe(this.#log);
    this.#input.addEventListener("keydown", (event) => this.#keyDown(event));
  }

  render(): void {
    const { t } = this.#context;
    const model = this.#source.model();
    const isOpen = mayChat(model);
    setAttribute(this.#log, "aria-label", t.chat.label);
    setAttribute(this.#input, "aria-label", t.chat.input);
    setAttribute(this.#input, "placeholder", t.chat.placeholder);
    this.#send.setLabel(t.chat.send);
    this.#input.disabled = !isOpen;
    if (isOver(model.session)) {
      this.#input.value = "";
    }
    this.#send.enabled = isOpen && !this.#isSending && this.#input.value.trim() !== "";
    setText(this.#empty, isOpen || isOver(model.session) ? t.chat.emptyActive : t.chat.empty);
    show(this.#empty, model.chat.length === 0 && !isOver(model.session));
    this.#renderLines(model.chat);
  }

  #renderLines(lines: readonly ChatLine[]): void {
    const isNew = lines.length !== this.#bubbles.size;
    lines.forEach((line, index) => this.#place(line, index));
    if (isNew) {
      this.#followEnd();
    }
  }

  #isAtEnd(): boolean {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
  }

  #followEnd(): void {
    if (this.#isPinned) {
      this.#log.scrollTop = this.#log.scrollHeight;
    }
  }

  #place(line: ChatLine, index: number): void {
    const known = this.#bubbles.get(line.id) ?? new Bubble(line);
    this.#bubbles.set(line.id, known);
    known.render(this.#context);
    if (this.#log.children[index] !== known.element) {
      this.#log.insertBefore(known.element, this.#log.children[index] ?? null);
    }
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    }
  }

  #submitted(event: Event): void {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (text === "" || this.#isSending || !mayChat(this.#source.model())) {
      return;
    }
    this.#say(text);
  }

  /** The text leaves the field only once it is in the transcript. */
  #say(text: string): void {
    const { api, failed } = this.#context;
    this.#isSending = true;
    this.render();
    api
      .say(this.#source.sid, text)
      .then((line) => {
        this.#input.value = this.#input.value.trim() === text ? "" : this.#input.value;
        this.#source.dispatch({ type: "chat", line });
      })
      .catch(failed)
      .finally(() => {
        this.#isSending = false;
        this.render();
        this.#input.focus();
      });
  }
}

/** One line of the transcript. */
class Bubble {
  readonly #line: ChatLine;
  readonly #author = h("span", { class: "bubble-author" });
  readonly #time = h("time", { class: "bubble-time" });
  readonly element: HTMLElement;

  constructor(line: ChatLine) {
    this.#line = line;
    this.#time.dateTime = line.sent_at;
    const head = h("div", { class: "bubble-head" }, this.#author, this.#time);
    const text = h("p", { class: "bubble-text" });
    text.textContent = line.text;
    this.element = h("div", { class: `bubble bubble-${line.party}` }, head, text);
  }

  render({ t, language }: Context): void {
    setText(this.#author, this.#line.party === "customer" ? t.chat.customer : this.#line.author);
    setText(this.#time, clockTime(this.#line.sent_at, language));
  }
}
