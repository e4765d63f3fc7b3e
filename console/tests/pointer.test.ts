import { describe, expect, it } from "vitest";
import { PointerFlow } from "../src/core/pointer.ts";

const at = { x: 10, y: 20 };
const wheel = (deltaY: number, deltaMode = 0, deltaX = 0) => ({ deltaX, deltaY, deltaMode });

describe("moves", () => {
  it("are sent once per frame, the newest only", () => {
    const flow = new PointerFlow();
    flow.move({ x: 1, y: 1 });
    flow.move({ x: 2, y: 2 });
    expect(flow.flush()).toEqual([{ type: "input.move", x: 2, y: 2 }]);
    expect(flow.flush()).toEqual([]);
  });

  it("never overtake or follow a button they belong before", () => {
    const flow = new PointerFlow();
    flow.move({ x: 1, y: 1 });
    expect(flow.down(0, at).map((message) => message.type)).toEqual(["input.move", "input.button"]);
    expect(flow.flush()).toEqual([]);
  });
});

describe("buttons", () => {
  it.each([
    [0, "left"],
    [1, "middle"],
    [2, "right"],
    [3, "back"],
    [4, "forward"],
  ])("%i is %s, down and up", (button, name) => {
    const flow = new PointerFlow();
    expect(flow.down(button, at)).toEqual([{ type: "input.button", ...at, button: name, action: "down" }]);
    expect(flow.isDragging).toBe(true);
    expect(flow.up(button, at)).toEqual([{ type: "input.button", ...at, button: name, action: "up" }]);
    expect(flow.isDragging).toBe(false);
  });

  it("unknown ones are nothing, and what did not go down does not come up", () => {
    const flow = new PointerFlow();
    expect(flow.down(7, at)).toEqual([]);
    expect(flow.up(0, at)).toEqual([]);
  });

  it("are forgotten when cleared", () => {
    const flow = new PointerFlow();
    flow.down(0, at);
    flow.clear();
    expect(flow.up(0, at)).toEqual([]);
  });
});

describe("the wheel", () => {
  it.each([
    ["Chromium on Linux", wheel(120), 1],
    ["Chromium elsewhere", wheel(-100), -1],
    ["three lines", wheel(3, 1), 1],
    ["a page", wheel(1, 2), 3],
    ["two notches at once", wheel(240), 2],
  ])("counts notches: %s", (_, event, dy) => {
    expect(new PointerFlow().wheel(event, at)).toEqual([{ type: "input.wheel", ...at, dx: 0, dy }]);
  });

  it("adds up a touchpad's small steps and loses none", () => {
    const flow = new PointerFlow();
    const sent = Array.from({ length: 50 }, () => flow.wheel(wheel(7), at)).flat();
    expect(sent.map((message) => message.type === "input.wheel" && message.dy)).toEqual([1, 1, 1]);
  });

  it("forgets the fraction when the direction turns", () => {
    const flow = new PointerFlow();
    flow.wheel(wheel(90), at);
    expect(flow.wheel(wheel(-90), at)).toEqual([]);
    expect(flow.wheel(wheel(-10), at)).toEqual([{ type: "input.wheel", ...at, dx: 0, dy: -1 }]);
  });

  it("never leaves the contract's range", () => {
    expect(new PointerFlow().wheel(wheel(1e9), at)).toEqual([{ type: "input.wheel", ...at, dx: 0, dy: 20 }]);
  });
});
