import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SWEEP_MS = 25;
/** For a client to take its last answer and end its side. */
const LINGER_MS = 1000;

/** Knows which of its connections wait for a request, and closes them. */
interface ConnectionHolder {
  closeIdleConnections(): void;
}

/** Knows the connections of a server, and gets rid of them when it stops. */
export class ConnectionCloser {
  readonly #server: Server;
  readonly #lane: ConnectionHolder | undefined;
  readonly #sockets = new Set<Socket>();
  /** Since when they have sent their last answer. */
  readonly #over = new WeakMap<Socket, number>();

  /** @param lane holds connections that the server's own parser does not know */
  constructor(server: Server, lane: ConnectionHolder | undefined) {
    this.#server = server;
    this.#lane = lane;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Closes what is idle until `closed` resolves; after the deadline everything.
   *
   * @returns whether requests had to be cut off
   */
  async drain(closed: Promise<unknown>, deadlineMs: number): Promise<boolean> {
    const done = closed.then(() => true);
    const until = performance.now() + deadlineMs;
    let cut = false;
    // More than once: a connection that was busy when the server stopped listening becomes idle later.
    while (!(await Promise.race([done, sleep(SWEEP_MS, false)]))) {
      this.#server.closeIdleConnections();
      this.#lane?.closeIdleConnections();
      this.#closeUnused();
      if (performance.now() < until) continue;
      cut = true;
      for (const socket of this.#sockets) socket.destroy();
    }
    return cut;
  }

  /**
   * Node takes a connection on which nothing was ever sent for a busy one; browsers open such ahead of need. And one
   * whose last answer has gone out is over, whether or not the client ends its side too: but what it still sends is read,
   * because unread input would reset the connection, and lose what is on its way to the client.
   */
  #closeUnused(): void {
    for (const socket of this.#sockets) {
      if (socket.bytesRead === 0) socket.destroy();
      else if (socket.writableFinished) this.#closeOver(socket.resume());
    }
  }

  #closeOver(socket: Socket): void {
    const since = this.#over.get(socket) ?? performance.now();
    this.#over.set(socket, since);
    if (socket.readableEnded || performance.now() >= since + LINGER_MS) socket.destroy();
  }
}
