import { setTimeout as sleep } from 'node:timers/promises';
import type { MillraceError } from '@millrace/core';
import { Connection } from './connection.ts';

/** Requests waiting per connection: enough to never run dry, little enough to keep a run's end near. */
const QUEUE_LENGTH = 64;
/** A platform that stops answers what it has received within two seconds. */
const LAST_ANSWERS_MS = 2500;

export interface LaneRequest {
  /** Made when it is its turn, so that nothing large waits. */
  text(): string;
  /** It is being sent now. */
  onSend?(): void;
  /** @param ms from being queued or sent, see {@link LanesOptions.paced}, to the whole answer */
  onAnswer(status: number, body: string, ms: number): void;
}

interface Waiting {
  readonly request: LaneRequest;
  readonly since: number;
}

export interface LanesOptions {
  readonly count: number;
  /**
   * Latencies include the wait for the connection: with a given rate that wait is the platform's doing. Without one
   * every request waits, because the next is always there already.
   */
  readonly paced: boolean;
  /** Called when there is room again. */
  onFree(): void;
  /** A connection is lost; once for each. */
  onLost(error: MillraceError): void;
}

/** Connections, opened when they are needed, that each send their requests one after the other, in the order given. */
export class Lanes {
  private readonly connections: Connection[];
  private readonly queues: Waiting[][];
  private readonly options: LanesOptions;
  private outstanding = 0;
  private isEnding = false;

  constructor(url: URL, options: LanesOptions) {
    this.options = options;
    this.connections = Array.from(
      { length: options.count },
      () => new Connection(url, (error) => options.onLost(error)),
    );
    this.queues = this.connections.map(() => []);
  }

  get idle(): boolean {
    return this.outstanding === 0;
  }

  hasRoom(lane: number): boolean {
    return this.queues[lane]!.length < QUEUE_LENGTH;
  }

  /** The lane with the shortest queue. */
  shortest(): number {
    let best = 0;
    for (let lane = 1; lane < this.queues.length; lane++) {
      if (this.lengthOf(lane) < this.lengthOf(best)) best = lane;
    }
    return best;
  }

  push(lane: number, request: LaneRequest): void {
    this.outstanding++;
    this.queues[lane]!.push({ request, since: performance.now() });
    if (!this.connections[lane]!.busy) this.sendNext(lane);
  }

  /** Sends nothing more, and waits for the answers that are still to come. */
  async end(): Promise<void> {
    this.isEnding = true;
    const since = performance.now();
    while (this.connections.some(({ busy }) => busy) && performance.now() - since < LAST_ANSWERS_MS) await sleep(10);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  private lengthOf(lane: number): number {
    return this.queues[lane]!.length + (this.connections[lane]!.busy ? 1 : 0);
  }

  private sendNext(lane: number): void {
    const waiting = this.isEnding ? undefined : this.queues[lane]!.shift();
    if (waiting === undefined) return;
    const { request } = waiting;
    const since = this.options.paced ? waiting.since : performance.now();
    request.onSend?.();
    this.connections[lane]!.send(request.text(), (status, body) => {
      this.outstanding--;
      this.sendNext(lane);
      request.onAnswer(status, body, performance.now() - since);
      this.options.onFree();
    });
  }
}
