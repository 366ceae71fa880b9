import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProcessor, TAG_STATE_SCHEMA } from '@millrace/analytics';
import {
  createLogger,
  type EventLog,
  openStateReader,
  openStateWriter,
  type StateReader,
  type StateWriter,
} from '@millrace/core';
import { openEmbeddedEventLog } from '@millrace/embedded';
import { SimulatedDisk, StorageError } from '@millrace/storage';
import { isPowerLoss } from '@millrace/testkit';
import { NumberedTags } from './numbered-tags.ts';
import { UnsyncedState } from './unsynced-state.ts';

const PARTITIONS = 3;
const GROUP = 'tag-processors';
const MAX_OPERATIONS = 250;
const MAX_CALLERS = 6;
const PAUSE_MS = 5;
const HOUR_MS = 3_600_000;

export interface TrialOptions {
  /** Where the state is kept; empty at first. */
  readonly directory: string;
  readonly random: () => number;
  /** As if commits resolved before they are synced, to test that this is noticed. Default false. */
  readonly unsyncedCommits?: boolean;
}

/** A log and a state that lose their power together, again and again. */
export class Trial {
  readonly tags = new NumberedTags();
  /** Cuts at which a commit of the state was under way. */
  tornCommits = 0;
  readonly #options: TrialOptions;
  readonly #disk = new SimulatedDisk();
  readonly #state: UnsyncedState;
  #hasPower = true;

  constructor(options: TrialOptions) {
    this.#options = options;
    this.#state = new UnsyncedState(join(options.directory, 'state'));
  }

  /** Appends tags and applies them until the power goes, at any operation of the log's disk, its opening included. */
  async liveUntilCut(): Promise<void> {
    const { random } = this.#options;
    const writer = await this.#openWriter();
    this.#state.mark();
    let operations = this.#below(MAX_OPERATIONS);
    this.#disk.onOperation = () => {
      if (operations-- > 0) return;
      this.#hasPower = false;
      throw powerLoss();
    };
    try {
      const log = await this.#openLog();
      const stopping = new AbortController();
      const { running } = this.#process(log, this.#losingPower(writer, log), stopping.signal);
      const callers = Array.from({ length: 1 + this.#below(MAX_CALLERS) }, () => this.#appendUntilFailure(log));
      await Promise.all([running.catch(unlessPowerLoss), Promise.all(callers).finally(() => stopping.abort())]);
      await log.close();
    } catch (error) {
      unlessPowerLoss(error);
    }
    // A commit that was under way has ended by then, on the real disk: how much of it the cut has left is decided below.
    await writer.close();
    this.#disk.onOperation = undefined;
    this.#disk.powerCut(random);
    if ((await this.#state.powerCut(random)) > 0) this.tornCommits++;
    this.#hasPower = true;
  }

  /** Opens both again, applies what the state has not, and compares. */
  async check(): Promise<string[]> {
    const log = await this.#openLog();
    const reader = await this.#openReader();
    const writer = await this.#openWriter();
    const stopping = new AbortController();
    try {
      const contradictions = await againstEachOther(log, writer);
      if (contradictions.length > 0) return contradictions;
      const { running, drain } = this.#process(log, writer, stopping.signal);
      await Promise.race([drain(), running]);
      stopping.abort();
      await running;
      const { deadLetters } = await reader.statistics();
      const problems = await this.tags.compare(reader);
      return deadLetters === 0 ? problems : [`${deadLetters} dead letters`, ...problems];
    } finally {
      await writer.close();
      await reader.close();
      await log.close();
    }
  }

  #process(log: EventLog, state: StateWriter, signal: AbortSignal) {
    const logger = createLogger({ level: 'silent', name: 'powercut' });
    const processor = createProcessor(
      { log, state, logger, now: Date.now, onProgress: () => undefined },
      { group: GROUP, lingerMs: 0 },
    );
    return { running: processor.run(signal), drain: () => processor.drain() };
  }

  /** Ends with the power, and tells the log after every commit what it may forget: the processor does once a second. */
  #losingPower(writer: StateWriter, log: EventLog): StateWriter {
    return {
      partitions: writer.partitions,
      committed: (partition) => writer.committed(partition),
      synced: (partition) => writer.synced(partition),
      commit: async (changes) => {
        if (!this.#hasPower) throw powerLoss();
        const result = await writer.commit(changes);
        if (!this.#hasPower) throw powerLoss();
        if (this.#options.unsyncedCommits !== true) this.#state.mark();
        await Promise.all(
          changes.map(async ({ partition }) => {
            const synced = await writer.synced(partition);
            if (synced !== undefined) await log.release(GROUP, partition, synced);
          }),
        );
        return result;
      },
      close: () => writer.close(),
    };
  }

  async #appendUntilFailure(log: EventLog): Promise<void> {
    for (;;) {
      const { numbers, records } = this.tags.take(this.#options.random() < 0.7 ? 1 : 1 + this.#below(20));
      try {
        await log.append(records);
      } catch (error) {
        unlessPowerLoss(error);
        return;
      }
      this.tags.acknowledge(numbers);
      // The simulated disk answers at once, but the state's takes its time: without pauses there would be one commit a cut.
      await sleep(this.#below(PAUSE_MS));
    }
  }

  #openLog(): Promise<EventLog> {
    return openEmbeddedEventLog({
      directory: '/log',
      disk: this.#disk,
      partitions: PARTITIONS,
      // What is released goes at once, and small segments go often: what the state then lacks is lost.
      retentionMs: 0,
      maxBytes: 1e12,
      segmentBytes: 4_000,
    });
  }

  #openWriter(): Promise<StateWriter> {
    return openStateWriter(this.#url, { ...STATE, retentionMs: HOUR_MS });
  }

  #openReader(): Promise<StateReader> {
    return openStateReader(this.#url, STATE);
  }

  get #url(): string {
    return `embedded:${this.#options.directory}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit);
  }
}

const STATE = { schema: TAG_STATE_SCHEMA, partitions: PARTITIONS };

/** A state that lies ahead of its log would take later records for applied; one behind what the log keeps lacks some. */
async function againstEachOther(log: EventLog, state: StateWriter): Promise<string[]> {
  const problems: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { earliest, next } = await log.bounds(partition);
    const committed = await state.committed(partition);
    if (committed !== undefined && committed > next) problems.push(`state at ${committed}, log ends at ${next}`);
    if ((committed ?? 0) < earliest) problems.push(`state at ${committed}, log starts at ${earliest}`);
  }
  return problems;
}

const powerLoss = (): StorageError => new StorageError('DISK_FAILED', 'the power is gone');

function unlessPowerLoss(error: unknown): void {
  if (!isPowerLoss(error)) throw error;
}
