import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection on which a test writes bytes as they are. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves with everything that was received once the connection is closed. */
  readonly closed: Promise<string>;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    // A server may reset a connection that sends on after its end.
    socket.on('error', (error) => (this.received += `(${(error as NodeJS.ErrnoException).code})`));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.received)));
  }

  static async connect(url: string, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const { port, hostname } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, noDelay: true, ...options });
    await once(socket, 'connect');
    onTestFinished(() => void socket.destroy());
    return new RawClient(socket);
  }
}

/** A whole request; the length of the body is added. */
export function requestText(line: string, fields: readonly string[], body = ''): string {
  return `${[line, 'Host: test', ...fields, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`;
}

export const tagRequest = (body: string, ...fields: string[]): string =>
  requestText('POST /user_tags HTTP/1.1', ['Content-Type: application/json', ...fields], body);
