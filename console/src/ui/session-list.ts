// The technician's sessions, newest first, and the way to a new one.
import type { SessionView } from "../core/protocol.gen.ts";
import { Button } from "./button.ts";
import type { Context, Page } from "./context.ts";
import { h, setText, show } from "./dom.ts";
import { dayAndTime } from "./formats.ts";
import { icon } from "./icons.ts";
import { Navigation } from "./navigation.ts";
import { StatePill } from "./state-pill.ts";

const REFRESH_MS = 10_000;

export class SessionListPage implements Page {
  readonly header: readonly Node[];
  readonly #context: Context;
  readonly #navigation: Navigation;
  readonly #title = h("h1");
  readonly #create: Button;
  readonly #heads = [h("th"), h("th"), h("th"), h("th"), h("th")] as const;
  readonly #rows = h("tbody");
  readonly #table = h("table", { class: "sessions" }, h("thead", {}, h("tr", {}, ...this.#heads)), this.#rows);
  readonly #emptyTitle = h("h2");
  readonly #emptyHint = h("p", { class: "muted" });
  readonly #empty = h("div", { class: "empty" }, icon("screen"), this.#emptyTitle, this.#emptyHint);
  readonly #more: Button;
  readonly element: HTMLElement;
  readonly #ended = new AbortController();
  readonly #timer: number;
  #items: readonly SessionView[] | undefined;
  #next: string | undefined;
  #isCreating = false;

  constructor(context: Context) {
    this.#context = context;
    this.#navigation = new Navigation(context, "sessions");
    this.header = [this.#navigation.element];
    this.#create = new Button({ look: "primary", icon: "plus", testid: "new-session", click: () => this.#newSession() });
    this.#more = new Button({ look: "quiet", click: () => this.#loadMore() });
    const head = h("div", { class: "page-head" }, this.#title, this.#create.element);
    const list = h("div", { class: "card list" }, this.#table, this.#empty);
    this.element = h("div", { class: "page" }, head, list, this.#more.element);
    document.addEventListener("visibilitychange", () => this.#refresh(), { signal: this.#ended.signal });
    this.#timer = window.setInterval(() => this.#refresh(), REFRESH_MS);
    this.render();
    this.#refresh();
  }

  render(): void {
    const { t } = this.#context;
    this.#navigation.render();
    setText(this.#title, t.sessions.title);
    this.#create.setLabel(this.#isCreating ? t.sessions.creating : t.sessions.create);
    this.#create.enabled = !this.#isCreating;
    const heads = [t.sessions.state, t.sessions.started, t.sessions.technician, t.sessions.outcome, ""];
    this.#heads.forEach((cell, index) => setText(cell, heads[index] ?? ""));
    setText(this.#emptyTitle, t.sessions.empty);
    setText(this.#emptyHint, t.sessions.emptyHint);
    this.#more.setLabel(t.sessions.more);
    this.#renderItems();
  }

  dispose(): void {
    this.#ended.abort();
    clearInterval(this.#timer);
  }

  #renderItems(): void {
    const items = this.#items ?? [];
    show(this.#empty, this.#items !== undefined && items.length === 0);
    show(this.#table, items.length > 0);
    show(this.#more.element, this.#next !== undefined);
    this.#rows.replaceChildren(...items.map((session) => this.#row(session)));
  }

  #row(session: SessionView): HTMLElement {
    const { t, language } = this.#context;
    const pill = new StatePill();
    pill.render(session, t);
    const started = dayAndTime(session.created_at, language);
    const outcome = session.ended_at == null ? "" : dayAndTime(session.ended_at, language);
    const by = h("span", { class: "muted" }, session.ended_by == null ? "" : ` ${t.by[session.ended_by]}`);
    const ended = h("span", {}, outcome, by);
    const link = h("a", { class: "row-link", attributes: { href: `#/sessions/${session.id}` } }, t.sessions.open);
    link.setAttribute("aria-label", `${t.sessions.open}: ${started}`);
    const mark = h("span", { class: "muted" }, session.device_id == null ? "" : ` (${t.devices.mark})`);
    const who = h("span", {}, session.technician_name, mark);
    const cells = [pill.element, started, who, ended, link];
    return h("tr", {}, ...cells.map((content) => h("td", {}, content)));
  }

  #newSession(): void {
    const { api, created, open, failed } = this.#context;
    this.#isCreating = true;
    this.render();
    api
      .createSession()
      .then((session) => {
        created.set(session.id, session);
        open({ page: "session", id: session.id });
      })
      .catch(failed)
      .finally(() => {
        this.#isCreating = false;
        this.render();
      });
  }

  #refresh(): void {
    if (document.hidden) {
      return;
    }
    const { api, failed } = this.#context;
    api
      .sessions()
      .then(({ items, next }) => {
        const known = new Set(items.map((session) => session.id));
        const older = (this.#items ?? []).filter((session) => !known.has(session.id));
        this.#next = older.length > 0 ? this.#next : (next ?? undefined);
        this.#items = [...items, ...older];
        this.#renderItems();
      })
      .catch((error: unknown) => this.#ended.signal.aborted || failed(error));
  }

  #loadMore(): void {
    const { api, failed } = this.#context;
    api
      .sessions(this.#next)
      .then(({ items, next }) => {
        this.#items = [...(this.#items ?? []), ...items];
        this.#next = next ?? undefined;
        this.#renderItems();
      })
      .catch(failed);
  }
}
