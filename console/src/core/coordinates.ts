// From a place on the page to a pixel of the picture, at any canvas size and letterboxing. Everything on the page is in
// CSS pixels, so the device's pixel ratio and the page's zoom cancel out.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A box on the page, like DOMRect. */
export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** The largest box of the picture's shape, centred in `stage`, in whole pixels where it starts. */
export function fitted(stage: Size, picture: Size): Box {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { left: (stage.width - width) / 2, top: (stage.height - height) / 2, width, height };
}

/** The box of the picture with a pixel of it on each pixel of the screen: centred in `stage`, or from its top left if larger. */
export function actualSize(stage: Size, picture: Size, devicePixelRatio: number): Box {
  const width = picture.width / devicePixelRatio;
  const height = picture.height / devicePixelRatio;
  const left = Math.max(Math.floor((stage.width - width) / 2), 0);
  const top = Math.max(Math.floor((stage.height - height) / 2), 0);
  return { left, top, width, height };
}

/** The pixel under `point`, or undefined where there is no picture (letterbox, or nothing drawn yet). */
export function pixelAt(point: Point, canvas: Box, picture: Size): Point | undefined {
  const place = placeOn(point, canvas, picture);
  const inside = place !== undefined && within(place.x, picture.width) && within(place.y, picture.height);
  return inside ? place : undefined;
}

/** The pixel nearest to `point`: for a drag that has left the picture. */
export function nearestPixel(point: Point, canvas: Box, picture: Size): Point | undefined {
  const place = placeOn(point, canvas, picture);
  return place && { x: clamped(place.x, picture.width), y: clamped(place.y, picture.height) };
}

function placeOn(point: Point, canvas: Box, picture: Size): Point | undefined {
  if (!(picture.width > 0 && picture.height > 0 && canvas.width > 0 && canvas.height > 0)) {
    return undefined;
  }
  const box = fitted(canvas, picture);
  const x = ((point.x - canvas.left - box.left) * picture.width) / box.width;
  const y = ((point.y - canvas.top - box.top) * picture.height) / box.height;
  return { x: Math.floor(x), y: Math.floor(y) };
}

function within(pixel: number, side: number): boolean {
  return pixel >= 0 && pixel < side;
}

function clamped(pixel: number, side: number): number {
  return Math.min(Math.max(pixel, 0), side - 1);
}
