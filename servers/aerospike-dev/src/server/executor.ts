import type { Cluster, ClusterNode } from '../cluster/cluster.ts';
import { batchRows } from '../commands/batch.ts';
import { runRecordCommand } from '../commands/record-command.ts';
import { runScan } from '../commands/scan.ts';
import type { DrawnFault, Faults } from '../faults/faults.ts';
import { FIELD, INFO1, INFO2 } from '../protocol/constants.ts';
import { Message } from '../protocol/message.ts';
import { MessageStream } from '../protocol/message-stream.ts';
import type { Reply } from '../protocol/reply.ts';
import { ANSWER_FRAME_BYTES } from '../protocol/reply.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome, singleResponse } from '../protocol/response.ts';
import { CommandError } from '../protocol/result-code.ts';
import type { Database } from '../storage/database.ts';
import { partitionOf } from '../storage/namespace.ts';

/** Runs the messages that one node receives. */
export class Executor {
  readonly #database: Database;
  readonly #cluster: Cluster;
  readonly #node: ClusterNode;
  readonly #faults: Faults;
  /** Used again for each command on one record, which is run at once. */
  readonly #message = new Message();

  constructor(database: Database, cluster: Cluster, node: ClusterNode, faults: Faults) {
    this.#database = database;
    this.#cluster = cluster;
    this.#node = node;
    this.#faults = faults;
  }

  /** @returns undefined once it is answered; otherwise a promise, until which the bytes of the message are used */
  execute(bytes: Buffer, start: number, end: number, reply: Reply): Promise<void> | undefined {
    try {
      const message = this.#message;
      message.read(bytes, start, end);
      const isBatch = (message.info1 & INFO1.batch) !== 0;
      if (!isBatch && message.has(FIELD.digest)) return this.#single(message, reply);
      const own = new Message();
      own.read(bytes, start, end);
      return (isBatch ? this.#batch(own, reply) : this.#scan(own, reply)).catch((error: unknown) =>
        refuse(error, reply),
      );
    } catch (error) {
      refuse(error, reply);
      return undefined;
    }
  }

  #single(message: Message, reply: Reply): Promise<void> | undefined {
    const fault = this.#fault(message);
    const outcome = this.#run(message, fault);
    if (fault !== undefined) return answer(fault, reply, () => reply.send(singleResponse(outcome)));
    reply.send(singleResponse(outcome));
    return undefined;
  }

  #scan(message: Message, reply: Reply): Promise<void> {
    return runScan(this.#database, (partition) => this.#cluster.isMaster(this.#node, partition), message, reply);
  }

  async #batch(message: Message, reply: Reply): Promise<void> {
    const stream = new MessageStream();
    let worst: DrawnFault | undefined;
    const rows = batchRows(message, (row) => {
      const fault = this.#fault(row);
      if (fault !== undefined && (worst === undefined || worst.answers === 'at once')) worst = fault;
      return this.#run(row, fault);
    });
    for (const { outcome, index } of rows) {
      stream.add(outcome, 0, index);
      if (stream.length < ANSWER_FRAME_BYTES) continue;
      reply.send(stream.take());
      if (!(await reply.drained())) return;
    }
    stream.last(0);
    if (worst === undefined) reply.send(stream.take());
    else await answer(worst, reply, () => reply.send(stream.take()));
  }

  #run(message: Message, fault: DrawnFault | undefined): Outcome {
    if (fault?.runs === false) return emptyOutcome(fault.code);
    const outcome = runRecordCommand(this.#database.namespace(message.text(FIELD.namespace)), message);
    return fault?.code === undefined ? outcome : emptyOutcome(fault.code);
  }

  #fault(message: Message): DrawnFault | undefined {
    if (!this.#faults.active) return undefined;
    return this.#faults.draw({
      namespace: message.text(FIELD.namespace),
      set: message.text(FIELD.set),
      isWrite: (message.info2 & INFO2.write) !== 0,
      isAtReplica: this.#cluster.isReplica(this.#node, partitionOf(message.digest)),
    });
  }
}

/** Answers with the code of a command that cannot be run. @throws what is a mistake of the server */
function refuse(error: unknown, reply: Reply): void {
  if (!(error instanceof CommandError)) throw error;
  const stream = new MessageStream();
  stream.last(error.code);
  reply.send(stream.take());
}

/** Lets a fault strike the answer; resolves when it is sent, or shall never be. */
async function answer({ answers, delayMs }: DrawnFault, reply: Reply, send: () => void): Promise<void> {
  if (answers === 'later') await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (answers === 'disconnects') reply.close();
  else if (answers !== 'never') send();
}
