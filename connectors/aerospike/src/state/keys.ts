import type { Driver } from '../client.ts';
import type { Key } from '../records.ts';

export interface StatePlace {
  /** Of everything but the rollups. */
  readonly namespace: string;
  readonly aggregatesNamespace: string;
  /** First part of the names of all sets. */
  readonly set: string;
}

/** Keys are bytes: the client takes no empty text, and cuts others at NUL. */
const bytes = (text: string): Buffer => Buffer.from(text);

/** Where a state lies in Aerospike: see docs/aerospike-state.md. */
export class StateKeys {
  readonly #driver: Driver;
  readonly #place: StatePlace;

  constructor(driver: Driver, place: StatePlace) {
    this.#driver = driver;
    this.#place = place;
  }

  /** The sets with their namespaces. */
  get sets(): readonly { readonly namespace: string; readonly set: string }[] {
    const { namespace, aggregatesNamespace, set } = this.#place;
    return ['', '-timelines', '-seen', '-letters']
      .map((suffix) => ({ namespace, set: set + suffix }))
      .concat({ namespace: aggregatesNamespace, set: `${set}-minutes` });
  }

  readonly settings = (): Key => this.#key('', 'settings');
  readonly status = (partition: number): Key => this.#key('', `status ${partition}`);
  readonly dictionary = (partition: number, block: number): Key => this.#key('', `dictionary ${partition} ${block}`);
  readonly timeline = (key: string): Key => this.#key('-timelines', `t${key}`);
  readonly minute = (partition: number, minute: number, block: number): Key =>
    this.#key('-minutes', `${partition} ${minute} ${block}`, this.#place.aggregatesNamespace);
  /** Where a record of a minute lies, for messages. */
  placeOfMinute(partition: number, minute: number, block: number): string {
    const { aggregatesNamespace, set } = this.#place;
    return `"${partition} ${minute} ${block}" of ${aggregatesNamespace}.${set}-minutes`;
  }

  /** @param name partition and dedupe key */
  readonly seen = (name: string): Key => this.#key('-seen', name);
  readonly letter = (partition: number, offset: number): Key => this.#key('-letters', `${partition} ${offset}`);
  readonly letterBlock = (partition: number, block: number): Key =>
    this.#key('-letters', `index ${partition} ${block}`);
  readonly letterSection = (partition: number, section: number): Key =>
    this.#key('-letters', `section ${partition} ${section}`);

  #key(suffix: string, name: string, namespace = this.#place.namespace): Key {
    return new this.#driver.Key(namespace, this.#place.set + suffix, bytes(name)) as Key;
  }
}

/** Longest of the suffixes above: a name of a set has 63 bytes at most. */
export const LONGEST_SUFFIX_BYTES = '-timelines'.length;
