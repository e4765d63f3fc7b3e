// Enrolled devices as the list tells of them. Pure; whether a technician may come in is the server's and the device's word.
import type { ApiError } from "./api.ts";
import type { DeviceState, DeviceView, Rule } from "./protocol.gen.ts";
import type { Texts } from "./texts/index.ts";

/** Nobody gets in by this enrolment any more. */
export const OVER: Readonly<Record<DeviceState, boolean>> = {
  enrolled: false,
  paused: false,
  withdrawn: true,
  given_up: true,
  cloned: true,
};

/** Those that can be used first; each part stays in the order in which it came, which is by name. */
export function inOrder(devices: readonly DeviceView[]): readonly DeviceView[] {
  return devices.toSorted((one, other) => Number(OVER[one.state]) - Number(OVER[other.state]));
}

/** Those whose name or platform has every word of `sought`. */
export function matching(devices: readonly DeviceView[], sought: string): readonly DeviceView[] {
  const words = sought.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return devices.filter(({ name, platform }) => words.every((word) => `${name} ${platform}`.toLowerCase().includes(word)));
}

/** One word on where it stands; the last two say that it could be used at all. */
export function standingOf(device: DeviceView): Exclude<DeviceState, "enrolled"> | "online" | "offline" {
  if (device.state !== "enrolled") {
    return device.state;
  }
  return device.online ? "online" : "offline";
}

/** For whom the person allowed it. */
export function forWhom({ technicians }: DeviceView, t: Texts): string {
  return technicians.length === 0 ? t.devices.everybody : technicians.map(({ name }) => name).join(", ");
}

/** Why a session was not started. The detail of `outside_terms` begins with the rule that says no. */
export function refusalText({ code, message }: ApiError, t: Texts): string {
  const rule = message.split(":", 1)[0] ?? "";
  const isRule = code === "outside_terms" && Object.hasOwn(t.devices.rule, rule);
  return isRule ? t.devices.rule[rule as Rule] : t.failure[code];
}
