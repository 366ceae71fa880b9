import { Lanes } from '../load/lanes.ts';
import { TagGenerator, TagWriter } from '../load/generator.ts';
import { Pacer } from '../load/pacer.ts';
import { dataFlag } from '../shell.ts';
import type { Terminal } from '../terminal.ts';

const TAGS_PER_SECOND = 200;
const CONNECTIONS = 2;
/** Few enough that a user has done something more than once. */
const COOKIES = 1000;

export interface DemoOptions {
  readonly url: string;
  readonly data: string;
  readonly seed: number;
  readonly terminal: Terminal;
  readonly interrupted: AbortSignal;
}

/** Sends generated tags to the platform over HTTP, as any client would, and says what to ask for. */
export function startDemo({ url, data, seed, terminal, interrupted }: DemoOptions): { stop(): Promise<void> } {
  const generator = new TagGenerator({ seed, start: 0, cookies: COOKIES, late: 0, ties: 0 });
  const writer = new TagWriter('user-');
  const address = new URL(url);
  const head = `POST /user_tags HTTP/1.1\r\nhost: ${address.host}\r\ncontent-type: application/json\r\ncontent-length: `;
  const pacer = new Pacer(TAGS_PER_SECOND);
  let sent = 0;
  let refused = 0;
  const stop = (): void => {
    pacer.stop();
  };
  const lanes = new Lanes(address, {
    count: CONNECTIONS,
    paced: true,
    onFree: () => undefined,
    onLost({ message }) {
      stop();
      if (!interrupted.aborted) terminal.note(`The demo has stopped: ${message}`);
    },
  });
  interrupted.addEventListener('abort', stop, { once: true });
  const send = (): void => {
    while (pacer.due(sent)) {
      const lane = sent++ % CONNECTIONS;
      // A platform that is behind gets less, instead of ever longer queues here.
      if (!lanes.hasRoom(lane)) continue;
      // The generator's own times would run five times slower than the clock.
      const body = writer.body({ ...generator.next(), time: Date.now() });
      lanes.push(lane, {
        text: () => `${head}${body.length}\r\n\r\n${body}`,
        onAnswer(status) {
          if (status !== 204 && refused++ === 0) terminal.note(`The demo's tags are refused with status ${status}.`);
        },
      });
    }
  };
  pacer.start(send);
  const at = dataFlag(data);
  terminal.print(
    `Demo: ${TAGS_PER_SECOND} tags a second of ${writer.cookie(0)} to ${writer.cookie(COOKIES - 1)}; try in a second terminal`,
  );
  terminal.print(`  npx millrace aggregates --group-by device${at}`);
  terminal.print(`  npx millrace profile ${writer.cookie(7)}${at}`);
  terminal.print(`  npx millrace aggregates --brand-id brand-7 --action BUY${at}`);
  terminal.print();
  return {
    async stop() {
      stop();
      interrupted.removeEventListener('abort', stop);
      lanes.close();
      return Promise.resolve();
    },
  };
}
