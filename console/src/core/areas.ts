// Parts of a picture, in its pixels. `undefined` stands for all of it.

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest area that has all of these in it. */
export function bounds(areas: readonly (Area | undefined)[]): Area | undefined {
  const parts = areas.filter((area) => area !== undefined);
  if (parts.length < areas.length || parts.length === 0) {
    return undefined;
  }
  const x = Math.min(...parts.map((part) => part.x));
  const y = Math.min(...parts.map((part) => part.y));
  const right = Math.max(...parts.map((part) => part.x + part.width));
  const bottom = Math.max(...parts.map((part) => part.y + part.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The smallest area around it that begins and ends on even pixels, as pictures with halved colours are cut. */
export function evened({ x, y, width, height }: Area): Area {
  const left = x & ~1;
  const top = y & ~1;
  return { x: left, y: top, width: (x + width - left + 1) & ~1, height: (y + height - top + 1) & ~1 };
}
