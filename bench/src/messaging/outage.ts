import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, type Publisher, type PublisherDetails } from '@millrace/core';
import { memoryOf } from '../process-stats.ts';
import type { ProofContext } from '../proof.ts';
import { Orders } from './order.ts';
import type { Target } from './target.ts';

export type Policy = 'block' | 'drop-oldest';

export interface OutageOptions {
  readonly target: Target;
  readonly policy: Policy;
  /** Messages that the application has. */
  readonly messages: number;
  /** The publisher's `max_queue_depth`. */
  readonly depth: number;
  /** How long its attempts to come back are watched before the server starts again. */
  readonly awayMs: number;
}

export interface OutageFigures {
  /** While the server was away, after everything that could be offered was. */
  readonly away: PublisherDetails;
  /** Messages that the application still had then. */
  readonly leftWithCaller: number;
  /** Told to `onError`. */
  readonly told: number;
  /** Resident memory, bytes: before the outage, and the most seen until the end. Garbage is part of it. */
  readonly rssBefore: number;
  readonly rssPeak: number;
  /** What is in use, in JavaScript's heap and outside, bytes: how much more it is while everything waits. */
  readonly liveGrowth: number;
  /** Longest time between two attempts to connect, milliseconds. */
  readonly longestPauseMs: number;
  /** From the first success of a raw client until the first delivery; negative when the publisher was first. */
  readonly resumedAfterMs: number;
  readonly end: PublisherDetails;
  /** In the destination, counted by its server. */
  readonly arrived: number;
}

const RAW_PAUSE_MS = 5;
const SAMPLE_MS = 2;
const BREATHE_EVERY = 500;
/** A caller that has been waiting for so long for a place in the queue will not get one. */
const FULL_AFTER_MS = 1000;

/** Kills the server, offers everything, starts the server again, and looks at what happens when. */
export async function runOutage(options: OutageOptions, log: ProofContext['log']): Promise<OutageFigures> {
  const { target, policy, messages, depth, awayMs } = options;
  let told = 0;
  const publisher = await openPublisher(target.url, {
    overflow: policy,
    max_queue_depth: depth,
    onError: () => told++,
  });
  const memory = new MemoryWatch();
  try {
    await target.server.kill();
    const rssBefore = await memory.now();
    const liveBefore = liveBytes();
    const offering = offer(publisher, { messages, policy, depth });
    await offering.full;
    const leftWithCaller = messages - offering.taken();
    const away = publisher.details();
    log(`${target.name}, ${policy}: ${offering.taken()} of ${messages} taken while it is away`);
    const liveGrowth = liveBytes() - liveBefore;
    const longestPauseMs = await longestPause(target, awayMs);
    const resumedAfterMs = await resume(target, publisher);
    log(`${target.name}, ${policy}: resumed ${Math.round(resumedAfterMs)} ms after a raw client`);
    await offering.done;
    await publisher.flush();
    const arrived = await target.count();
    const rssPeak = await memory.stop();
    const end = publisher.details();
    return { away, leftWithCaller, told, rssBefore, rssPeak, liveGrowth, longestPauseMs, resumedAfterMs, end, arrived };
  } finally {
    await memory.stop();
    await publisher.close();
  }
}

interface Offering {
  /** Resolves when everything is taken, or the queue takes no more. */
  readonly full: Promise<void>;
  readonly done: Promise<void>;
  taken(): number;
}

/** As applications should: the next message when the queue has the one before. */
function offer(
  publisher: Publisher,
  { messages, policy, depth }: Pick<OutageOptions, 'messages' | 'policy' | 'depth'>,
): Offering {
  const orders = new Orders();
  let taken = 0;
  let takenAt = performance.now();
  const done = (async () => {
    while (taken < messages) {
      await publisher.enqueue({ key: orders.keyAt(taken), value: orders.at(taken) });
      taken++;
      takenAt = performance.now();
      // A loop of promises alone keeps everything else from running.
      if (taken % BREATHE_EVERY === 0) await breathe();
    }
  })();
  // On a busy machine nothing may be taken for so long although there is room.
  const isStuck = (): boolean => {
    const { offered, queue_depth: queued } = publisher.details();
    return offered > taken && queued >= depth && performance.now() - takenAt >= FULL_AFTER_MS;
  };
  const mayGoOn = (): boolean => taken < messages && !isStuck();
  const stuck = async (): Promise<void> => {
    while (mayGoOn()) await sleep(SAMPLE_MS);
  };
  return { full: policy === 'block' ? Promise.race([done, stuck()]) : done, done, taken: () => taken };
}

/** Bytes in use. @throws Error unless Node.js runs with `--expose-gc` */
function liveBytes(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Samples the resident memory of this process. */
class MemoryWatch {
  #peak = 0;
  readonly #timer = setInterval(() => void this.now(), 50);

  async now(): Promise<number> {
    const { rss } = await memoryOf(process.pid);
    this.#peak = Math.max(this.#peak, rss);
    return rss;
  }

  async stop(): Promise<number> {
    clearInterval(this.#timer);
    await this.now();
    return this.#peak;
  }
}

/** Attempts to connect reach the proxy, whose server is away. */
async function longestPause({ proxy }: Target, awayMs: number): Promise<number> {
  const startedAt = performance.now();
  let longest = 0;
  let last = proxy.accepted;
  let lastAt: number | undefined;
  for (let now = startedAt; now - startedAt < awayMs; now = performance.now()) {
    if (proxy.accepted > last) {
      if (lastAt !== undefined) longest = Math.max(longest, now - lastAt);
      last = proxy.accepted;
      lastAt = now;
    }
    await sleep(SAMPLE_MS);
  }
  // None at all counts as one pause of the whole time.
  return lastAt === undefined ? awayMs : Math.max(longest, performance.now() - lastAt);
}

async function resume(target: Target, publisher: Publisher): Promise<number> {
  const before = publisher.details().publish_count;
  const delivered = firstTime(async () => publisher.details().publish_count > before);
  const raw = firstTime(async () => {
    await target.tryRaw();
    return true;
  });
  await target.server.restart();
  const [deliveredAt, rawAt] = await Promise.all([delivered, raw]);
  return deliveredAt - rawAt;
}

/** When it was true for the first time; a rejection counts as not yet. */
async function firstTime(isSo: () => Promise<boolean>): Promise<number> {
  for (;;) {
    if (await isSo().catch(() => false)) return performance.now();
    await sleep(RAW_PAUSE_MS);
  }
}
