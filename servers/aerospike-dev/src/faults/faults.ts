import { MillraceError } from '@millrace/core';
import { RESULT } from '../protocol/result-code.ts';

/**
 * What goes wrong:
 * - `timeout-after-apply`: the command is run and answered with code 9; for a write the client says `inDoubt`
 * - `silence-after-apply`: the command is run and never answered, so the client times out by itself
 * - `timeout`: not run, answered with code 9
 * - `hot-key`: not run, answered with code 14
 * - `device-overload`: not run, answered with code 18
 * - `unavailable`: not run, answered with code 11, as while partitions move
 * - `disconnect`: not run, and the connection is closed
 * - `disconnect-after-apply`: run, and the connection is closed
 * - `latency`: run, and answered `delayMs` later
 * - `stale-replica`: a read at a node that is a replica of the record's partition, and not its master, is not run and
 *   answered with code 2, as where the replica has not got the record yet
 */
export const FAULT_KINDS = [
  'timeout-after-apply',
  'silence-after-apply',
  'timeout',
  'hot-key',
  'device-overload',
  'unavailable',
  'disconnect',
  'disconnect-after-apply',
  'latency',
  'stale-replica',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Which commands a fault strikes. */
export interface FaultRule {
  readonly kind: FaultKind;
  /** Default: every namespace. */
  readonly namespace?: string;
  /** Default: every set; '' = the records without a set. */
  readonly set?: string;
  /** Default `any`. */
  readonly commands?: 'read' | 'write' | 'any';
  /** Share of those commands in percent. Default 100. */
  readonly percent?: number;
  /** The fault ends after striking this many commands. Default: never. */
  readonly times?: number;
  /** Milliseconds of `latency`. Default 100. */
  readonly delayMs?: number;
}

export interface Fault {
  readonly id: number;
  readonly rule: FaultRule;
  /** Commands that it has struck. */
  readonly struck: number;
}

/** What a fault is drawn for. */
export interface StruckCommand {
  readonly namespace: string;
  readonly set: string;
  readonly isWrite: boolean;
  /** Whether the node is a replica of the record's partition, and not its master. */
  readonly isAtReplica: boolean;
}

/** How the fault that strikes a command changes what happens. */
export interface FaultEffect {
  /** Whether the command is run. */
  readonly runs: boolean;
  /** Code that is answered in the place of the command's own; undefined = its own. */
  readonly code: number | undefined;
  readonly answers: 'at once' | 'later' | 'never' | 'disconnects';
}

const EFFECTS: Readonly<Record<FaultKind, FaultEffect>> = {
  'timeout-after-apply': { runs: true, code: RESULT.timeout, answers: 'at once' },
  'silence-after-apply': { runs: true, code: undefined, answers: 'never' },
  timeout: { runs: false, code: RESULT.timeout, answers: 'at once' },
  'hot-key': { runs: false, code: RESULT.hotKey, answers: 'at once' },
  'device-overload': { runs: false, code: RESULT.deviceOverload, answers: 'at once' },
  unavailable: { runs: false, code: RESULT.unavailable, answers: 'at once' },
  disconnect: { runs: false, code: undefined, answers: 'disconnects' },
  'disconnect-after-apply': { runs: true, code: undefined, answers: 'disconnects' },
  latency: { runs: true, code: undefined, answers: 'later' },
  'stale-replica': { runs: false, code: RESULT.notFound, answers: 'at once' },
};

/** Delay of a `latency` rule that names none. */
const DEFAULT_DELAY_MS = 100;

export interface DrawnFault extends FaultEffect {
  readonly delayMs: number;
}

/** Faults that strike commands, drawn from a seeded sequence so that a test run can be repeated. */
export class Faults {
  readonly #faults = new Map<number, { id: number; rule: FaultRule; struck: number }>();
  #nextId = 1;
  #state: number;

  constructor(seed = 1) {
    this.#state = seed | 0;
  }

  /** @throws INVALID_ARGUMENT for a kind that there is not, or a share that is not a percentage */
  add(rule: FaultRule): Fault {
    checkRule(rule);
    const fault = { id: this.#nextId++, rule, struck: 0 };
    this.#faults.set(fault.id, fault);
    return fault;
  }

  remove(id: number): boolean {
    return this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  get list(): readonly Fault[] {
    return [...this.#faults.values()];
  }

  /** Whether any command can be struck: without faults a command pays nothing for them. */
  get active(): boolean {
    return this.#faults.size > 0;
  }

  /** The fault that strikes this command, if any: the first rule that fits and is drawn. */
  draw(command: StruckCommand): DrawnFault | undefined {
    for (const fault of this.#faults.values()) {
      const { rule } = fault;
      if (!fits(rule, command) || this.#random() * 100 >= (rule.percent ?? 100)) continue;
      fault.struck++;
      if (rule.times !== undefined && fault.struck >= rule.times) this.#faults.delete(fault.id);
      return { ...EFFECTS[rule.kind], delayMs: rule.delayMs ?? DEFAULT_DELAY_MS };
    }
    return undefined;
  }

  /** From 0 to 1: a linear congruential sequence, whose upper bits are even enough to draw percentages. */
  #random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) | 0;
    return (this.#state >>> 0) / 2 ** 32;
  }
}

function fits(rule: FaultRule, { namespace, set, isWrite, isAtReplica }: StruckCommand): boolean {
  return (
    (rule.kind !== 'stale-replica' || (isAtReplica && !isWrite)) &&
    (rule.namespace === undefined || rule.namespace === namespace) &&
    (rule.set === undefined || rule.set === set) &&
    (rule.commands === undefined || rule.commands === 'any' || (rule.commands === 'write') === isWrite)
  );
}

function checkRule({ kind, percent = 100, times = 1, delayMs = 0 }: FaultRule): void {
  if (!FAULT_KINDS.includes(kind)) refuse('kind', kind, FAULT_KINDS.join(', '));
  if (!(percent > 0 && percent <= 100)) refuse('percent', percent, 'a number above 0 and up to 100');
  if (!(times >= 1)) refuse('times', times, 'an integer from 1');
  if (!(delayMs >= 0)) refuse('delayMs', delayMs, 'milliseconds from 0');
}

function refuse(field: string, value: unknown, accepted: string): never {
  throw new MillraceError('INVALID_ARGUMENT', `${field} of a fault cannot be ${String(value)}: it is ${accepted}`, {
    field,
    value,
    accepted,
  });
}
