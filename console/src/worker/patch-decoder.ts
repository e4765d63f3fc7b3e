// JPEG patches: images are decoded side by side, and handed out in the order in which their frames came.
import { parsePatches } from "../core/patches.ts";
import type { Frame } from "../core/frames.ts";
import { patchesDrawable, type Drawable } from "./drawable.ts";
import type { DecoderReports } from "./picture-decoder.ts";
import type { Decoder } from "./stream.ts";

export class PatchDecoder implements Decoder {
  readonly #reports: DecoderReports;
  #before: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(reports: DecoderReports) {
    this.#reports = reports;
  }

  decode({ header, payload }: Frame, arrivedAt: number): void {
    const drawable = patchesDrawable(header, arrivedAt, parsePatches(payload, header));
    this.#before = this.#inOrder(this.#before, drawable);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #inOrder(before: Promise<void>, coming: Promise<Drawable>): Promise<void> {
    // Waited for together: a failure of the later one must not go unheard while the earlier one is awaited.
    const [, found] = await Promise.allSettled([before, coming]);
    if (found.status === "rejected") {
      return this.#isClosed ? undefined : this.#reports.failed(found.reason);
    }
    return this.#isClosed ? found.value.close() : this.#reports.decoded(found.value);
  }
}
