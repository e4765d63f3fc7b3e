import { describe, expect, it } from "vitest";
import { fitted, nearestPixel, pixelAt } from "../src/core/coordinates.ts";

const picture = { width: 1920, height: 1080 };

describe("the pixel under a point", () => {
  it.each([
    ["as large as the picture", { left: 0, top: 0, width: 1920, height: 1080 }],
    ["half the size", { left: 100, top: 50, width: 960, height: 540 }],
    ["a fraction of a pixel off", { left: 10.5, top: 56.25, width: 1044.4, height: 587.475 }],
    ["larger, as on a zoomed page", { left: -40, top: 12, width: 2880, height: 1620 }],
  ])("is right on a canvas %s, in every corner", (_, canvas) => {
    const scale = canvas.width / picture.width;
    for (const [x, y] of [[0, 0], [1919, 0], [0, 1079], [1919, 1079], [960, 540], [1, 1]] as const) {
      const point = { x: canvas.left + (x + 0.5) * scale, y: canvas.top + (y + 0.5) * scale };
      expect(pixelAt(point, canvas, picture)).toEqual({ x, y });
    }
  });

  it("allows for bars left and right", () => {
    const canvas = { left: 0, top: 0, width: 1200, height: 540 };
    expect(pixelAt({ x: 120.1, y: 0.1 }, canvas, picture)).toEqual({ x: 0, y: 0 });
    expect(pixelAt({ x: 119, y: 100 }, canvas, picture)).toBeUndefined();
    expect(pixelAt({ x: 1081, y: 100 }, canvas, picture)).toBeUndefined();
  });

  it("allows for bars above and below", () => {
    const canvas = { left: 20, top: 30, width: 960, height: 900 };
    expect(pixelAt({ x: 20.1, y: 30 + 180.1 }, canvas, picture)).toEqual({ x: 0, y: 0 });
    expect(pixelAt({ x: 500, y: 30 + 179 }, canvas, picture)).toBeUndefined();
    expect(pixelAt({ x: 500, y: 30 + 721 }, canvas, picture)).toBeUndefined();
  });

  it("is none while there is no picture or no room", () => {
    const canvas = { left: 0, top: 0, width: 100, height: 100 };
    expect(pixelAt({ x: 5, y: 5 }, canvas, { width: 0, height: 0 })).toBeUndefined();
    expect(pixelAt({ x: 5, y: 5 }, { ...canvas, width: 0 }, picture)).toBeUndefined();
  });
});

describe("a drag that has left the picture", () => {
  const canvas = { left: 100, top: 100, width: 960, height: 540 };
  it.each([
    [{ x: 0, y: 0 }, { x: 0, y: 0 }],
    [{ x: 5000, y: 300 }, { x: 1919, y: 400 }],
    [{ x: 580, y: 9999 }, { x: 960, y: 1079 }],
  ])("goes on at the edge: %j", (point, pixel) => {
    expect(nearestPixel(point, canvas, picture)).toEqual(pixel);
  });
});

describe("the picture on the stage", () => {
  it("keeps its shape and is centred", () => {
    expect(fitted({ width: 1000, height: 1000 }, { width: 200, height: 100 })).toEqual({
      left: 0,
      top: 250,
      width: 1000,
      height: 500,
    });
  });
});
