// The page's texts by language, and those sentences that depend on the state.
import type { Overlay } from "../access.ts";
import type { Language } from "../language.ts";
import { assertNever } from "../never.ts";
import { span } from "../story.ts";
import type { Cause, Party, SessionView } from "../protocol.gen.ts";
import type { Moment } from "../timeline.ts";
import { de } from "./de.ts";
import { en, type Texts } from "./en.ts";

export type { Texts };
export const TEXTS: Readonly<Record<Language, Texts>> = { de, en };

export interface Notice {
  readonly title: string;
  readonly body: string;
}

/** A session's state in a word or two. */
export function stateText(session: SessionView | undefined, t: Texts): string {
  if (session === undefined) {
    return t.stateUnknown;
  }
  const isComing = session.state === "waiting" && session.device_id != null;
  return isComing ? t.devices.coming : t.state[session.state];
}

/** What the stage says; undefined where the picture is. */
export function overlayNotice(overlay: Overlay, t: Texts): Notice | undefined {
  switch (overlay.kind) {
    case "picture":
      return undefined;
    case "waiting":
      return { title: t.code.gone, body: t.code.goneHint };
    case "ended":
      return endedNotice(overlay, t);
    case "stopped":
      return { title: t.overlay.stopped, body: sentences(overlay.cause, t, t.overlay.chatStays) };
    case "coming":
      return { title: t.devices.comingTitle, body: t.devices.comingBody };
    case "no_access":
      return t.overlay.noAccess;
    case "timed_out":
      return t.overlay.timedOut;
    case "loading":
    case "suspended":
    case "expired":
    case "unsupported":
    case "paused":
    case "connecting":
    case "lost":
    case "asked":
    case "denied":
      return t.overlay[overlay.kind];
    default:
      return assertNever(overlay);
  }
}

/** The title says who; the cause is told only where it adds something. */
function endedNotice({ by, cause }: Extract<Overlay, { kind: "ended" }>, t: Texts): Notice {
  const isSaid = cause === "end_session" || cause === "technician";
  const title = by === undefined ? t.overlay.over : t.overlay.ended[by];
  return { title, body: sentences(isSaid ? undefined : cause, t, t.overlay.endedHint) };
}

/** One line of the timeline. */
export function momentText(moment: Moment, t: Texts): string {
  switch (moment.kind) {
    case "created":
    case "joined":
    case "paused":
    case "resumed":
      return t.timeline[moment.kind];
    case "asked":
    case "allowed":
      return t.timeline[moment.kind][moment.capability];
    case "closed":
      return closedText(moment, t);
    case "used":
      return usedText(moment, t);
    case "over":
      return moment.expired ? t.timeline.codeExpired : withParty(t.timeline.ended, moment.by, t);
    default:
      return assertNever(moment);
  }
}

/** What the customer's device counted, as its receipt has it. */
function usedText({ capability, usage }: Extract<Moment, { kind: "used" }>, t: Texts): string {
  const text = `${t.timeline.used[capability]} ${span(usage.used_s)}`;
  const { clicks, keys, characters } = usage.input ?? { clicks: 0, keys: 0, characters: 0 };
  const counts = [[t.timeline.clicks, clicks], [t.timeline.keys, keys], [t.timeline.characters, characters]] as const;
  const said = counts.map(([name, count]) => `${name} ${count}`).join(", ");
  return usage.input == null ? text : `${text}; ${said}`;
}

function closedText(moment: Extract<Moment, { kind: "closed" }>, t: Texts): string {
  if (moment.state === "asked" || moment.state === "live") {
    return "";
  }
  const text = t.timeline[moment.state][moment.capability];
  return moment.state === "revoked" ? withParty(text, moment.by, t) : text;
}

function withParty(text: string, by: Party | undefined, t: Texts): string {
  return by === undefined ? text : `${text} ${t.by[by]}`;
}

function sentences(cause: Cause | undefined, t: Texts, hint: string): string {
  return cause === undefined ? hint : `${t.cause[cause]} ${hint}`;
}
