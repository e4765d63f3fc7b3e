// A small button that is an icon, stays pressed while what it does is on, and tells its name to everybody.
import { h, setAttribute } from "./dom.ts";
import { setIcon, type IconName } from "./icons.ts";

export class ToolButton {
  readonly element: HTMLButtonElement;

  constructor(testid: string, click: () => void) {
    this.element = h("button", { class: "tool", testid, attributes: { type: "button" }, on: { click } });
  }

  render(icon: IconName, name: string, isOn: boolean): void {
    setIcon(this.element, icon);
    setAttribute(this.element, "aria-label", name);
    setAttribute(this.element, "title", name);
    setAttribute(this.element, "aria-pressed", String(isOn));
  }
}
