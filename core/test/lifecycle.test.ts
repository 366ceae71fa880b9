import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lifecycle, LIFECYCLE, transition } from '@millrace/core';
import type { LifecycleEvent, LifecycleState } from '@millrace/core';

const STATES = Object.keys(LIFECYCLE) as LifecycleState[];
const EVENTS: readonly LifecycleEvent[] = ['start', 'started', 'stop', 'stopped', 'fail'];

function reachable(start: LifecycleState): Set<LifecycleState> {
  const reached = new Set([start]);
  for (const state of reached) {
    for (const event of EVENTS) {
      const next = LIFECYCLE[state][event];
      if (next !== 'illegal') reached.add(next);
    }
  }
  return reached;
}

describe('the table', () => {
  it.each(STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)))('%s, %s', (state, event) => {
    const cell = LIFECYCLE[state][event];
    if (cell === 'illegal') {
      expect(() => transition('frontend', state, event)).toThrow(
        expect.objectContaining({
          code: 'ILLEGAL_TRANSITION',
          message: expect.stringContaining(`frontend cannot ${event} while it is ${state}`),
        }),
      );
    } else {
      expect(STATES).toContain(cell);
      expect(transition('frontend', state, event)).toBe(cell);
    }
  });

  it('reaches every state from created, and stopped from every state by events alone', () => {
    expect(reachable('created')).toEqual(new Set(STATES));
    for (const state of STATES) expect(reachable(state)).toContain('stopped');
  });
});

/** What a component's life looks like to a careful reader of the docstrings, in plain variables. */
interface Model {
  /** How far `open` and `close` are. */
  open: 'never' | 'pending' | 'done' | 'broken';
  close: 'never' | 'pending' | 'done' | 'broken';
  /** A stop waits for the start to settle. */
  stopAsked: boolean;
  failed: boolean;
  opens: number;
  closes: number;
}

class Real {
  readonly lifecycle = new Lifecycle('it');
  opens = 0;
  closes = 0;
  opening = Promise.withResolvers<void>();
  closing = Promise.withResolvers<void>();
  readonly starts: Promise<void>[] = [];
  readonly stops: Promise<void>[] = [];

  start(): Promise<void> {
    const call = this.lifecycle.start(() => {
      this.opens++;
      return this.opening.promise;
    });
    this.starts.push(call);
    return call;
  }

  stop(): Promise<void> {
    const call = this.lifecycle.stop(() => {
      this.closes++;
      this.closing = Promise.withResolvers();
      return this.closing.promise;
    });
    this.stops.push(call);
    return call;
  }
}

function stateOf(model: Model): LifecycleState {
  if (model.close === 'done') return 'stopped';
  if (model.failed) return 'failed';
  if (model.close === 'pending') return 'stopping';
  if (model.open === 'pending') return 'starting';
  return model.open === 'done' ? 'running' : 'created';
}

async function agree(model: Model, { lifecycle, opens, closes }: Real): Promise<void> {
  expect({ state: lifecycle.state, opens, closes }).toEqual({
    state: stateOf(model),
    opens: model.opens,
    closes: model.closes,
  });
}

/** Promises are left pending between commands on purpose, so an unobserved rejection must not end the test run. */
const observe = (call: Promise<void>) => Promise.allSettled([call]).then(([result]) => result.status);

function beginClose(model: Model): void {
  model.stopAsked = false;
  // A stop leads out of `failed`: the closing component is "stopping" until it fails anew.
  model.failed = false;
  model.close = 'pending';
  model.closes++;
}

type Command = fc.AsyncCommand<Model, Real>;

function command(
  name: string,
  check: (model: Model) => boolean,
  apply: (model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check: (model) => check(model),
    run: async (model, real) => {
      await apply(model, real);
      await setImmediate();
      await agree(model, real);
    },
    toString: () => name,
  };
}

const commands: Command[] = [
  command(
    'start',
    () => true,
    async (model, real) => {
      const state = stateOf(model);
      const call = observe(real.start());
      if (state === 'created') {
        model.open = 'pending';
        model.opens++;
      } else if (state === 'running') {
        expect(await call).toBe('fulfilled');
      } else if (state !== 'starting') {
        expect(await call).toBe('rejected');
      }
    },
  ),
  command(
    'stop',
    () => true,
    async (model, real) => {
      const call = observe(real.stop());
      if (model.close === 'done') expect(await call).toBe('fulfilled');
      else if (stateOf(model) === 'created') model.close = 'done';
      else if (model.open === 'pending') model.stopAsked = true;
      else if (model.close !== 'pending') beginClose(model);
    },
  ),
  command(
    'open settles',
    ({ open }) => open === 'pending',
    async (model, real) => {
      real.opening.resolve();
      model.open = 'done';
      expect(await observe(real.starts.at(0)!)).toBe(model.failed ? 'rejected' : 'fulfilled');
      if (model.stopAsked) beginClose(model);
    },
  ),
  command(
    'open breaks',
    ({ open }) => open === 'pending',
    async (model, real) => {
      real.opening.reject(new Error('cannot open'));
      model.open = 'broken';
      model.failed = true;
      expect(await observe(real.starts.at(0)!)).toBe('rejected');
      if (model.stopAsked) beginClose(model);
    },
  ),
  command(
    'close settles',
    ({ close }) => close === 'pending',
    async (model, real) => {
      real.closing.resolve();
      model.close = 'done';
      expect(await observe(real.stops.at(-1)!)).toBe('fulfilled');
    },
  ),
  command(
    'close breaks',
    ({ close }) => close === 'pending',
    async (model, real) => {
      real.closing.reject(new Error('cannot close'));
      model.close = 'broken';
      model.failed = true;
      expect(await observe(real.stops.at(-1)!)).toBe('rejected');
    },
  ),
  command(
    'fail',
    () => true,
    async (model, real) => {
      real.lifecycle.fail(new Error('died'));
      if (model.close !== 'done') model.failed = true;
    },
  ),
];

it('behaves as its model under any order of calls and outcomes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        commands.map((command) => fc.constant(command)),
        { size: '+1' },
      ),
      async (run) => {
        const model: Model = { open: 'never', close: 'never', stopAsked: false, failed: false, opens: 0, closes: 0 };
        await fc.asyncModelRun(() => ({ model, real: new Real() }), run);
      },
    ),
    { numRuns: 300 },
  );
});

describe('Lifecycle', () => {
  it('runs open and close once for concurrent calls', async () => {
    const lifecycle = new Lifecycle('log');
    const calls: string[] = [];
    const open = async () => void calls.push('open');
    const close = async () => void calls.push('close');
    await Promise.all([lifecycle.start(open), lifecycle.start(open), lifecycle.stop(close), lifecycle.stop(close)]);
    await lifecycle.stop(close);
    expect(calls).toEqual(['open', 'close']);
    expect(lifecycle.state).toBe('stopped');
  });

  it('says what is wrong and keeps the first cause', () => {
    const lifecycle = new Lifecycle('processor');
    expect(() => lifecycle.assertRunning()).toThrow('processor is created');
    const first = new Error('worker died');
    lifecycle.fail(first);
    lifecycle.fail(new Error('and again'));
    expect(() => lifecycle.assertRunning()).toThrow(
      expect.objectContaining({ code: 'NOT_RUNNING', message: 'processor is failed', cause: first }),
    );
  });

  it('returns from assertRunning while running', async () => {
    const lifecycle = new Lifecycle('processor');
    await lifecycle.start(async () => {});
    expect(() => lifecycle.assertRunning()).not.toThrow();
  });
});
