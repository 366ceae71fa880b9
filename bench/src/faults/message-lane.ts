import { setTimeout as sleep } from 'node:timers/promises';
import {
  openPublisher,
  openSubscriber,
  type Message,
  type Publisher,
  type PublisherConfig,
  type Subscriber,
  type SubscriberConfig,
} from '@millrace/core';
import { Background, BURST, REST_MS, type Guarantee, type Lane, type LaneResult } from './lane.ts';
import { Ledger } from './ledger.ts';
import { quiet } from './quiet.ts';

export interface MessageLaneOptions {
  readonly name: string;
  readonly guarantee: Guarantee;
  /** Of publishers and subscribers. */
  readonly url: string;
  readonly publishers: number;
  readonly subscribers: number;
  readonly publisher?: PublisherConfig;
  readonly subscriber?: SubscriberConfig;
  /** Longer than any pause after which what was acknowledged still comes. */
  readonly quietMs: number;
}

/** About 300 bytes of JSON. */
const PAD = 'x'.repeat(260);

/** Publishers and subscribers with their default policy. */
export async function startMessageLane(options: MessageLaneOptions): Promise<Lane> {
  const { name, guarantee, url, quietMs } = options;
  const ledger = new Ledger();
  const stop = new AbortController();
  // Before the publishers: a channel has no memory.
  const subscribers = await Promise.all(
    Array.from({ length: options.subscribers }, () => openSubscriber(url, { name, ...options.subscriber })),
  );
  const publishers = await Promise.all(
    Array.from({ length: options.publishers }, () => openPublisher(url, { name, ...options.publisher })),
  );
  const receiving = new Background(
    subscribers.map((subscriber) =>
      subscriber.subscribe(({ value }) => ledger.receive((value as { readonly number: number }).number)),
    ),
  );
  const sending = new Background(publishers.map((publisher) => sendInBursts(publisher, ledger, stop.signal)));
  return {
    name,
    guarantee,
    arrived() {
      receiving.check();
      sending.check();
      return ledger.received;
    },
    async finish(): Promise<LaneResult> {
      stop.abort();
      await sending.ended(`${name}: sending`);
      await Promise.all(publishers.map((publisher) => publisher.close()));
      await quiet(
        () => ledger.received,
        () => ledger.received >= ledger.sent,
        quietMs,
      );
      await Promise.all(subscribers.map((subscriber) => subscriber.close()));
      await receiving.ended(`${name}: receiving`);
      return {
        ...ledger.account(),
        reconnects: reconnectsOf([...publishers, ...subscribers]),
        problems: publishers.flatMap(contradictions),
      };
    },
  };
}

async function sendInBursts(publisher: Publisher, ledger: Ledger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(
      Array.from({ length: BURST }, async () => {
        const number = ledger.take();
        const message: Message = { key: `key-${number}`, value: { number, pad: PAD } };
        await publisher.publish(message);
        ledger.acknowledge(number);
      }),
    );
    await sleep(REST_MS);
  }
}

const reconnectsOf = (ends: readonly (Publisher | Subscriber)[]): number =>
  ends.reduce((sum, end) => sum + end.details().reconnects, 0);

/** After its end, a publisher's counters must add up. */
function contradictions(publisher: Publisher): string[] {
  const { offered, publish_count: published, refused, dropped, queue_depth: queued } = publisher.details();
  if (offered === published && refused === 0 && dropped === 0 && queued === 0) return [];
  return [`${publisher.name}: ${offered} offered, ${published} published, ${refused} refused, ${dropped} dropped`];
}
