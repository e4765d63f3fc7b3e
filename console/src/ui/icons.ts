// The page's icons: strokes on a 24 by 24 grid, coloured by the text around them, silent for screen readers.

const PATHS = {
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Z",
  pointer: "M5 4l6.2 15.5 2.2-6.1 6.1-2.2L5 4ZM13.6 13.6 19 19",
  plus: "M12 5v14M5 12h14",
  copy: "M9 9.5A1.5 1.5 0 0 1 10.5 8h8A1.5 1.5 0 0 1 20 9.500v8a1.5 1.5 0 0 1-1.5 1.500h-8A1.5 1.5 0 0 1 9 17.500zM15 8V5.500A1.5 1.5 0 0 0 13.5 4h-8A1.5 1.5 0 0 0 4 5.500v8A1.5 1.5 0 0 0 5.5 15H9",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.700l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.700l1-1",
  check: "M5 12.500l4.5 4.500L19 7.5",
  close: "M6.5 6.500l11 11M17.5 6.500l-11 11",
  pause: "M9 6v12M15 6v12",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16ZM12 8v4.500l3 1.8",
  offline: "M4 4l16 16M8.5 8.300A12 12 0 0 0 3.5 10.500M12 7.500c3.3 0 6.3 1.1 8.5 3M7 14a8 8 0 0 1 4-1.800M15.5 13.2 17 14M12 18.500h.01",
  hand: "M8 12V6.200a1.5 1.5 0 0 1 3 0V11V4.700a1.5 1.5 0 0 1 3 0V11V6.200a1.5 1.5 0 0 1 3 0V14c0 3.5-2.2 6-5.5 6-2.6 0-4-1.3-5.2-3.400l-1.9-3.300a1.4 1.4 0 0 1 2.3-1.500L8 13.5",
  stop: "M7.5 6.500h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1Z",
  chat: "M5 5.500h14A1.5 1.5 0 0 1 20.5 7v8.500A1.5 1.5 0 0 1 19 17h-7l-4.5 3.500V17H5a1.5 1.5 0 0 1-1.5-1.500V7A1.5 1.5 0 0 1 5 5.500Z",
  send: "M4.5 12 20 4.5 15 20l-3.2-6.300L4.5 12ZM11.8 13.7 20 4.5",
  power: "M12 4v7.500M7.2 6.800a7.2 7.2 0 1 0 9.6 0",
  back: "M14.5 6l-6 6 6 6",
  leave: "M13.5 5H7a1.5 1.5 0 0 0-1.5 1.500v11A1.5 1.5 0 0 0 7 19h6.500M10.5 12H20M17 8.500l3.5 3.5-3.5 3.5",
  screen: "M5 5h14a1.5 1.5 0 0 1 1.5 1.500v9A1.5 1.5 0 0 1 19 17H5a1.5 1.5 0 0 1-1.5-1.500v-9A1.5 1.5 0 0 1 5 5ZM9 20.500h6M12 17v3.5",
  fit: "M4 5.500h16v13H4ZM8 12h8M10 10l-2 2 2 2M14 10l2 2-2 2",
  actual: "M4 5.500h16v13H4ZM8 10.500l1.500-1v5.500M14.500 10.500l1.500-1v5.500M12.300 11v.01M12.300 14v.01",
  full: "M9 4.500H4.500V9M15 4.500h4.500V9M9 19.500H4.500V15M15 19.500h4.500V15",
  shrink: "M4.500 9H9V4.500M19.500 9H15V4.500M4.500 15H9v4.500M19.500 15H15v4.500",
  gauge: "M4.500 17a8 8 0 1 1 15 0M12 15l3.500-5.500",
  keyboard: "M4.5 6.500h15A1.5 1.5 0 0 1 21 8v8a1.5 1.5 0 0 1-1.5 1.500h-15A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.500ZM7 10.500h.01M10.3 10.500h.01M13.7 10.500h.01M17 10.500h.01M8.5 14h7",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Swaps the icon in `holder`, if it is another one. */
export function setIcon(holder: HTMLElement, name: IconName): void {
  if (holder.dataset["icon"] !== name) {
    holder.dataset["icon"] = name;
    holder.replaceChildren(icon(name));
  }
}

/** The mark: two people standing beside each other. */
export function mark(): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  svg.append(person(11.5, "mark-first"), person(20.5, "mark-second"));
  return svg;
}

function person(x: number, name: string): SVGGElement {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", name);
  const head = document.createElementNS(SVG, "circle");
  const body = document.createElementNS(SVG, "rect");
  const shape = { cx: x, cy: 8.5, r: 3.6 };
  const box = { x: x - 3.6, y: 14, width: 7.2, height: 12.5, rx: 3.6 };
  Object.entries(shape).forEach(([key, value]) => head.setAttribute(key, String(value)));
  Object.entries(box).forEach(([key, value]) => body.setAttribute(key, String(value)));
  group.append(head, body);
  return group;
}
