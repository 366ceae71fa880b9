import { booleanOption, defineOptions } from '@millrace/core';
import type { FlowStatistics } from '@millrace/flow';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { progressBar } from '../progress-bar.ts';
import { counted, grouped } from '../terminal.ts';

/** With --once: a source that has brought nothing for so long is taken to be empty. */
const IDLE_MS = 1000;

export const flowRunCommand = defineCommand({
  name: 'flow run',
  summary: 'Carry messages from a source through functions to sinks, as a file says',
  options: defineOptions('flow-run', {
    once: booleanOption({
      flag: 'once',
      default: false,
      description: 'End when nothing has come for a second; otherwise where the source ends, or on Ctrl-C',
    }),
    json: jsonOption,
  }),
  args: [{ name: 'file', required: true, description: 'flow.yaml, or a module that exports `flow`' }],
  examples: ['millrace flow run orders.yaml', 'millrace flow run flows/orders.ts --once --json'],
  async run(input) {
    const { options, terminal, interrupted, args } = input;
    // Loaded here so that no other command pays for it.
    const { readFlow, runFlow } = await import('@millrace/flow');
    const flow = await readFlow(args[0] ?? '');
    const bar = progressBar(terminal);
    const rates = new Rates();
    const done = await runFlow(flow, {
      signal: interrupted,
      logger: input.warnings,
      ...(options.once ? { idleMs: IDLE_MS } : {}),
      progress: (statistics) => bar.show(undefined, rates.line(statistics)),
    }).finally(() => bar.done());
    if (options.json) terminal.print(JSON.stringify(done));
    else {
      terminal.print(
        `${counted(done.received, 'message')} received, ${grouped(done.published)} published, ` +
          `${grouped(done.filtered)} filtered, ${grouped(done.dead_letters)} to the dead letters`,
      );
    }
    return EXIT.ok;
  },
});

/** Messages per second between two lines. */
class Rates {
  #at = performance.now();
  #received = 0;
  #published = 0;

  line({ received, published, in_flight: inFlight, dead_letters: deadLetters }: FlowStatistics): string {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#at) / 1000);
    const [rateIn, rateOut] = [(received - this.#received) / seconds, (published - this.#published) / seconds];
    [this.#at, this.#received, this.#published] = [now, received, published];
    return (
      `in ${grouped(Math.round(rateIn))}/s, out ${grouped(Math.round(rateOut))}/s, ` +
      `${grouped(inFlight)} under way, ${counted(deadLetters, 'dead letter')}, ${grouped(received)} received`
    );
  }
}
