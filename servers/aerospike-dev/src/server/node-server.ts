import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { NodeInfo } from '../info/command.ts';
import { serveConnection } from './connection.ts';
import type { Executor } from './executor.ts';

/** One node's listener and its connections. */
export class NodeServer {
  readonly #executor: Executor;
  readonly #info: NodeInfo;
  readonly #onError: (error: unknown) => void;
  readonly #sockets = new Set<Socket>();
  readonly #maxConnections: number;
  #server: Server | undefined;

  constructor(executor: Executor, info: NodeInfo, maxConnections: number, onError: (error: unknown) => void) {
    this.#executor = executor;
    this.#maxConnections = maxConnections;
    this.#info = info;
    this.#onError = onError;
  }

  /** @returns the port, which is another one where 0 was asked for */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    // As a real server with its `proto-fd-max`, it closes a connection above the limit at once.
    server.maxConnections = this.#maxConnections;
    server.listen(port, host);
    await once(server, 'listening');
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Cuts every connection and listens no more. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    serveConnection(socket, this.#executor, this.#info, this.#onError);
  }
}
