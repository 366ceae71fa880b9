import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type RedisReply = string | number | null | readonly RedisReply[];

export interface RedisAddress {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly password?: string;
  /** The certificate authority in PEM, for a server that speaks TLS. */
  readonly ca?: string;
  /** The key of that certificate in PEM, for a server that wants to see one of its clients, too. */
  readonly key?: string;
}

/**
 * Sends one command over a connection of its own, without a driver: for preparing a server, and for looking at it beside
 * the driver under test.
 *
 * @throws Error with the server's words when it answers with an error
 */
export async function redisCommand(address: RedisAddress, ...command: readonly string[]): Promise<RedisReply> {
  const { host = '127.0.0.1', port, ca, key } = address;
  const shown = key === undefined ? {} : { cert: ca, key };
  const socket = ca === undefined ? connect(port, host) : connectTls({ port, host, ca, ...shown });
  try {
    await once(socket, ca === undefined ? 'connect' : 'secureConnect');
    const replies = repliesOf(socket);
    for (const words of address.password === undefined ? [command] : [['AUTH', address.password], command]) {
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    }
    if (address.password !== undefined) await replies();
    return await replies();
  } finally {
    socket.destroy();
  }
}

class ErrorReply {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

type Parsed = { readonly value: RedisReply | ErrorReply; readonly end: number };

/** Takes the replies of RESP2 one by one from the stream. */
function repliesOf(socket: Socket): () => Promise<RedisReply> {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let buffer = Buffer.alloc(0);
  return async () => {
    for (;;) {
      const parsed = parse(buffer, 0);
      if (parsed !== undefined) {
        buffer = buffer.subarray(parsed.end);
        if (parsed.value instanceof ErrorReply) throw new Error(parsed.value.message);
        return parsed.value;
      }
      const { value, done } = (await chunks.next()) as IteratorResult<Buffer>;
      if (done === true) throw new Error('the server closed the connection before its reply');
      buffer = Buffer.concat([buffer, value]);
    }
  };
}

function parse(buffer: Buffer, start: number): Parsed | undefined {
  const lineEnd = buffer.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const line = buffer.toString('utf8', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(buffer[start]!)) {
    case '+':
      return { value: line, end: next };
    case '-':
      return { value: new ErrorReply(line), end: next };
    case ':':
      return { value: Number(line), end: next };
    case '$':
      return bulk(buffer, next, Number(line));
    case '*':
      return array(buffer, next, Number(line));
    default:
      throw new Error(`not a reply of RESP2: ${buffer.toString('utf8', start, lineEnd)}`);
  }
}

function bulk(buffer: Buffer, start: number, length: number): Parsed | undefined {
  if (length === -1) return { value: null, end: start };
  if (buffer.length < start + length + 2) return undefined;
  return { value: buffer.toString('utf8', start, start + length), end: start + length + 2 };
}

function array(buffer: Buffer, start: number, length: number): Parsed | undefined {
  if (length === -1) return { value: null, end: start };
  const values: RedisReply[] = [];
  let end = start;
  for (let index = 0; index < length; index++) {
    const item = parse(buffer, end);
    if (item === undefined) return undefined;
    if (item.value instanceof ErrorReply) throw new Error(item.value.message);
    values.push(item.value);
    end = item.end;
  }
  return { value: values, end };
}
