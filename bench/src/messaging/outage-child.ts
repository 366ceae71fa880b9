import { runOutage, type OutageOptions } from './outage.ts';
import { startTarget, type TargetName } from './target.ts';

/** One outage in a process of its own, so that its memory is nobody else's. Prints the figures as JSON. */
const { target: name, ...options } = JSON.parse(process.argv[2]!) as Omit<OutageOptions, 'target'> & {
  readonly target: TargetName;
};
const target = await startTarget(name);
try {
  const figures = await runOutage({ ...options, target }, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(JSON.stringify(figures));
} finally {
  await target.stop();
}
