import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** What a connection holds at most while it is delayed or throttled; beyond it the sender is not read any more. */
const MAX_QUEUED_BYTES = 1024 * 1024;
const THROTTLE_STEP_BYTES = 4 * 1024;

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that were accepted since the start. */
  readonly accepted: number;
  /** Resets all open connections. New ones are accepted. @returns how many there were */
  cut(): number;
  /** Stops listening: new connections are refused, open ones stay. */
  refuse(): void;
  /** Listens again after `refuse`. */
  accept(): Promise<void>;
  /** Delivers every byte this many milliseconds later, in each direction. 0 for none. */
  delay(milliseconds: number): void;
  /** Bytes per second, per connection and direction. Infinity for no limit. */
  throttle(bytesPerSecond: number): void;
  /** From now on connections stay open and nothing passes, as when packets are lost; `false` delivers what waited. */
  blackHole(on: boolean): void;
  /** From now on what the clients send passes and no answer does; `false` delivers those that waited. */
  holdAnswers(on: boolean): void;
  /** Resets all connections and stops listening. */
  stop(): Promise<void>;
}

/** Conditions of the wire; a change counts for what is on the way, too. */
interface Wire {
  delayMs: number;
  bytesPerSecond: number;
}

/** Lets everything through or nothing. */
class Gate {
  /** Pending while nothing passes. */
  passable: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;

  shut(on: boolean): void {
    this.#open?.();
    this.#open = undefined;
    if (!on) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.passable = promise;
    this.#open = resolve;
  }
}

/** Starts a proxy on a free port of 127.0.0.1 to `target`, through which a test breaks connections of its choice. */
export async function startTcpProxy(options: {
  readonly target: { readonly host?: string; readonly port: number };
}): Promise<TcpProxy> {
  const { port: targetPort, host = '127.0.0.1' } = options.target;
  const port = await freePort();
  const wire: Wire = { delayMs: 0, bytesPerSecond: Infinity };
  const [everything, answers] = [new Gate(), new Gate()];
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++;
    const upstream = connect({ port: targetPort, host, allowHalfOpen: true, noDelay: true });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      // The error is the other side's to see: as the end of its connection.
      socket.on('error', () => reset(pair)).on('close', () => pairs.delete(pair));
    }
    void carry(client, upstream, wire, [everything]).catch(() => reset(pair));
    void carry(upstream, client, wire, [everything, answers]).catch(() => reset(pair));
  });
  await listen(server, port);

  const proxy: TcpProxy = {
    port,
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut() {
      const count = pairs.size;
      for (const pair of pairs) reset(pair);
      pairs.clear();
      return count;
    },
    refuse() {
      if (server.listening) server.close();
    },
    async accept() {
      if (!server.listening) await listen(server, port);
    },
    delay(milliseconds) {
      wire.delayMs = milliseconds;
    },
    throttle(bytesPerSecond) {
      wire.bytesPerSecond = bytesPerSecond;
    },
    blackHole(on) {
      everything.shut(on);
    },
    holdAnswers(on) {
      answers.shut(on);
    },
    async stop() {
      proxy.blackHole(false);
      proxy.holdAnswers(false);
      const closed = server.listening ? once(server, 'close') : undefined;
      if (server.listening) server.close();
      proxy.cut();
      await closed;
    },
  };
  return proxy;
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function reset(pair: readonly [Socket, Socket]): void {
  for (const socket of pair) socket.resetAndDestroy();
}

/** Takes bytes from one side to the other, in order: reading runs ahead of writing, so that a delay costs no throughput. */
async function carry(from: Socket, to: Socket, wire: Wire, gates: readonly Gate[]): Promise<void> {
  const queue: { readonly chunk: Buffer; readonly readAt: number }[] = [];
  let queuedBytes = 0;
  let ended = false;
  let wake: (() => void) | undefined;
  from.on('data', (chunk: Buffer) => {
    queue.push({ chunk, readAt: performance.now() });
    queuedBytes += chunk.length;
    if (queuedBytes > MAX_QUEUED_BYTES) from.pause();
    wake?.();
  });
  const finish = (): void => {
    ended = true;
    wake?.();
  };
  from.on('end', finish).on('close', finish);
  for (;;) {
    const next = queue.shift();
    if (next === undefined) {
      if (ended) break;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
      continue;
    }
    for (const gate of gates) await gate.passable;
    const wait = next.readAt + wire.delayMs - performance.now();
    if (wait > 0) await sleep(wait);
    await write(next.chunk, to, wire);
    queuedBytes -= next.chunk.length;
    from.resume();
  }
  to.end();
}

async function write(chunk: Buffer, to: Socket, wire: Wire): Promise<void> {
  const step = wire.bytesPerSecond === Infinity ? chunk.length : THROTTLE_STEP_BYTES;
  for (let start = 0; start < chunk.length && !to.destroyed; start += step) {
    const part = chunk.subarray(start, start + step);
    const isTaken = to.write(part);
    if (wire.bytesPerSecond !== Infinity) await sleep((part.length / wire.bytesPerSecond) * 1000);
    if (!isTaken) await once(to, 'drain');
  }
}
