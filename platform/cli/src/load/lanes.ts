import type { MillraceError } from '@millrace/core';
import { Connection } from './connection.ts';

/** Requests waiting per connection: enough to never run dry, little enough to keep a run's end near. */
const QUEUE_LENGTH = 64;

export interface LaneRequest {
  /** Made when it is its turn, so that nothing large waits. */
  text(): string;
  /** It is being sent now. */
  onSend?(): void;
  /** @param ms from being queued to the whole answer: waiting for the connection is the platform's doing */
  onAnswer(status: number, body: string, ms: number): void;
}

interface Waiting {
  readonly request: LaneRequest;
  readonly since: number;
}

/** Connections that each send their requests one after the other, in the order given. */
export class Lanes {
  private readonly connections: Connection[];
  private readonly queues: Waiting[][];
  private readonly onFree: () => void;
  private outstanding = 0;

  /** @param onFree called when there is room again; @param onLost when a connection is lost, once for each */
  constructor(url: URL, count: number, onFree: () => void, onLost: (error: MillraceError) => void) {
    this.onFree = onFree;
    this.connections = Array.from({ length: count }, () => new Connection(url, onLost));
    this.queues = this.connections.map(() => []);
  }

  async open(): Promise<void> {
    await Promise.all(this.connections.map(({ ready }) => ready));
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

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  private lengthOf(lane: number): number {
    return this.queues[lane]!.length + (this.connections[lane]!.busy ? 1 : 0);
  }

  private sendNext(lane: number): void {
    const waiting = this.queues[lane]!.shift();
    if (waiting === undefined) return;
    const { request, since } = waiting;
    request.onSend?.();
    this.connections[lane]!.send(request.text(), (status, body) => {
      this.outstanding--;
      this.sendNext(lane);
      request.onAnswer(status, body, performance.now() - since);
      this.onFree();
    });
  }
}
