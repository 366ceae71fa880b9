import type { Socket } from 'node:net';
import type { MillraceError, NewRecord } from '@millrace/core';
import { errorText } from './errors.ts';
import { MAX_TAG_BYTES, type TagIntake } from './tag-intake.ts';
import { recognise } from './tag-request.ts';

/** What the connections of a lane share. */
export interface Lane {
  readonly intake: TagIntake;
  /** How long a connection may be silent before its first request, and within a request. */
  readonly requestTimeoutMs: number;
  /** How long it may be silent after an answer. */
  readonly keepAliveTimeoutMs: number;
  /** False once the server stops: what is answered then is the connection's last. */
  open(): boolean;
  /** The whole answer to a stored tag. */
  stored(last: boolean): string;
  /** Gives the connection away, with what was received and not answered. */
  toParser(socket: Socket, bytes: Buffer): void;
  /** Ends a connection that sent a part of a request and no more. `code` is one of Node's `clientError` event. */
  abandon(socket: Socket, code: 'HPE_INVALID_EOF_STATE' | 'ERR_HTTP_REQUEST_TIMEOUT'): void;
}

/** A connection on which nothing but plain tags has come so far. They are answered in order, one after the other. */
export class TagConnection {
  readonly #socket: Socket;
  readonly #lane: Lane;
  /** Received and not looked at, or the first part of a request. */
  #rest: Buffer | undefined;
  #partial = false;
  /** A tag is on its way to the log, or its answer on the way to a client that does not read. */
  #busy = false;
  /** The client has ended its side. */
  #ended = false;
  #timeoutMs = 0;

  constructor(socket: Socket, lane: Lane) {
    this.#socket = socket;
    this.#lane = lane;
    this.#allowSilence(lane.requestTimeoutMs);
    socket.on('data', this.#onData).on('end', this.#onEnd).on('timeout', this.#onTimeout).on('error', this.#onError);
  }

  closeIfIdle(): void {
    if (!this.#busy && this.#rest === undefined) this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    if (!this.#busy) {
      this.#next(bytes);
      return;
    }
    // A client that sends on without waiting: no more than one chunk of it is kept until all of that is answered.
    this.#rest = bytes;
    this.#socket.pause();
  };

  #next(bytes: Buffer): void {
    const request = recognise(bytes);
    if (request === undefined || (request !== 'incomplete' && request.to - request.from > MAX_TAG_BYTES)) {
      this.#toParser(bytes);
    } else if (request === 'incomplete' || request.to > bytes.length) {
      this.#waitForMore(bytes);
    } else {
      const { from, to, idempotencyKey } = request;
      const startedMs = performance.now();
      let record: NewRecord;
      try {
        record = this.#lane.intake.toRecord(bytes, from, to, idempotencyKey);
      } catch {
        // Refused again there, and told why.
        this.#toParser(bytes);
        return;
      }
      this.#busy = true;
      this.#partial = false;
      if (to < bytes.length) this.#rest = bytes.subarray(to);
      this.#lane.intake.store(record, startedMs, this.#answer);
    }
  }

  /** Head and body often come apart. In more parts than two they are for the parser, which bounds the whole time. */
  #waitForMore(bytes: Buffer): void {
    if (this.#partial || this.#ended) {
      this.#toParser(bytes);
      return;
    }
    this.#partial = true;
    this.#rest = bytes;
    this.#allowSilence(this.#lane.requestTimeoutMs);
    this.#socket.resume();
  }

  readonly #answer = (failure?: MillraceError): void => {
    if (this.#socket.destroyed) return;
    const last = (this.#ended && this.#rest === undefined) || !this.#lane.open();
    const text = failure === undefined ? this.#lane.stored(last) : errorText(failure, { last });
    if (last) {
      this.#socket.end(text);
      return;
    }
    this.#allowSilence(this.#lane.keepAliveTimeoutMs);
    if (this.#socket.write(text)) this.#goOn();
    else this.#socket.once('drain', this.#goOn);
  };

  readonly #goOn = (): void => {
    this.#busy = false;
    const bytes = this.#rest;
    if (bytes === undefined) {
      this.#socket.resume();
      return;
    }
    this.#rest = undefined;
    this.#next(bytes);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.#busy) return;
    if (this.#rest === undefined) this.#socket.end();
    else this.#abandon('HPE_INVALID_EOF_STATE');
  };

  readonly #onTimeout = (): void => {
    const unread = this.#socket.writableNeedDrain;
    if (this.#busy && !unread) return;
    const idle = this.#rest === undefined && this.#timeoutMs === this.#lane.keepAliveTimeoutMs;
    if (unread || idle) this.#socket.destroy();
    else this.#abandon('ERR_HTTP_REQUEST_TIMEOUT');
  };

  /** A client that went away: the stream destroys itself, and a tag that was received is stored all the same. */
  readonly #onError = (): void => {};

  #allowSilence(ms: number): void {
    if (ms === this.#timeoutMs) return;
    this.#timeoutMs = ms;
    this.#socket.setTimeout(ms);
  }

  /** What the client sends after this is read and dropped: it was told that its request came to nothing. */
  #abandon(code: Parameters<Lane['abandon']>[1]): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('timeout', this.#onTimeout);
    this.#lane.abandon(this.#socket, code);
  }

  #toParser(bytes: Buffer): void {
    const socket = this.#socket;
    if (this.#ended) {
      // As the parser does: a client that ended its side gets no more answers.
      socket.end();
      return;
    }
    socket.off('data', this.#onData).off('end', this.#onEnd);
    socket.off('timeout', this.#onTimeout).off('error', this.#onError);
    socket.setTimeout(0);
    this.#lane.toParser(socket, bytes);
  }
}
