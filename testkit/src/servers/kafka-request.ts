import { once } from 'node:events';
import { connect } from 'node:net';

const FIND_COORDINATOR = { api: 10, version: 0 };
/** The last version before the compact encodings, and still the one that Kafka 4 takes at least. */
const CREATE_TOPICS = { api: 19, version: 4 };
const TOPIC_ALREADY_EXISTS = 36;
/** For the busiest machine. */
const TIMEOUT_MS = 30_000;

/**
 * The port of the coordinator of consumer groups, as the broker names it on this listener; undefined while there is none.
 * The first question makes the broker create its topic of offsets, so that an answer comes some time after the port is
 * open.
 *
 * Source: https://kafka.apache.org/protocol.html#The_Messages_FindCoordinator
 */
export async function coordinatorPort(port: number): Promise<number | undefined> {
  const answer = await request(port, FIND_COORDINATOR, string('ready'));
  if (answer.readInt16BE(0) !== 0) return undefined;
  // Error code and node id stand before the host.
  return answer.readInt32BE(8 + answer.readInt16BE(6));
}

/**
 * Creates a topic with one replica.
 *
 * Source: https://kafka.apache.org/protocol.html#The_Messages_CreateTopics
 *
 * @param settings of the topic, such as `{ 'retention.ms': '1000' }`
 * @returns false when it exists already
 * @throws Error with the broker's words when it refuses
 */
export async function createTopic(
  port: number,
  topic: string,
  partitions: number,
  settings: Readonly<Record<string, string>>,
): Promise<boolean> {
  const configs = Object.entries(settings).map(([name, value]) => Buffer.concat([string(name), string(value)]));
  const wanted = [string(topic), int32(partitions), int16(1), array([]), array(configs)];
  const answer = await request(
    port,
    CREATE_TOPICS,
    Buffer.concat([array([Buffer.concat(wanted)]), int32(TIMEOUT_MS), Buffer.of(0)]),
  );
  // Throttle time, number of topics, name.
  const nameLength = answer.readInt16BE(8);
  const at = 10 + nameLength;
  const code = answer.readInt16BE(at);
  if (code === 0) return true;
  if (code === TOPIC_ALREADY_EXISTS) return false;
  const length = answer.readInt16BE(at + 2);
  const message = length === -1 ? '' : answer.toString('utf8', at + 4, at + 4 + length);
  throw new Error(`Kafka does not create the topic ${topic}: error ${code} ${message}`);
}

/** Sends one request over a connection of its own. @returns the body of the answer */
async function request(
  port: number,
  { api, version }: { readonly api: number; readonly version: number },
  body: Buffer,
): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`Kafka did not answer within ${TIMEOUT_MS} ms`)));
  try {
    await once(socket, 'connect');
    const message = Buffer.concat([int16(api), int16(version), int32(1), string('millrace-testkit'), body]);
    socket.write(Buffer.concat([int32(message.length), message]));
    let answer = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      answer = Buffer.concat([answer, chunk]);
      // Size and correlation id stand before the body.
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) return answer.subarray(8);
    }
    throw new Error('Kafka closed the connection before its answer');
  } finally {
    socket.destroy();
  }
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function string(text: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);
}

function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(items.length), ...items]);
}
