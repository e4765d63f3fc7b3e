// Generated from beistand/protocol by `python -m beistand.protocol.typescript`. Do not edit.

export const MAX_CHAT = 4000;
export const MAX_REASON = 300;
export const MAX_INPUT = 8192;
export const FRAME_VERSION = 2;
export const FRAME_HEADER_SIZE = 32;
export const FRAME_MAX_CHUNK = 491520;
export const FRAME_MAX_CHUNKS = 64;
export const FRAME_MAX_SIDE = 16384;
export const CODEC = { H264: 1, VP9: 2, JPEG: 3 } as const;
export type Codec = (typeof CODEC)[keyof typeof CODEC];

export const ERROR_CODES = [
  "internal",
  "invalid_message",
  "too_large",
  "unauthenticated",
  "ticket_refused",
  "code_refused",
  "forbidden",
  "no_grant",
  "bad_signature",
  "not_found",
  "wrong_state",
  "already_asked",
  "asking_blocked",
  "outside_terms",
  "device_offline",
  "session_ended",
  "rate_limited",
  "unavailable",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Each is asked for, answered, granted and revoked by itself. */
export type Capability = "view" | "control" | "unattended";

/** Why access or a session ended. */
export type Cause = "stop_sharing" | "stop_control" | "end_session" | "technician" | "indicator_lost" | "expired" | "lease_lost" | "agent_closed" | "agent_lost" | "view_ended" | "admin";

/** Who did something. */
export type Party = "customer" | "technician" | "system";

/** A session's life (table: services/session/domain.py). */
export type SessionState = "waiting" | "active" | "suspended" | "ended" | "expired";

/** A request's and its grant's life (table: services/consent/domain.py). */
export type RequestState = "asked" | "live" | "denied" | "timed_out" | "withdrawn" | "revoked" | "expired";

/** A session as technicians and integrations see it. */
export interface SessionView {
  readonly id: string;
  readonly state: SessionState;
  readonly technician_id: string;
  readonly technician_name: string;
  readonly organisation_name: string;
  readonly created_at: string;
  readonly waiting_until: string;
  readonly joined_at?: string | null;
  readonly ended_at?: string | null;
  readonly ended_by?: Party | null;
  readonly cause?: Cause | null;
  readonly device_id?: string | null;
  readonly reason?: string | null;
}

/** How much input was let through, by kind; never what it was. */
export interface InputCounts {
  readonly moves: number;
  readonly clicks: number;
  readonly wheel_steps: number;
  readonly keys: number;
  readonly characters: number;
}

/** What a grant was used for, as the customer's device counted and signed it (records.Activity). */
export interface Usage {
  readonly since: string;
  readonly until: string;
  readonly used_s: number;
  readonly input?: InputCounts | null;
}

/** A request/grant as technicians see it. */
export interface RequestView {
  readonly id: string;
  readonly session_id: string;
  readonly technician_id: string;
  readonly technician_name: string;
  readonly capability: Capability;
  readonly reason: string;
  readonly state: RequestState;
  readonly asked_at: string;
  readonly answer_until: string;
  readonly expires_at?: string | null;
  readonly closed_at?: string | null;
  readonly closed_by?: Party | null;
  readonly cause?: Cause | null;
  readonly usage?: Usage | null;
}

/** One line of the transcript (stream CHAT). */
export interface ChatLine {
  readonly id: string;
  readonly session_id: string;
  readonly author: string;
  readonly party: Party;
  readonly text: string;
  readonly sent_at: string;
}

/** Whether the customer holds picture and input right now. */
export interface PauseView {
  readonly session_id: string;
  readonly paused: boolean;
}

/** An enrolled device's life (table: services/session/devices.py). */
export type DeviceState = "enrolled" | "paused" | "withdrawn" | "given_up" | "cloned";

/** Why unattended access is not possible now. Stable codes, shown to technicians and to the person. */
export type Rule = "not_enrolled" | "expired" | "wrong_technician" | "wrong_day" | "wrong_hour" | "paused" | "withdrawn" | "given_up" | "cloned" | "busy" | "offline";

/** One technician, as the person was shown them. */
export interface Technician {
  readonly id: string;
  readonly name: string;
}

/** Who may come in unattended, until when, on which days and at which hours of the device's own clock. */
export interface Terms {
  readonly technicians: readonly Technician[];
  readonly until: string;
  readonly days: readonly number[];
  readonly from_minute: number;
  readonly to_minute: number;
}

/** An enrolled device as technicians of its organisation see it. */
export interface DeviceView {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly state: DeviceState;
  readonly online: boolean;
  readonly last_seen_at?: string | null;
  readonly enrolled_at: string;
  readonly enrolled_by: string;
  readonly until: string;
  readonly technicians: readonly Technician[];
  readonly days: readonly number[];
  readonly from_minute: number;
  readonly to_minute: number;
  readonly zone: string;
  readonly refused?: Rule | null;
  readonly session_id?: string | null;
}

/** A page of the organisation's devices, by name; `next` is the cursor of the next page. A page is also cut where a message of the bus would be too large. */
export interface DeviceList {
  readonly items: readonly DeviceView[];
  readonly next?: string | null;
}

/** A page of sessions; `next` is the cursor of the next page. */
export interface SessionList {
  readonly items: readonly SessionView[];
  readonly next?: string | null;
}

/** The transcript, oldest first. */
export interface ChatList {
  readonly items: readonly ChatLine[];
}

/** CloudEvents 1.0; `type` is `beistand.<event>.v1`, `subject` the id of the session or device. */
export interface CloudEvent<T extends EventType = EventType> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: T;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: EventData[T];
}

/** First message of the console on the event socket: a single-use ticket for `events`, within 5 s. */
export interface EventsHello {
  readonly type: "events.hello";
  readonly ticket: string;
}

/** First message of the gateway on the event socket; `EventsEvent` follow. */
export interface EventsSnapshot {
  readonly type: "events.snapshot";
  readonly session: SessionView;
  readonly requests: readonly RequestView[];
  readonly chat: readonly ChatLine[];
}

/** A domain event as it happened. */
export interface EventsEvent {
  readonly type: "events.event";
  readonly event: AnyEvent;
}

/** First message on a viewer socket: the single-use ticket, within 5 s. `codecs`: what this viewer decodes, as WebCodecs names it (`VideoDecoder.isConfigSupported` said yes), and "jpeg" if it paints patches. */
export interface ViewerHello {
  readonly type: "viewer.hello";
  readonly ticket: string;
  readonly codecs: readonly string[];
}

/** The frame with this sequence number is on the canvas. */
export interface ViewerShown {
  readonly type: "viewer.shown";
  readonly seq: number;
}

/** The decoder needs a key frame. */
export interface ViewerRefresh {
  readonly type: "viewer.refresh";
}

/** Show this monitor (of those in `relay.monitors`); all who watch the desktop see the same one. */
export interface ViewerMonitor {
  readonly type: "viewer.monitor";
  readonly monitor: number;
}

/** Pointer to a pixel of the picture (frame pixels, origin top left). */
export interface InputMove {
  readonly type: "input.move";
  readonly x: number;
  readonly y: number;
}

/** A mouse button goes down or up at a pixel. */
export interface InputButton {
  readonly type: "input.button";
  readonly x: number;
  readonly y: number;
  readonly button: "left" | "middle" | "right" | "back" | "forward";
  readonly action: "down" | "up";
}

/** Wheel steps: dx > 0 right, dy > 0 down (browser's sense), in notches. */
export interface InputWheel {
  readonly type: "input.wheel";
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** A key goes down or up: `KeyboardEvent.key` (the character or named key) and `.code` (the place). */
export interface InputKey {
  readonly type: "input.key";
  readonly key: string;
  readonly code: string;
  readonly action: "down" | "up";
}

/** Text to type as it is (IME, dead keys), in any script. */
export interface InputText {
  readonly type: "input.text";
  readonly text: string;
}

/** Everything held goes up (the console lost focus). */
export interface InputRelease {
  readonly type: "input.release";
}

/** The grant was verified; frames follow. */
export interface RelayReady {
  readonly type: "relay.ready";
  readonly grant_id: string;
  readonly expires_at: string;
}

/** Whether input passes now. `held`: the customer's own hand is at mouse or keyboard, the device drops input until it rests. */
export interface RelayControl {
  readonly type: "relay.control";
  readonly live: boolean;
  readonly held: boolean;
}

/** The customer is being asked whether to end: no picture, no input until it goes on. */
export interface RelayPaused {
  readonly type: "relay.paused";
  readonly paused: boolean;
}

/** A monitor of the customer's desktop, in its pixels. */
export interface MonitorSize {
  readonly width: number;
  readonly height: number;
}

/** The monitors to choose from, the primary one first; which one a frame shows stands in its header. */
export interface RelayMonitors {
  readonly type: "relay.monitors";
  readonly monitors: readonly MonitorSize[];
}

/** Last message before the socket closes with 4403 (grant over) or 4410 (session over). */
export interface RelayStopped {
  readonly type: "relay.stopped";
  readonly code: string;
  readonly by: Party;
  readonly cause?: Cause | null;
}

export interface EventData {
  readonly "beistand.session.v1": SessionView;
  readonly "beistand.request.v1": RequestView;
  readonly "beistand.chat.v1": ChatLine;
  readonly "beistand.pause.v1": PauseView;
  readonly "beistand.device.v1": DeviceView;
}

export type EventType = keyof EventData;

/** One member per event type, so that `type` tells what `data` is. */
export type AnyEvent = { [T in EventType]: CloudEvent<T> }[EventType];

export type Input = InputMove | InputButton | InputWheel | InputKey | InputText | InputRelease;

export type FromViewer = ViewerHello | ViewerShown | ViewerRefresh | ViewerMonitor | InputMove | InputButton | InputWheel | InputKey | InputText | InputRelease;

export type FromRelay = RelayReady | RelayControl | RelayPaused | RelayMonitors | RelayStopped;
