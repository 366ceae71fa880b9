import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { build } from 'hdr-histogram-js';

import type { LoadResult } from './load-result.ts';

export interface ClosedLoopOptions {
  readonly url: URL;
  readonly bodies: readonly string[];
  readonly contentType: string;
  readonly connections: number;
  readonly seconds: number;
}

/** A small load generator on bare sockets: HTTP clients cost more than the server that is measured. */
export async function closedLoop(options: ClosedLoopOptions): Promise<LoadResult> {
  const { url, connections, seconds } = options;
  const requests = options.bodies.map((body) => requestOf(options, body));
  const latencies = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  const startedAt = performance.now();
  const deadline = startedAt + seconds * 1000;
  let turn = 0;
  let failed = 0;

  const run = async (): Promise<void> => {
    const socket = connect(Number(url.port), url.hostname);
    await once(socket, 'connect');
    socket.setNoDelay(true);
    const answers = statuses(socket);
    while (performance.now() < deadline) {
      const sentAt = performance.now();
      socket.write(requests[turn++ % requests.length]!);
      const { value: status, done } = await answers.next();
      if (done === true) throw new Error(`${url.href} closed a connection`);
      latencies.recordValue(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
      if (status > 399) failed++;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, run));
  return {
    requests: latencies.totalCount,
    seconds: (performance.now() - startedAt) / 1000,
    failed,
    p50Ms: latencies.getValueAtPercentile(50) / 1000,
    p99Ms: latencies.getValueAtPercentile(99) / 1000,
  };
}

function requestOf({ url, contentType }: ClosedLoopOptions, body: string): Buffer {
  const length = Buffer.byteLength(body);
  return Buffer.from(
    `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${length}\r\n\r\n${body}`,
  );
}

/** The status of one answer after the other. */
async function* statuses(socket: Socket): AsyncGenerator<number, void> {
  let rest = '';
  for await (const chunk of socket) {
    rest += (chunk as Buffer).toString('latin1');
    for (let end = endOfAnswer(rest); end !== undefined; end = endOfAnswer(rest)) {
      yield Number(rest.slice(9, 12));
      rest = rest.slice(end);
    }
  }
}

/** Where the first answer ends; undefined while it is not all there. */
function endOfAnswer(text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const last = text.indexOf('\r\n0\r\n\r\n', headEnd + 2);
    return last < 0 ? undefined : last + 7;
  }
  const end = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < end ? undefined : end;
}
