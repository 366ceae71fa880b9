import type { Message } from '@millrace/core';
import type { BatchStep, Step } from './flow.ts';
import type { Unit } from './origin.ts';
import { settle } from './origin.ts';
import { stageOf } from './stages.ts';
import type { Stage } from './stages.ts';

const DEFAULT_INTERVAL_MS = 1000;

/** What the pipeline tells of its messages. */
export interface PipelineOwner {
  /** It has gone through all steps. */
  deliver(unit: Unit): void;
  /** The step has thrown; the unit is the owner's to settle. */
  failed(unit: Unit, step: string, error: unknown): void;
  filtered(): void;
}

/** The steps of a flow, one message after the other. */
export class Pipeline {
  readonly #owner: PipelineOwner;
  readonly #stages: readonly (Stage | Batch)[];
  readonly #names: readonly string[];
  /** Messages and batches whose time has come take turns. */
  #turn: Promise<void> = Promise.resolve();

  constructor(steps: readonly Step[], owner: PipelineOwner) {
    this.#owner = owner;
    this.#names = steps.map((step, index) => `steps[${index}] ${Object.keys(step)[0]}`);
    this.#stages = steps.map((step, index) =>
      'batch' in step ? new Batch(step.batch, () => void this.#inTurn(() => this.#release(index))) : stageOf(step),
    );
  }

  /** Resolves when the steps are done with it. Does not reject. */
  take(unit: Unit): Promise<void> {
    return this.#inTurn(() => this.#process(unit, 0));
  }

  /** Lets go of what waits in batches. */
  flush(): Promise<void> {
    return this.#inTurn(async () => {
      for (const [index, stage] of this.#stages.entries()) if (stage instanceof Batch) await this.#release(index);
    });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(task);
    return this.#turn;
  }

  async #process(unit: Unit, from: number): Promise<void> {
    const stage = this.#stages[from];
    if (stage === undefined) {
      this.#owner.deliver(unit);
    } else if (stage instanceof Batch) {
      if (stage.add(unit)) await this.#release(from);
    } else {
      const made = await this.#made(stage, unit, from);
      if (made === undefined) return;
      if (made.length === 0) this.#owner.filtered();
      for (const origin of unit.origins) origin.grow(made.length);
      for (const message of made) await this.#process({ ...unit, message }, from + 1);
      settle(unit);
    }
  }

  async #made(stage: Stage, unit: Unit, index: number): Promise<readonly Message[] | undefined> {
    try {
      return await stage(unit.message);
    } catch (error) {
      this.#owner.failed(unit, this.#names[index]!, error);
      return undefined;
    }
  }

  async #release(index: number): Promise<void> {
    const unit = (this.#stages[index] as Batch).take();
    if (unit !== undefined) await this.#process(unit, index + 1);
  }
}

/** Collects. Whoever made it is told when it has waited long enough. */
class Batch {
  readonly #size: number;
  readonly #intervalMs: number;
  readonly #due: () => void;
  #units: Unit[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor({ size, intervalMs = DEFAULT_INTERVAL_MS }: BatchStep, due: () => void) {
    this.#size = size;
    this.#intervalMs = intervalMs;
    this.#due = due;
  }

  /** Whether it is full now. */
  add(unit: Unit): boolean {
    this.#units.push(unit);
    this.#timer ??= setTimeout(this.#due, this.#intervalMs);
    return this.#units.length >= this.#size;
  }

  /** Undefined when it is empty. The batch has the key of its messages where they share one. */
  take(): Unit | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#units.length === 0) return undefined;
    const units = this.#units;
    this.#units = [];
    const key = units[0]!.message.key;
    const shared = key !== undefined && units.every(({ message }) => message.key === key);
    return {
      message: { ...(shared ? { key } : {}), value: units.map(({ message }) => message.value) },
      origins: units.flatMap(({ origins }) => origins),
    };
  }
}
