import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { grouped } from '../terminal.ts';
import type { Latencies, LoadReport } from './report.ts';

const COLUMNS = ['Latency, ms', 'Count', 'p50', 'p90', 'p99', 'p99.9', 'Max'].map((name, index) => ({
  name,
  align: index === 0 ? ('left' as const) : ('right' as const),
}));

export function printReport(terminal: Terminal, report: LoadReport): void {
  const { tags, checked, mismatches, examples, latencyMs, seconds, colors } = { ...report, colors: terminal.colors };
  terminal.print(
    `${grouped(tags.acknowledged)} of ${grouped(tags.sent)} tags acknowledged in ${grouped(seconds)} s: ` +
      `${grouped(tags.perSecond)}/s; caught up ${grouped(report.catchUpMs)} ms after the last one`,
  );
  terminal.print(`event times ${report.from} to ${report.to}, seed ${report.seed}`);
  const rows = [
    row('tags', latencyMs.tags),
    row('profiles', latencyMs.profiles),
    row('aggregates', latencyMs.aggregates),
  ];
  terminal.print(table(terminal, COLUMNS, rows));
  for (const [status, count] of Object.entries(tags.refused)) {
    terminal.print(colors.red(`${grouped(count)} tags were answered with status ${status}`));
  }
  if (report.interrupted !== undefined) terminal.print(colors.red(`The run ended early: ${report.interrupted}`));
  const answers = `${grouped(checked.profiles)} profiles and ${grouped(checked.aggregates)} aggregates compared`;
  const verdict = `${answers}, ${grouped(mismatches)} mismatches`;
  terminal.print(mismatches === 0 ? colors.green(verdict) : colors.red(verdict));
  for (const { query, expected, got } of examples) {
    terminal.print(`\n${query}\n  expected ${expected}\n  got      ${got}`);
  }
}

const row = (name: string, { count, p50, p90, p99, p999, max }: Latencies): string[] => [
  name,
  grouped(count),
  ...[p50, p90, p99, p999, max].map((ms) => ms.toFixed(2)),
];
