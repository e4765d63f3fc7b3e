// The few lines of DOM help the page needs: building elements, and changing only what changed, so that screen readers
// are not told the same thing again.

type Child = Node | string;

export interface Properties {
  readonly class?: string;
  readonly testid?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.class !== undefined) {
    element.className = properties.class;
  }
  if (properties.testid !== undefined) {
    element.dataset["testid"] = properties.testid;
  }
  for (const [name, value] of Object.entries(properties.attributes ?? {})) {
    element.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(properties.on ?? {})) {
    element.addEventListener(name, listener);
  }
  element.append(...children);
  return element;
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

/** Shows or hides for everybody, screen readers included. */
export function show(element: HTMLElement, when: unknown): void {
  element.hidden = !when;
}

/** An id no other element has, to tie labels to what they label. */
export function uniqueId(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

let counter = 0;
