// Asks for unattended access: who, until when, on which days, at which hours. The person reads exactly this.
import { ApiError } from "../core/api.ts";
import { MAX_REASON, type RequestView } from "../core/protocol.gen.ts";
import { dayIn, MAX_DAYS, problemOf, termsOf, usualTerms, WEEK, weekday, type TermsForm, type TermsProblem } from "../core/terms.ts";
import type { AccessSource } from "./access-card.ts";
import { Button } from "./button.ts";
import type { Context, View } from "./context.ts";
import { h, setText, show, uniqueId } from "./dom.ts";
import { Choices, Field } from "./fields.ts";
import { fullDay } from "./formats.ts";

const ALL_DAY = "all-day";

type Trouble = TermsProblem | ApiError;

export class TermsDialog implements View {
  readonly #context: Context;
  readonly #source: AccessSource;
  readonly #title = h("h2", { attributes: { id: uniqueId("terms") } });
  readonly #body = h("p");
  readonly #reason = new Field("textarea", "terms-reason");
  readonly #who = new Choices("radio", "terms-who", ["me", "everybody"]);
  readonly #lastDay = new Field("input", "terms-last-day", "date");
  readonly #days = new Choices("checkbox", "terms-day", WEEK.map(String));
  readonly #allDay = new Choices("checkbox", "terms-hours", [ALL_DAY]);
  readonly #from = new Field("input", "terms-from", "time");
  readonly #to = new Field("input", "terms-to", "time");
  readonly #times = h("div", { class: "times" }, this.#from.element, this.#to.element);
  readonly #problem = h("div", { class: "problem", attributes: { role: "alert" } });
  readonly #cancel: Button;
  readonly #submit: Button;
  readonly element: HTMLDialogElement;
  #trouble: Trouble | undefined;
  #isBusy = false;

  constructor(context: Context, source: AccessSource) {
    this.#context = context;
    this.#source = source;
    Object.assign(this.#reason.control, { rows: 3, maxLength: MAX_REASON });
    this.#cancel = new Button({ look: "quiet", click: () => this.element.close() });
    this.#submit = new Button({ look: "primary", testid: "terms-confirm", submit: true });
    const actions = h("div", { class: "row row-end" }, this.#cancel.element, this.#submit.element);
    const form = h("form", { class: "form", attributes: { novalidate: "" } });
    form.append(this.#reason.element, this.#who.element, this.#lastDay.element, this.#days.element);
    form.append(this.#allDay.element, this.#times, this.#problem, actions);
    form.addEventListener("submit", (event) => this.#submitted(event));
    form.addEventListener("change", () => this.render());
    const attributes = { "aria-labelledby": this.#title.id };
    this.element = h("dialog", { class: "dialog terms", attributes }, this.#title, this.#body, form);
  }

  /** What is asked is dispatched by the dialog itself. */
  open(): Promise<undefined> {
    this.#fill(usualTerms(this.#context.api.now()));
    this.#reason.control.value = this.#context.t.devices.ask.defaultReason;
    this.#trouble = undefined;
    this.render();
    this.element.showModal();
    this.#reason.control.focus();
    return Promise.resolve(undefined);
  }

  render(): void {
    const { t } = this.#context;
    const { ask } = t.devices;
    setText(this.#title, ask.title);
    setText(this.#body, ask.body);
    this.#renderFields();
    this.#cancel.setLabel(t.devices.cancel);
    this.#submit.setLabel(this.#isBusy ? ask.sending : ask.submit);
    this.#submit.enabled = !this.#isBusy;
    setText(this.#problem, this.#problemText());
    show(this.#problem, this.#trouble);
  }

  #renderFields(): void {
    const { t, language, api } = this.#context;
    const { ask } = t.devices;
    const names = (width: "short" | "long") => WEEK.map((day) => weekday(day, language, width));
    this.#reason.setTexts(ask.reason);
    this.#who.setTexts(ask.who, [ask.me, ask.everybody]);
    this.#lastDay.setTexts(ask.lastDay, ask.lastDayHint(fullDay(dayIn(api.now(), MAX_DAYS), language)));
    this.#days.setTexts(ask.days, names("short"), { spoken: names("long") });
    this.#allDay.setTexts(ask.hours, [ask.allDay], { hint: ask.hoursHint });
    this.#from.setTexts(ask.from);
    this.#to.setTexts(ask.to);
    show(this.#times, this.#allDay.chosen.length === 0);
  }

  #problemText(): string {
    const { t } = this.#context;
    if (this.#trouble === undefined) {
      return "";
    }
    return this.#trouble instanceof ApiError ? t.failure[this.#trouble.code] : t.devices.ask.problem[this.#trouble];
  }

  #fill({ who, lastDay, days, allDay, from, to }: TermsForm): void {
    const now = this.#context.api.now();
    this.#who.choose([who]);
    Object.assign(this.#lastDay.control, { value: lastDay, min: dayIn(now, 0), max: dayIn(now, MAX_DAYS) });
    this.#days.choose(days.map(String));
    this.#allDay.choose(allDay ? [ALL_DAY] : []);
    this.#from.control.value = from;
    this.#to.control.value = to;
  }

  get #form(): TermsForm {
    return {
      who: this.#who.chosen[0] === "everybody" ? "everybody" : "me",
      lastDay: this.#lastDay.control.value,
      days: this.#days.chosen.map(Number),
      allDay: this.#allDay.chosen.length > 0,
      from: this.#from.control.value,
      to: this.#to.control.value,
    };
  }

  #submitted(event: Event): void {
    event.preventDefault();
    if (this.#isBusy) {
      return;
    }
    const form = this.#form;
    this.#trouble = problemOf(form, this.#context.api.now());
    if (this.#trouble === undefined) {
      this.#ask(form);
    }
    this.render();
    this.#showTrouble();
  }

  /** To the field in question, with the sentence about it in sight. */
  #showTrouble(): void {
    const fields = { last_day: this.#lastDay, days: this.#days, hours: this.#from };
    if (this.#trouble !== undefined && !(this.#trouble instanceof ApiError)) {
      fields[this.#trouble].focus();
    }
    this.#problem.scrollIntoView({ block: "nearest" });
  }

  #ask(form: TermsForm): void {
    const { api, t } = this.#context;
    const model = this.#source.model();
    const me = model.me ?? model.session?.technician_id ?? "";
    const reason = this.#reason.control.value.trim() || t.devices.ask.defaultReason;
    this.#isBusy = true;
    api
      .ask(this.#source.sid, "unattended", reason.slice(0, MAX_REASON), termsOf(form, me, api.now()))
      .then((request) => this.#asked(request))
      .catch((error: unknown) => this.#refused(error))
      .finally(() => {
        this.#isBusy = false;
        this.render();
      });
  }

  #asked(request: RequestView): void {
    this.element.close();
    this.#source.dispatch({ type: "request", request });
  }

  /** A notice of the page would lie under this dialog. */
  #refused(error: unknown): void {
    if (error instanceof ApiError && error.code !== "unauthenticated" && this.element.open) {
      this.#trouble = error;
      this.render();
      return this.#showTrouble();
    }
    this.#context.failed(error);
  }
}
