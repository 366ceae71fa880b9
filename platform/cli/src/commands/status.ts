import type { ProcessorStatus } from '@millrace/analytics';
import { defineOptions } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import type { StatusAnswer } from '../status.ts';
import { readAnyStatus } from '../status.ts';
import { table } from '../table.ts';
import { counted, grouped, roundedBytes } from '../terminal.ts';

type Row = readonly [figure: string, value: string];

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'Show how the running platform is doing',
  options: defineOptions('status', { ...clientOptions, json: jsonOption }),
  examples: ['millrace status', 'millrace status --json', 'millrace status --url http://127.0.0.1:9101'],
  async run({ terminal, options }) {
    const platform = await findPlatform(options);
    const status = await readAnyStatus(platform);
    if (options.json) {
      terminal.print(JSON.stringify(status));
      return EXIT.ok;
    }
    const rows: readonly Row[] = [
      ['address', platform.url],
      ['state', status.state],
      ['up since', new Date(status.startedAt).toISOString()],
      ...('frontend' in status ? platformRows(status) : processorRows(status)),
    ];
    terminal.print(
      table(
        terminal,
        [{ name: 'Figure' }, { name: 'Value' }],
        rows.map((row) => [...row]),
      ),
    );
    return EXIT.ok;
  },
});

/** Of a platform, or of a frontend whose processors run elsewhere. */
function platformRows(status: StatusAnswer): readonly Row[] {
  return [
    ['event clock', status.clock === undefined ? 'no events yet' : new Date(status.clock).toISOString()],
    ['accepted since then', grouped(status.accepted)],
    ...(status.applied === undefined ? [] : [['applied since then', grouped(status.applied)] as const]),
    ...lagRows(status),
    ['too late for aggregates', grouped(status.late)],
    ['duplicates dropped', grouped(status.duplicates)],
    ['dead letters', grouped(status.deadLetters)],
    ['size of the log', sizeOf(status.logBytes)],
    ['size of the state', sizeOf(status.stateBytes)],
    ['p99 of tags', `${grouped(status.frontend.tagLatencyP99Ms)} ms`],
  ];
}

const sizeOf = (bytes: number | undefined): string =>
  bytes === undefined ? 'unknown: its server knows' : roundedBytes(bytes);

function processorRows(status: ProcessorStatus): readonly Row[] {
  return [
    ['applied since then', grouped(status.applied)],
    ...lagRows(status),
    ['too late for aggregates', grouped(status.late)],
    ['duplicates dropped', grouped(status.duplicates)],
    ['new dead letters', grouped(status.deadLetters)],
    ['started again', counted(status.restarts, 'time')],
  ];
}

/** All processors together, and the partitions that are behind, those with the oldest records first. */
function lagRows({ lag, partitions = [] }: Pick<StatusAnswer, 'lag' | 'partitions'>): readonly Row[] {
  const behind = partitions.filter(({ records }) => records > 0).toSorted((a, b) => b.ms - a.ms);
  return [
    ['behind', `${counted(lag.records, 'tag')}, ${grouped(lag.ms)} ms`],
    ...behind.map(
      ({ partition, records, ms }) =>
        [`  partition ${partition}`, `${counted(records, 'tag')}, ${grouped(ms)} ms`] as const,
    ),
  ];
}
