// One session: ties the event feed, the picture and the input to the models, and the models to what is shown.
import { accessTo, viewGrant } from "../core/access.ts";
import { subjectOf } from "../core/bearer.ts";
import { isOver, isPaused, reduce, UNKNOWN_SESSION, type SessionAction, type SessionModel } from "../core/session-state.ts";
import { hasControl } from "../core/viewer-state.ts";
import { AccessPanel } from "./access-panel.ts";
import { Button } from "./button.ts";
import { CanvasSlot } from "./canvas-slot.ts";
import { ChatPanel } from "./chat-panel.ts";
import type { Context, Page, View } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { ConfirmDialog } from "./confirm-dialog.ts";
import { DeviceNote } from "./device-note.ts";
import { EventFeed } from "./event-feed.ts";
import { icon } from "./icons.ts";
import { RemoteInput } from "./remote-input.ts";
import { Stage } from "./stage.ts";
import { StatePill } from "./state-pill.ts";
import { Tabs } from "./tabs.ts";
import { TimelinePanel } from "./timeline-panel.ts";
import { Viewer } from "./viewer.ts";

const TICK_MS = 1_000;

export class SessionPage implements Page {
  readonly #context: Context;
  readonly #sid: string;
  readonly #slot = new CanvasSlot();
  readonly #feed: EventFeed;
  readonly #viewer: Viewer;
  readonly #input: RemoteInput;
  readonly #stage: Stage;
  readonly #parts: readonly View[];
  readonly #pill = new StatePill();
  readonly #backText = h("span", { class: "button-label" });
  readonly #end: Button;
  readonly #dialog: ConfirmDialog;
  readonly #tabs: Tabs;
  readonly #timer: number;
  readonly element: HTMLElement;
  readonly header: readonly Node[];
  #model: SessionModel;
  #isEnding = false;
  #isDisposed = false;

  constructor(context: Context, sid: string) {
    this.#context = context;
    this.#sid = sid;
    this.#model = { ...UNKNOWN_SESSION, me: subjectOf(context.api.token) };
    this.#feed = new EventFeed(context.api, sid, { dispatch: (action) => this.#dispatch(action), failed: context.failed });
    this.#viewer = new Viewer(context.api, sid, this.#slot, {
      changed: () => this.#viewerChanged(),
      measured: (reading) => this.#stage.measured(reading),
      failed: context.failed,
    });
    this.#input = this.#newInput();
    this.#dialog = this.#newDialog();
    this.#end = new Button({ look: "danger", icon: "power", testid: "end-session", click: () => this.#dialog.open() });
    const source = {
      sid,
      model: () => this.#model,
      viewer: () => this.#viewer.state,
      measure: (isWanted: boolean) => this.#viewer.measure(isWanted),
      choose: (monitor: number) => this.#viewer.choose(monitor),
      dispatch: (action: SessionAction) => this.#dispatch(action),
    };
    this.#stage = new Stage(context, source, this.#slot, this.#input);
    const note = new DeviceNote(context, source.model);
    const access = new AccessPanel(context, source);
    const chat = new ChatPanel(context, source);
    const timeline = new TimelinePanel(context, source.model);
    this.#tabs = new Tabs([chat.element, timeline.element]);
    this.#parts = [this.#stage, note, access, chat, timeline, this.#dialog];
    const side = h("aside", { class: "side" }, note.element, access.element, this.#tabs.element);
    this.element = h("div", { class: "session" }, this.#stage.element, side, this.#dialog.element);
    this.header = this.#newHeader();
    this.#start();
    this.#timer = window.setInterval(() => this.render(), TICK_MS);
  }

  render(): void {
    const { t } = this.#context;
    const { session } = this.#model;
    setText(this.#backText, t.sessions.back);
    this.#pill.render(session, t);
    this.#end.setLabel(t.end.open);
    this.#end.enabled = session !== undefined && !isOver(session) && !this.#isEnding;
    this.#tabs.setLabels([t.chat.title, t.timeline.title]);
    this.#parts.forEach((part) => part.render());
  }

  dispose(): void {
    this.#isDisposed = true;
    clearInterval(this.#timer);
    this.#feed.stop();
    this.#viewer.want(undefined);
    this.#viewer.expect(false);
    this.#input.dispose();
    this.#stage.dispose();
    this.#slot.dispose();
  }

  #newInput(): RemoteInput {
    return new RemoteInput(this.#slot, {
      send: (messages) => this.#viewer.send(messages),
      isFlowing: () => this.#viewer.isFlowing,
      focusChanged: () => this.render(),
      left: () => void this.#stage.left().then(() => this.#end.element.focus()),
    });
  }

  #newDialog(): ConfirmDialog {
    return new ConfirmDialog({
      icon: "power",
      testid: "end-session",
      texts: () => this.#context.t.end,
      confirmed: () => this.#endNow(),
    });
  }

  #newHeader(): readonly Node[] {
    setAttribute(this.#pill.element, "data-testid", "session-state");
    setAttribute(this.#pill.element, "role", "status");
    const back = h("a", { class: "button button-plain", attributes: { href: "#/sessions" } }, icon("back"), this.#backText);
    return [back, this.#pill.element, h("span", { class: "spacer" }), this.#end.element];
  }

  #start(): void {
    const created = this.#context.created.get(this.#sid);
    if (created !== undefined) {
      this.#dispatch({ type: "session", session: created });
    }
    this.#feed.start();
  }

  /** An answer that comes after the page was left changes nothing: no picture may start then. */
  #dispatch(action: SessionAction): void {
    const before = this.#model;
    this.#model = this.#isDisposed ? before : reduce(before, action);
    if (this.#model === before) {
      return;
    }
    this.#viewer.want(viewGrant(this.#model));
    this.#viewer.expect(accessTo(this.#model, "view").kind === "asked");
    this.#updateInput();
    if (isOver(this.#model.session)) {
      this.#dialog.close();
    }
    this.render();
  }

  #viewerChanged(): void {
    this.#updateInput();
    this.render();
  }

  #updateInput(): void {
    this.#input.setEnabled(hasControl(this.#viewer.state) && !isPaused(this.#model));
  }

  #endNow(): void {
    this.#isEnding = true;
    this.render();
    this.#context.api
      .end(this.#sid)
      .then((session) => this.#dispatch({ type: "session", session }))
      .catch(this.#context.failed)
      .finally(() => {
        this.#isEnding = false;
        this.render();
      });
  }
}
