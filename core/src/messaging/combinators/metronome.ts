import { setTimeout as sleep } from 'node:timers/promises';
import type { SignalOption } from '../../lifecycle.ts';
import type { JsonValue, Publisher } from '../../publisher.ts';
import { defineOptions, secondsOption } from '../../config/index.ts';
import { resolveConfig } from '../config.ts';
import type { SubscriberConfig } from '../create.ts';
import { SourceSubscriber } from '../source-subscriber.ts';
import type { PreparedSource, Source } from '../source.ts';
import { subscriberWithoutUrl } from './standalone.ts';

export const metronomeOptions = defineOptions('metronome', {
  interval: secondsOption({ default: 1, min: 0.001, max: 86_400, description: 'Time between two messages' }),
});

export interface MetronomeConfig extends SubscriberConfig {
  /** A number of seconds, or a text with a unit. Default 1. */
  readonly interval?: number | string;
  /** Default `tick`. */
  readonly message?: JsonValue;
}

/**
 * Receives `{ message, current_timestamp }` at a steady pace, the time as `YYYYMMDDHHMMSS` in UTC. The first one comes
 * after one interval. What is late makes nothing later, and beats that are missed altogether (a suspended process) are left out.
 *
 * @example
 * const beats = new MetronomeSubscriber('beats', { interval: '500ms', message: 'tick' });
 */
export class MetronomeSubscriber extends SourceSubscriber {
  /** Takes the options of every subscriber. @throws INVALID_OPTION */
  constructor(name: string, { interval, message = 'tick', ...config }: MetronomeConfig = {}) {
    const intervalMs = readInterval(name, interval);
    super(beats(intervalMs, message), subscriberWithoutUrl(name, 'metronome', config));
  }
}

/**
 * Publishes what a {@link MetronomeSubscriber} receives, until the signal aborts. Resolves with the number of messages.
 *
 * @throws what `publish` throws
 */
export async function publishMetronome(
  publisher: Publisher,
  { interval, message = 'tick', signal }: Pick<MetronomeConfig, 'interval' | 'message'> & SignalOption = {},
): Promise<number> {
  const pace = new Pace(readInterval(publisher.name, interval));
  for (let count = 0; ; count++) {
    if (!(await pace.next(signal))) return count;
    await publisher.publish({ value: beat(message) });
  }
}

function readInterval(name: string, interval: unknown): number {
  const [values] = resolveConfig([metronomeOptions], {}, [{ place: `metronome "${name}"`, values: { interval } }]);
  return values.interval;
}

const beats = (intervalMs: number, message: JsonValue): PreparedSource => ({
  async connect(): Promise<Source> {
    const pace = new Pace(intervalMs);
    return {
      receive: async (_max, signal) => ((await pace.next(signal)) ? [{ body: '', value: beat(message) }] : []),
      close: async () => {},
    };
  },
});

function beat(message: JsonValue): JsonValue {
  const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return { message, current_timestamp: timestamp };
}

/** Multiples of the interval from now on. */
class Pace {
  readonly #intervalMs: number;
  readonly #start = performance.now();
  #beat = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Waits for the next one. False when the signal aborted first. */
  async next(signal: AbortSignal | undefined): Promise<boolean> {
    const now = performance.now() - this.#start;
    const due = Math.max(this.#beat + 1, Math.floor(now / this.#intervalMs));
    try {
      await sleep(Math.max(0, due * this.#intervalMs - now), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) return false;
      throw error;
    }
    this.#beat = due;
    return true;
  }
}
