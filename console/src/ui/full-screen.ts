// The stage over the whole screen, and with it, where the browser can, all keys: also those that it or the system would keep
// for itself (Keyboard Lock). Both end with full screen, which the browser lets everybody leave (Escape, held if all keys go).

interface KeyboardLock {
  readonly lock: () => Promise<void>;
  readonly unlock: () => void;
}

export class FullScreen {
  readonly #element: HTMLElement;
  readonly #changed: () => void;
  readonly #keyboard = (navigator as { keyboard?: Partial<KeyboardLock> }).keyboard;
  readonly #ended = new AbortController();
  #hasAllKeys = false;

  constructor(element: HTMLElement, changed: () => void) {
    this.#element = element;
    this.#changed = changed;
    document.addEventListener("fullscreenchange", () => this.#turned(), { signal: this.#ended.signal });
  }

  get isPossible(): boolean {
    return document.fullscreenEnabled;
  }

  get isOn(): boolean {
    return document.fullscreenElement === this.#element;
  }

  /** Whether all keys can be had. */
  get canHaveAllKeys(): boolean {
    return this.isPossible && this.#keyboard?.lock !== undefined;
  }

  get hasAllKeys(): boolean {
    return this.#hasAllKeys;
  }

  /** Does nothing if the browser does not want to: the page works without. */
  async enter(): Promise<void> {
    if (!this.isOn) {
      await this.#element.requestFullscreen({ navigationUI: "hide" }).catch(() => undefined);
    }
  }

  async leave(): Promise<void> {
    this.releaseKeys();
    if (this.isOn) {
      await document.exitFullscreen();
    }
  }

  /** All keys, while in full screen. */
  async takeKeys(): Promise<void> {
    if (!this.isOn) {
      return;
    }
    const isLocked = await this.#keyboard?.lock?.().then(() => true, () => false);
    this.#hasAllKeys = this.isOn && isLocked === true;
    this.#changed();
  }

  releaseKeys(): void {
    if (this.#hasAllKeys) {
      this.#hasAllKeys = false;
      this.#keyboard?.unlock?.();
      this.#changed();
    }
  }

  dispose(): void {
    this.#ended.abort();
    void this.leave();
  }

  #turned(): void {
    if (!this.isOn) {
      this.releaseKeys();
    }
    this.#changed();
  }
}
