import type { Cluster, ClusterNode } from '../cluster/cluster.ts';
import { runBatch } from '../commands/batch.ts';
import { runRecordCommand } from '../commands/record-command.ts';
import type { Reply } from '../commands/scan.ts';
import { runScan } from '../commands/scan.ts';
import type { DrawnFault, Faults } from '../faults/faults.ts';
import { FIELD, INFO1, INFO2 } from '../protocol/constants.ts';
import { Message } from '../protocol/message.ts';
import { MessageStream } from '../protocol/message-stream.ts';
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
  readonly #message = new Message();

  constructor(database: Database, cluster: Cluster, node: ClusterNode, faults: Faults) {
    this.#database = database;
    this.#cluster = cluster;
    this.#node = node;
    this.#faults = faults;
  }

  execute(bytes: Buffer, start: number, end: number, reply: Reply): void {
    const message = this.#message;
    try {
      message.read(bytes, start, end);
      if ((message.info1 & INFO1.batch) !== 0) this.#batch(message, reply);
      else if (message.has(FIELD.digest)) this.#single(message, reply);
      else void this.#scan(message.copy(), reply);
    } catch (error) {
      refuse(error, reply);
    }
  }

  async #scan(message: Message, reply: Reply): Promise<void> {
    try {
      await runScan(this.#database, (partition) => this.#cluster.isMaster(this.#node, partition), message, reply);
    } catch (error) {
      refuse(error, reply);
    }
  }

  #single(message: Message, reply: Reply): void {
    const fault = this.#fault(message);
    const outcome = this.#run(message, fault);
    if (fault === undefined) reply.send(singleResponse(outcome));
    else answer(fault, reply, () => reply.send(singleResponse(outcome)));
  }

  #batch(message: Message, reply: Reply): void {
    const stream = new MessageStream();
    let worst: DrawnFault | undefined;
    runBatch(
      message,
      (row) => {
        const fault = this.#fault(row);
        if (fault !== undefined && (worst === undefined || worst.answers === 'at once')) worst = fault;
        return this.#run(row, fault);
      },
      (outcome, index) => stream.add(outcome, 0, index),
    );
    stream.last(0);
    if (worst === undefined) reply.send(stream.take());
    else answer(worst, reply, () => reply.send(stream.take()));
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

function refuse(error: unknown, reply: Reply): void {
  if (!(error instanceof CommandError)) {
    reply.fail(error);
    return;
  }
  const stream = new MessageStream();
  stream.last(error.code);
  reply.send(stream.take());
}

function answer({ answers, delayMs }: DrawnFault, reply: Reply, send: () => void): void {
  if (answers === 'at once') send();
  else if (answers === 'later') setTimeout(send, delayMs);
  else if (answers === 'disconnects') reply.close();
}
