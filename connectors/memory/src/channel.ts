import { BoundedQueue } from './bounded-queue.ts';
import { DEFAULT_MAX_SIZE } from './place.ts';
import type { Place } from './place.ts';
import type { MemoryMessage } from './publisher.ts';

/** A queue has one buffer that all its subscribers share; a topic has one for each subscriber. */
export interface Channel {
  readonly maxSize: number;
  readonly buffers: Set<BoundedQueue<MemoryMessage>>;
  /** Open publishers and subscribers. */
  users: number;
}

export function newChannel({ kind, maxSize = DEFAULT_MAX_SIZE }: Place): Channel {
  return { maxSize, buffers: new Set(kind === 'queue' ? [new BoundedQueue<MemoryMessage>(maxSize)] : []), users: 0 };
}
