import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { MillraceError } from '@millrace/core';

export type OnAnswer = (status: number, body: string) => void;

const BUFFER_BYTES = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const CLOSE = Buffer.from('onnection: close\r\n');
const ZERO = 0x30;

/**
 * One HTTP/1.1 connection with one request in flight, on a bare socket: a generator that costs as much as the platform
 * would measure itself. It understands the answers that have a Content-Length, which are all of the platform's. A server
 * may close a connection that nothing is asked on, or say in an answer that it is the last: the next request opens another.
 */
export class Connection {
  private readonly url: URL;
  private readonly onLost: (error: MillraceError) => void;
  private socket: Socket | undefined;
  private onAnswer: OnAnswer | undefined;
  private received: Buffer = Buffer.alloc(0);
  private closed = false;

  /** @param onLost called once when the connection ends before an answer, although nobody closed it */
  constructor(url: URL, onLost: (error: MillraceError) => void) {
    this.url = url;
    this.onLost = onLost;
  }

  get isOpen(): boolean {
    return this.socket !== undefined;
  }

  get busy(): boolean {
    return this.onAnswer !== undefined;
  }

  /** @param text head and body; ASCII */
  send(text: string, onAnswer: OnAnswer): void {
    this.onAnswer = onAnswer;
    this.socket ??= this.open();
    this.socket.write(text, 'latin1');
  }

  close(): void {
    this.closed = true;
    this.socket?.destroy();
  }

  private open(): Socket {
    const { hostname, port } = this.url;
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || '80'),
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(BUFFER_BYTES),
        callback: (length, buffer) => {
          this.receive(buffer as Buffer, length);
          return true;
        },
      },
    });
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => this.ended(socket, code ?? message));
    socket.on('close', () => this.ended(socket, 'it closed the connection'));
    return socket;
  }

  private ended(socket: Socket, reason: string): void {
    if (socket !== this.socket) return;
    this.socket = undefined;
    this.received = Buffer.alloc(0);
    if (this.closed || !this.busy) return;
    this.closed = true;
    this.onAnswer = undefined;
    const message = `${this.url.origin} answers no more (${reason}): was the platform stopped?`;
    this.onLost(new MillraceError('NOT_RUNNING', message));
  }

  private receive(buffer: Buffer, length: number): void {
    if (this.received.length === 0 && length >= 12) {
      const status = statusOf(buffer);
      const complete = buffer[length - 1] === 0x0a && buffer[length - 3] === 0x0a;
      // The usual answer by far: all of it at once, and nothing after its head.
      if (status === 204 && complete) return this.finish(status, '', buffer.subarray(0, length).includes(CLOSE));
    }
    this.received = Buffer.concat([this.received, buffer.subarray(0, length)]);
    const headEnd = this.received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const status = statusOf(this.received);
    const head = this.received.toString('latin1', 0, headEnd);
    const bodyLength = status === 204 ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(bodyLength)) {
      this.socket?.destroy(new Error('an answer has no Content-Length'));
      return;
    }
    const isLast = this.received.subarray(0, headEnd + HEAD_END.length).includes(CLOSE);
    const from = headEnd + HEAD_END.length;
    if (this.received.length < from + bodyLength) return;
    const body = this.received.toString('utf8', from, from + bodyLength);
    this.received = Buffer.alloc(0);
    this.finish(status, body, isLast);
  }

  private finish(status: number, body: string, isLast: boolean): void {
    if (isLast) {
      this.socket?.destroy();
      this.socket = undefined;
    }
    const onAnswer = this.onAnswer;
    this.onAnswer = undefined;
    onAnswer?.(status, body);
  }
}

/** The three digits after `HTTP/1.1 `. */
function statusOf(head: Buffer): number {
  return (head[9]! - ZERO) * 100 + (head[10]! - ZERO) * 10 + (head[11]! - ZERO);
}
