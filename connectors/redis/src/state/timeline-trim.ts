import { trimmed } from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import type { StateKeys } from './keys.ts';
import { TRIM } from './scripts.ts';

/** About the size of one event: timelines are looked at when they have grown by so much for each event to keep. */
const EVENT_BYTES = 32;

/** Shortens timelines to the events that readers see. */
export class TimelineTrim {
  /** A timeline is looked at whenever its length passes a multiple of this. */
  readonly stepBytes: number;
  readonly #link: BoundedLink;
  readonly #keys: StateKeys;
  readonly #keep: number;

  constructor(link: BoundedLink, keys: StateKeys, keep: number) {
    this.stepBytes = keep * EVENT_BYTES;
    this.#link = link;
    this.#keys = keys;
    this.#keep = keep;
  }

  /** Trims these timelines of a partition that the token owns; one that has grown since is left for the next time. */
  async trim(partition: number, token: string, keys: readonly Buffer[]): Promise<void> {
    const names = [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
    const stored = await this.#link.run((client) => client.mgetBuffer(names));
    const shorter = stored.flatMap((bytes, at) => {
      const left = bytes === null ? undefined : trimmed(bytes, this.#keep);
      return left === undefined ? [] : [names[at]!, bytes!.length, left];
    });
    if (shorter.length === 0) return;
    await this.#link.run((client) => TRIM.run(client, [this.#keys.owner(partition)], [token, ...shorter]));
  }
}
