import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '@millrace/core';
import { TagConnection, type Lane } from './tag-connection.ts';
import type { TagIntake } from './tag-intake.ts';

export interface TagLaneOptions {
  readonly intake: TagIntake;
  /** How long a connection may be silent before its first request, and within a request; milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long it may be silent after an answer; milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** Milliseconds since the epoch, for the Date of an answer. */
  readonly now: () => number;
}

/**
 * Answers plain `POST /user_tags` requests on the bare connection, which takes a third of the time. The first request
 * of a connection that is anything else, or that is wrong, makes the connection one of Node's HTTP server, with this
 * request and all later ones: what other requests mean, and why one is refused, is said in one place only.
 */
export class TagLane {
  readonly #connections = new Map<Socket, TagConnection>();

  /**
   * Takes over the new connections of a server that does not listen yet.
   *
   * @throws INTERNAL when something else listens for connections already
   */
  constructor(server: Server, { intake, requestTimeoutMs, keepAliveTimeoutMs, now }: TagLaneOptions) {
    const parse = parserOf(server);
    server.off('connection', parse);
    const lane: Lane = {
      intake,
      requestTimeoutMs,
      keepAliveTimeoutMs,
      open: () => server.listening,
      stored: storedAnswers(now, keepAliveTimeoutMs),
      toParser: (socket, bytes) => {
        this.#connections.delete(socket);
        parse.call(server, socket);
        socket.unshift(bytes);
        socket.resume();
      },
      abandon(socket, code) {
        const error = Object.assign(new Error('incomplete request'), { code });
        if (!server.emit('clientError', error, socket)) socket.destroy();
      },
    };
    server.on('connection', (socket: Socket) => {
      this.#connections.set(socket, new TagConnection(socket, lane));
      socket.once('close', () => this.#connections.delete(socket));
    });
  }

  /** As {@link Server.closeIdleConnections}, which knows the parser's only. */
  closeIdleConnections(): void {
    for (const connection of this.#connections.values()) connection.closeIfIdle();
  }
}

/** The one listener that a server of Node has by itself. */
function parserOf(server: Server): (this: Server, socket: Socket) => void {
  const [parse, ...others] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  if (parse === undefined || others.length > 0) {
    throw new MillraceError('INTERNAL', 'the lane of tags must be the first to listen for connections');
  }
  return parse;
}

/** The answers to stored tags, made anew every second for the Date in them. */
function storedAnswers(now: () => number, keepAliveTimeoutMs: number): (last: boolean) => string {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}`;
  let second = 0;
  let head = '';
  let usual = '';
  return (last) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      head = `HTTP/1.1 204 No Content\r\nDate: ${new Date(second * 1000).toUTCString()}\r\n`;
      usual = `${head}${keepAlive}\r\n\r\n`;
    }
    return last ? `${head}Connection: close\r\n\r\n` : usual;
  };
}
