// Everything the page says, in English. The shape of this object is the shape of every language.
import type { FailureCode } from "../api.ts";
import type { Limit } from "../meter.ts";
import type { Capability, Cause, Party, SessionState } from "../protocol.gen.ts";
import { devicesEn } from "./devices-en.ts";

export const en = {
  product: "Beistand",
  claim: "Remote support with the customer in control",
  language: "Language",
  skip: "Skip to content",

  signIn: {
    title: "Sign in",
    user: "User name",
    password: "Password",
    submit: "Sign in",
    busy: "Signing in …",
    refused: "User name or password is wrong.",
    again: "Your sign-in has expired. Please sign in again.",
  },
  signOut: "Sign out",

  sessions: {
    title: "Sessions",
    create: "New session",
    creating: "Creating …",
    empty: "No sessions yet",
    emptyHint: "Start one, read the code out to your customer, and you are connected.",
    started: "Started",
    technician: "Technician",
    state: "State",
    outcome: "Ended",
    open: "Open",
    more: "Show more",
    back: "All sessions",
  },

  state: {
    waiting: "Waiting for the customer",
    active: "Connected",
    suspended: "Interrupted",
    ended: "Ended",
    expired: "Code expired",
  } satisfies Record<SessionState, string>,
  stateUnknown: "Connecting …",

  code: {
    title: "Read this code to your customer",
    label: "Session code",
    hint: "The customer starts Beistand, enters the code and sees who is asking before joining.",
    copy: "Copy code",
    copyLink: "Copy join link",
    copied: "Copied",
    copyFailed: "Copying was not allowed. Please mark and copy it by hand.",
    link: "Join link",
    validFor: (time: string) => `Valid for ${time}`,
    gone: "Waiting for the customer",
    goneHint: "A code is shown only once, in the tab that created the session. If it is lost, start a new session.",
  },

  access: {
    title: "Access",
    reason: "Reason, as the customer will read it",
    name: { view: "See the screen", control: "Mouse and keyboard", unattended: "Unattended access" } satisfies Record<Capability, string>,
    ask: { view: "Ask to view", control: "Ask for control", unattended: "Ask …" } satisfies Record<Capability, string>,
    askAgain: { view: "Ask again", control: "Ask again", unattended: "Ask again …" } satisfies Record<Capability, string>,
    release: { view: "Stop viewing", control: "Hand back control", unattended: "Give up" } satisfies Record<Capability, string>,
    defaultReason: {
      view: "I would like to look at the problem together with you.",
      control: "I would like to fix it for you while you watch.",
      unattended: devicesEn.ask.defaultReason,
    } satisfies Record<Capability, string>,
    none: { view: "Not asked yet", control: "Not asked yet", unattended: "For when nobody is there" } satisfies Record<Capability, string>,
    needsCustomer: "Possible after joining",
    needsView: "Needs the screen first",
    asked: "Waiting for the customer's answer",
    cancel: "Take back",
    live: "Allowed",
    left: (time: string) => `${time} left`,
    minutesLeft: (minutes: number) => `${minutes} min left`,
    denied: "The customer said no",
    timedOut: "The customer did not answer",
    withdrawn: "Taken back",
    over: "Not allowed any more",
    held: "Paused",
  },

  overlay: {
    loading: { title: "Connecting …", body: "" },
    noAccess: {
      title: "You do not see anything yet",
      body: "Ask to see the screen. The customer decides, and can stop it at any time.",
    },
    asked: { title: "The customer is being asked", body: "The picture appears here as soon as the answer is yes." },
    denied: {
      title: "The customer said no",
      body: "The chat stays open. Explain what you need, then you can ask again.",
    },
    timedOut: { title: "No answer", body: "The customer did not answer in time, which counts as a no. You can ask again." },
    paused: {
      title: "Paused by the customer",
      body: "The customer is deciding whether to end the session. Picture and input are held until then.",
    },
    connecting: { title: "Allowed. The picture is coming …", body: "" },
    lost: {
      title: "Picture connection lost",
      body: "It is being restored. Nothing is shown or sent meanwhile.",
    },
    suspended: {
      title: "The customer's computer cannot be reached",
      body: "Everything is stopped. As soon as it is back, you can ask again.",
    },
    unsupported: {
      title: "This browser cannot show the picture",
      body: "The picture needs a current Chrome, Edge, Firefox or Safari, best at an address with https.",
    },
    stopped: "The picture has stopped",
    chatStays: "The chat stays open; you can ask again.",
    ended: {
      customer: "The customer ended the session",
      technician: "The technician ended the session",
      system: "The session ended automatically",
    } satisfies Record<Party, string>,
    over: "The session is over",
    endedHint: "Nothing more can be seen, sent or resumed. For more help, start a new session.",
    expired: {
      title: "Nobody joined",
      body: "The code has expired without being used. Start a new session for a new code.",
    },
  },

  by: {
    customer: "by the customer",
    technician: "by the technician",
    system: "by the system",
  } satisfies Record<Party, string>,

  cause: {
    stop_sharing: "The customer stopped screen sharing.",
    stop_control: "The customer took back mouse and keyboard.",
    end_session: "The customer ended the session.",
    technician: "The technician ended it.",
    indicator_lost: "The access indicator could no longer be shown to the customer.",
    expired: "The agreed time is over.",
    lease_lost: "The customer's computer stopped answering.",
    agent_closed: "The customer closed Beistand.",
    agent_lost: "The connection to the customer's computer was lost.",
    view_ended: "Ended together with screen sharing.",
    admin: "An administrator ended it.",
  } satisfies Record<Cause, string>,

  stage: {
    label: "The customer's screen",
    keyboard: "The customer's keyboard. Everything typed here reaches the customer's computer.",
    controlling: "Mouse and keyboard reach the customer.",
    clickToControl: "Click the picture to use mouse and keyboard.",
    customerFirst: "The customer is using mouse and keyboard. Yours wait for a moment.",
    viewOnly: "You are watching. Mouse and keyboard are not shared.",
    keys: "Ctrl + Alt + Shift + Esc",
    wayOut: "leaves the picture",
    checkReceipt: "Check a receipt",
    reconnecting: "Connection to the server lost. Connecting again …",
  },

  view: {
    label: "View",
    fit: "Fit to window",
    actual: "Actual size, 1:1",
    full: "Full screen",
    leaveFull: "Leave full screen",
    grab: "Send all keys, also Alt + Tab and Esc",
    grabbing: "All keys reach the customer.",
    meter: "Show measurements",
    monitors: "Monitor",
    monitor: (number: number, size: string) => `Monitor ${number} (${size})`,
    pan: "The customer's screen in actual size. Arrow keys move the part that is shown.",
  },

  meter: {
    label: "Measurements",
    shown: "Shown",
    perSecond: (count: string) => `${count}/s`,
    latency: "Delay",
    latencyHint: "From the customer's screen to here. The two clocks are not compared; it cannot be more than this.",
    atMost: (ms: string) => `at most ${ms} ms`,
    here: "of that here",
    milliseconds: (ms: string) => `${ms} ms`,
    data: "Data",
    kilobits: (count: string) => `${count} kbit/s`,
    limit: "Held up by",
    limitHint: "The other side: its computer is busy, or little changes on its screen.",
    unknown: "–",
    by: {
      nothing: "nothing",
      line: "the line",
      device: "the other side",
      browser: "this browser",
      still: "nothing changes",
    } satisfies Record<Limit, string>,
  },

  chat: {
    title: "Chat",
    label: "Conversation",
    input: "Message to the customer",
    placeholder: "Write a message …",
    send: "Send",
    empty: "You can chat as soon as the customer has joined. No access is needed for it.",
    emptyActive: "No messages yet. Say hello.",
    you: "You",
    customer: "Customer",
  },

  timeline: {
    title: "Activity",
    created: "Session created",
    joined: "Customer joined",
    asked: { view: "Asked to see the screen", control: "Asked for mouse and keyboard", unattended: "Asked for unattended access" } satisfies Record<Capability, string>,
    allowed: { view: "Screen allowed", control: "Mouse and keyboard allowed", unattended: "Unattended access allowed" } satisfies Record<Capability, string>,
    denied: { view: "Screen refused", control: "Mouse and keyboard refused", unattended: "Unattended access refused" } satisfies Record<Capability, string>,
    timed_out: { view: "Screen: no answer", control: "Mouse and keyboard: no answer", unattended: "Unattended access: no answer" } satisfies Record<Capability, string>,
    withdrawn: { view: "Screen: taken back", control: "Mouse and keyboard: taken back", unattended: "Unattended access: taken back" } satisfies Record<Capability, string>,
    revoked: { view: "Screen stopped", control: "Mouse and keyboard stopped", unattended: "Unattended access ended" } satisfies Record<Capability, string>,
    expired: { view: "Screen: time over", control: "Mouse and keyboard: time over", unattended: "Unattended access: time over" } satisfies Record<Capability, string>,
    used: { view: "Screen was visible for", control: "Mouse and keyboard for", unattended: "Unattended access for" } satisfies Record<Capability, string>,
    clicks: "clicks",
    keys: "keys",
    characters: "pasted characters",
    paused: "Paused by the customer",
    resumed: "Resumed by the customer",
    ended: "Session ended",
    codeExpired: "Code expired",
  },

  end: {
    open: "End session",
    title: "End this session?",
    body: "Picture, input and chat end for good. The customer gets a notice.",
    confirm: "End session",
    cancel: "Keep going",
  },

  failure: {
    offline: "The server cannot be reached. Check the connection and try again.",
    internal: "Something went wrong on the server. Please try again.",
    invalid_message: "The server did not understand the request.",
    too_large: "That is too long.",
    unauthenticated: "Please sign in again.",
    ticket_refused: "The connection was refused. Trying again.",
    code_refused: "This code is not valid any more.",
    forbidden: "You are not allowed to do this.",
    no_grant: "The customer has not allowed this.",
    bad_signature: "The answer was not signed as it must be, so it does not count.",
    not_found: "This does not exist, or not for you.",
    wrong_state: "Not possible right now.",
    already_asked: "This question is already open.",
    asking_blocked: "The customer does not want to be asked this again right now.",
    outside_terms: "What the person allowed does not cover this moment.",
    device_offline: "The device is not connected, or did not answer. Nothing was done.",
    session_ended: "The session is over.",
    rate_limited: "Too many attempts. Please wait a moment.",
    unavailable: "A part of the service cannot be reached; nothing was done. Please try again.",
  } satisfies Record<FailureCode, string>,
  dismiss: "Close message",

  navigation: "Pages",
  devices: devicesEn,
};

type Widened<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Widened<T[K]> };

/** What every language must say. */
export type Texts = Widened<typeof en>;
