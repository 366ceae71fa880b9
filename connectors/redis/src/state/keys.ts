/** Where a state lies in Redis. All keys of a partition carry its hash tag, so one script may touch them all. */
export class StateKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Hash: format, schema and number of partitions. */
  readonly settings = (): string => `${this.#prefix}:state`;
  /** Text: token of the writer that owns the partition. */
  readonly owner = (partition: number): string => this.#of(partition, 'owner');
  /** Hash: committed offset, newest event and append time, event clock, counters. */
  readonly status = (partition: number): string => this.#of(partition, 'status');
  /** Bytes: the values of the bounded dimensions, in the order of their ids. */
  readonly dictionary = (partition: number): string => this.#of(partition, 'dictionary');
  /** Bytes: the events of one key in the order of their arrival. The key's text follows. */
  readonly timelines = (partition: number): string => this.#of(partition, 't:');
  /** Bytes: the chunks of one minute. The minute's number follows. */
  readonly rollups = (partition: number): string => this.#of(partition, 'm:');
  /** Sorted set: the minutes that exist. */
  readonly minutes = (partition: number): string => this.#of(partition, 'minutes');
  /** Sorted set: dedupe keys with the append time of their first event. */
  readonly seen = (partition: number): string => this.#of(partition, 'seen');
  /** Stream: dead letters; the ID is `<offset>-1`. */
  readonly deadLetters = (partition: number): string => this.#of(partition, 'letters');

  #of(partition: number, what: string): string {
    return `${this.#prefix}:{p${partition}}:${what}`;
  }
}

export const deadLetterEntry = (offset: number): string => `${offset}-1`;
