import type { ClientOptions } from '../client-options.ts';
import type { StartPlace } from '../consume/start-place.ts';
import type { ConsumerValues } from '../options.ts';
import type { Topic } from '../topic.ts';

export interface SourceOptions extends ConsumerValues {
  readonly client: ClientOptions;
  readonly topic: Topic;
  /** Where to begin; of a group, in partitions that Kafka has no offset of. */
  readonly from: StartPlace;
  /** Of the URL, for messages. */
  readonly display: string;
}

/** Small enough to keep what waits in memory small, large enough to make a fetch worth its cost. */
export const MAX_BYTES = 1024 * 1024;
