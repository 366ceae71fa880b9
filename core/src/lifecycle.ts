import { MillraceError } from './errors.ts';

export type LifecycleState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** `start` and `stop` are asked for; `started`, `stopped` and `fail` are reported. */
export type LifecycleEvent = 'start' | 'started' | 'stop' | 'stopped' | 'fail';

const ILLEGAL = 'illegal';

/**
 * What each event means in each state. A component runs once: after `stopped` a new one is made. A failed component
 * can still be stopped, which releases what it holds. A failure reported after the stop changes nothing.
 */
export const LIFECYCLE = {
  created: { start: 'starting', started: ILLEGAL, stop: 'stopped', stopped: ILLEGAL, fail: 'failed' },
  // A stop that is asked for while starting takes effect as soon as the start has settled.
  starting: { start: 'starting', started: 'running', stop: 'starting', stopped: ILLEGAL, fail: 'failed' },
  running: { start: 'running', started: ILLEGAL, stop: 'stopping', stopped: ILLEGAL, fail: 'failed' },
  stopping: { start: ILLEGAL, started: ILLEGAL, stop: 'stopping', stopped: 'stopped', fail: 'failed' },
  stopped: { start: ILLEGAL, started: ILLEGAL, stop: 'stopped', stopped: ILLEGAL, fail: 'stopped' },
  // It may fail while its start or its stop is still under way; a finished start does not heal it.
  failed: { start: ILLEGAL, started: 'failed', stop: 'stopping', stopped: 'stopped', fail: 'failed' },
} as const satisfies Record<LifecycleState, Record<LifecycleEvent, LifecycleState | typeof ILLEGAL>>;

/** The state after the event. @throws ILLEGAL_TRANSITION */
export function transition(name: string, state: LifecycleState, event: LifecycleEvent): LifecycleState {
  const next = LIFECYCLE[state][event];
  if (next !== ILLEGAL) return next;
  const hint = event === 'start' ? ': it runs once, make a new one' : '';
  throw new MillraceError('ILLEGAL_TRANSITION', `${name} cannot ${event} while it is ${state}${hint}`, {
    field: name,
    value: event,
  });
}

/**
 * Held by every component that is started and stopped, so that all of them agree on what a second or an early call does.
 *
 * @example
 * class Frontend {
 *   readonly #lifecycle = new Lifecycle('frontend');
 *   start = () => this.#lifecycle.start(async () => { await this.#listen(); });
 *   stop = () => this.#lifecycle.stop(async () => { await this.#drain(); });
 * }
 */
export class Lifecycle {
  readonly #name: string;
  #state: LifecycleState = 'created';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #cause: unknown;

  /** The name stands in messages. */
  constructor(name: string) {
    this.#name = name;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /**
   * Runs `open` once; further calls share its promise. When `open` rejects the component has failed, and so has every
   * call of `start`; `stop` then releases what had been opened.
   *
   * @throws ILLEGAL_TRANSITION (rejection) once it is stopping, stopped or failed
   */
  async start(open: () => Promise<void>): Promise<void> {
    const before = this.#state;
    this.#apply('start');
    if (before === 'created') this.#starting = this.#start(open);
    await this.#starting;
  }

  /**
   * Runs `close` once; concurrent and later calls share its promise. While starting it waits for the start to settle.
   * Stopped before it was started, it has nothing to close. When `close` rejects the component has failed, and the next `stop` tries again.
   */
  async stop(close: () => Promise<void>): Promise<void> {
    this.#stopping ??= this.#stop(close).catch((error: unknown) => {
      this.#stopping = undefined;
      throw error;
    });
    await this.#stopping;
  }

  /** For a component that dies by itself. The first cause is kept. */
  fail(cause: unknown): void {
    this.#cause ??= cause;
    this.#apply('fail');
  }

  /** Returns while running. @throws NOT_RUNNING, with the cause of the failure if there is one */
  assertRunning(): void {
    if (this.#state === 'running') return;
    throw new MillraceError('NOT_RUNNING', `${this.#name} is ${this.#state}`, {
      field: this.#name,
      cause: this.#cause,
    });
  }

  #apply(event: LifecycleEvent): void {
    this.#state = transition(this.#name, this.#state, event);
  }

  async #start(open: () => Promise<void>): Promise<void> {
    try {
      await open();
      this.#apply('started');
    } catch (error) {
      this.fail(error);
      throw error;
    }
    if (this.#state === 'failed') this.assertRunning();
  }

  async #stop(close: () => Promise<void>): Promise<void> {
    // Whoever called `start` learns of its failure; here it only matters that nothing is being opened any more.
    if (this.#starting !== undefined) await Promise.allSettled([this.#starting]);
    this.#apply('stop');
    if (this.#state === 'stopped') return;
    try {
      await close();
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#apply('stopped');
  }
}

/** For calls that wait: aborting rejects with CANCELLED. */
export interface SignalOption {
  readonly signal?: AbortSignal;
}
