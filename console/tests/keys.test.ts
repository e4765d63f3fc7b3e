import { describe, expect, it } from "vitest";
import { isWayOut, Keyboard, type KeyPress } from "../src/core/keys.ts";

const press = (key: string, code: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code,
  isComposing: false,
  ctrlKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});
const down = (key: string, code: string) => ({ type: "input.key", key, code, action: "down" });
const up = (key: string, code: string) => ({ type: "input.key", key, code, action: "up" });

describe("keys", () => {
  it("go down and up as what they are, and the browser does not act on them", () => {
    const keyboard = new Keyboard();
    expect(keyboard.down(press("ß", "Minus"))).toEqual({ send: [down("ß", "Minus")], prevent: true });
    expect(keyboard.up(press("ß", "Minus"))).toEqual({ send: [up("ß", "Minus")], prevent: true });
  });

  it("come up as what they went down as, whatever happened to Shift meanwhile", () => {
    const keyboard = new Keyboard();
    keyboard.down(press("Shift", "ShiftLeft"));
    keyboard.down(press("A", "KeyA"));
    keyboard.up(press("Shift", "ShiftLeft"));
    expect(keyboard.up(press("a", "KeyA")).send).toEqual([up("A", "KeyA")]);
  });

  it("that did not go down here do not come up", () => {
    expect(new Keyboard().up(press("a", "KeyA"))).toEqual({ send: [], prevent: false });
  });

  it.each(["CapsLock", "NumLock", "ScrollLock"])("%s stays here: characters arrive shifted already", (key) => {
    expect(new Keyboard().down(press(key, key))).toEqual({ send: [], prevent: true });
  });

  it("with an impossible name are not sent", () => {
    expect(new Keyboard().down(press("x".repeat(33), "KeyX")).send).toEqual([]);
  });

  it("typed with AltGr go as their character, without the Control that Windows adds", () => {
    const keyboard = new Keyboard();
    expect(keyboard.down(press("Control", "ControlLeft")).send).toEqual([down("Control", "ControlLeft")]);
    expect(keyboard.down(press("AltGraph", "AltRight")).send).toEqual([up("Control", "ControlLeft")]);
    expect(keyboard.down(press("@", "KeyQ")).send).toEqual([down("@", "KeyQ")]);
    expect(keyboard.up(press("Control", "ControlLeft")).send).toEqual([]);
    expect(keyboard.up(press("AltGraph", "AltRight")).send).toEqual([]);
  });

  it("held with Command on a Mac come up with it", () => {
    const keyboard = new Keyboard();
    keyboard.down(press("Meta", "MetaLeft"));
    keyboard.down(press("c", "KeyC"));
    expect(keyboard.up(press("Meta", "MetaLeft")).send).toEqual([up("Meta", "MetaLeft"), up("c", "KeyC")]);
  });

  it("are forgotten when cleared", () => {
    const keyboard = new Keyboard();
    keyboard.down(press("a", "KeyA"));
    keyboard.clear();
    expect(keyboard.up(press("a", "KeyA")).send).toEqual([]);
  });
});

describe("compositions", () => {
  it.each([press("Process", "KeyA"), press("Unidentified", ""), press("a", "KeyA", { isComposing: true })])(
    "belong to the input method: $key",
    (event) => {
      expect(new Keyboard().down(event)).toEqual({ send: [], prevent: false });
    },
  );

  it("go as text when they are finished", () => {
    expect(new Keyboard().text("日本語")).toEqual([{ type: "input.text", text: "日本語" }]);
  });

  it("of nothing send nothing, and long ones are split between characters", () => {
    const keyboard = new Keyboard();
    expect(keyboard.text("")).toEqual([]);
    const pieces = keyboard.text("🙂".repeat(1200));
    expect(pieces.map((piece) => piece.type === "input.text" && piece.text).join("")).toBe("🙂".repeat(1200));
    expect(pieces.every((piece) => piece.type === "input.text" && piece.text.length <= 1000)).toBe(true);
  });
});

describe("a dead key", () => {
  it("lets the browser make the character, which goes as text", () => {
    const keyboard = new Keyboard();
    expect(keyboard.down(press("Dead", "Equal"))).toEqual({ send: [], prevent: false });
    expect(keyboard.down(press("é", "KeyE"))).toEqual({ send: [], prevent: false });
    expect(keyboard.text("é")).toEqual([{ type: "input.text", text: "é" }]);
    expect(keyboard.down(press("e", "KeyE")).send).toEqual([down("e", "KeyE")]);
  });

  it("waits through Shift, and ends with a key that makes no character", () => {
    const keyboard = new Keyboard();
    keyboard.down(press("Dead", "Equal"));
    expect(keyboard.down(press("Shift", "ShiftLeft")).send).toEqual([down("Shift", "ShiftLeft")]);
    expect(keyboard.down(press("Escape", "Escape")).send).toEqual([down("Escape", "Escape")]);
    expect(keyboard.down(press("e", "KeyE")).send).toEqual([down("e", "KeyE")]);
  });
});

describe("the way out", () => {
  const all = { ctrlKey: true, altKey: true, shiftKey: true };
  it("is Ctrl+Alt+Shift+Esc and nothing less", () => {
    expect(isWayOut(press("Escape", "Escape", all))).toBe(true);
    expect(isWayOut(press("Escape", "Escape", { ...all, altKey: false }))).toBe(false);
    expect(isWayOut(press("Escape", "Escape"))).toBe(false);
    expect(isWayOut(press("a", "KeyA", all))).toBe(false);
  });
});
