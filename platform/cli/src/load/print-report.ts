import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { counted, grouped } from '../terminal.ts';
import type { Latencies, LoadReport } from './report.ts';

const COLUMNS = ['Latency, ms', 'Count', 'p50', 'p90', 'p99', 'p99.9', 'Max'].map((name, index) => ({
  name,
  align: index === 0 ? ('left' as const) : ('right' as const),
}));

export function printReport(terminal: Terminal, report: LoadReport): void {
  const { tags, checked, mismatches, examples, latencyMs, seconds, colors } = { ...report, colors: terminal.colors };
  const caughtUp =
    report.interrupted === undefined ? `; caught up ${grouped(report.catchUpMs)} ms after the last one` : '';
  terminal.print(
    `${grouped(tags.acknowledged)} of ${counted(tags.sent, 'tag')} acknowledged in ${grouped(seconds)} s: ` +
      `${grouped(tags.perSecond)}/s${caughtUp}`,
  );
  terminal.print(`event times ${report.from} to ${report.to}, seed ${report.seed}`);
  const rows = [
    row('tags', latencyMs.tags),
    row('profiles', latencyMs.profiles),
    row('aggregates', latencyMs.aggregates),
  ];
  terminal.print(table(terminal, COLUMNS, rows));
  for (const [status, count] of Object.entries(tags.refused)) {
    terminal.print(colors.red(`${counted(count, 'tag')} refused with status ${status}`));
  }
  if (report.interrupted !== undefined) terminal.print(colors.red(`The run ended early: ${report.interrupted}`));
  if (tags.unanswered > 0) {
    const text = `${counted(tags.unanswered, 'tag')} without an answer: whether they are stored is in doubt`;
    terminal.print(colors.red(text));
  }
  for (const [status, count] of Object.entries(report.failedQueries)) {
    const again = report.uncompared === 0 ? 'asked again at the end' : `${grouped(report.uncompared)} not compared`;
    terminal.print(colors.red(`${counted(count, 'query', 'queries')} failed with status ${status}: ${again}`));
  }
  const answers = `${counted(checked.profiles, 'profile')} and ${grouped(checked.aggregates)} aggregates compared`;
  const lateOnes = report.late === 0 ? '' : `, ${grouped(report.late)} late (right at the end, but not in time)`;
  const verdict = `${answers}, ${counted(mismatches, 'mismatch', 'mismatches')}${lateOnes}`;
  const isRight = mismatches + report.late + report.uncompared === 0;
  terminal.print(isRight ? colors.green(verdict) : colors.red(verdict));
  for (const { query, expected, got, late } of examples) {
    terminal.print(`\n${query}${late ? ' (late)' : ''}\n  expected ${expected}\n  got      ${got}`);
  }
}

const row = (name: string, { count, p50, p90, p99, p999, max }: Latencies): string[] => [
  name,
  grouped(count),
  ...[p50, p90, p99, p999, max].map((ms) => ms.toFixed(2)),
];
