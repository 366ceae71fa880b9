import {
  MillraceError,
  booleanOption,
  defineOptions,
  durationOption,
  integerOption,
  stringOption,
} from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { CARDINALITIES } from '../load/generator.ts';
import { printReport } from '../load/print-report.ts';
import { runLoad } from '../load/run.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { progressBar } from '../progress-bar.ts';
import { shareOf } from '../share.ts';
import { counted, grouped } from '../terminal.ts';
import { parseTime } from '../time-options.ts';

export const loadCommand = defineCommand({
  name: 'load',
  summary: 'Send generated tags and queries, and check every answer against an oracle of its own',
  options: defineOptions('load', {
    ...clientOptions,
    rate: integerOption({
      flag: 'rate',
      default: 1000,
      min: 0,
      max: 1_000_000,
      description: 'Tags per second; 0 is as fast as possible',
    }),
    count: integerOption({ flag: 'count', default: 10_000, min: 1, max: 50_000_000, description: 'Tags in all' }),
    connections: integerOption({
      flag: 'connections',
      default: 64,
      min: 1,
      max: 4096,
      description: 'Connections that send tags, one at a time each',
    }),
    seed: integerOption({
      flag: 'seed',
      default: 1,
      min: 0,
      max: 2 ** 32 - 1,
      description: 'The same seed and start give the same tags',
    }),
    late: stringOption({
      flag: 'late',
      default: '0',
      description: 'Share of tags that are up to ten minutes late: 0.05 or 5%',
    }),
    ties: stringOption({
      flag: 'ties',
      default: '0',
      description: 'Share of tags that repeat user and time of an earlier one: 0.05 or 5%',
    }),
    cookies: integerOption({
      flag: 'cookies',
      default: CARDINALITIES.cookies,
      min: 1,
      max: 100_000_000,
      description: 'Different users',
    }),
    keep: integerOption({
      flag: 'keep',
      env: 'NUM_TAGS_TO_KEEP',
      default: 230,
      min: 1,
      description: 'What the platform was started with',
    }),
    freshness: durationOption({
      flag: 'freshness',
      default: '10s',
      description: 'An answer must be exact when what it depends on has not changed for so long',
    }),
    start: stringOption({
      flag: 'start',
      optional: true,
      description: 'Time of the first tag, UTC; by default in the latest free minutes',
    }),
    tagsOnly: booleanOption({
      flag: 'tags-only',
      default: false,
      description: 'Ask nothing while sending; the checks at the end remain',
    }),
    json: jsonOption,
  }),
  examples: [
    'millrace load',
    'millrace load --rate 0 --count 1000000 --late 5% --ties 5%',
    'millrace load --url http://127.0.0.1:8080 --rate 1000 --count 60000 --json',
  ],
  async run({ options, terminal, interrupted }) {
    const platform = await findPlatform(options);
    refuseEncryption(platform.url);
    const bar = progressBar(terminal);
    const { freshness: freshnessMs, start, ...rest } = options;
    const shares = { late: shareOf('--late', options.late), ties: shareOf('--ties', options.ties) };
    const startMs = start === undefined ? undefined : parseTime('--start', start);
    const report = await runLoad(
      platform,
      { ...rest, ...shares, freshnessMs, start: startMs },
      {
        progress: ({ phase, done, total, perSecond, mismatches }) =>
          bar.show(
            done / total,
            `${phase} ${grouped(done)} of ${grouped(total)}, ${grouped(perSecond)} tags/s, ${counted(mismatches, 'mismatch', 'mismatches')}`,
          ),
      },
      interrupted,
    ).finally(() => bar.done());
    if (options.json) terminal.print(JSON.stringify(report));
    else printReport(terminal, report);
    return report.passed ? EXIT.ok : EXIT.failure;
  },
});

/** @throws INVALID_OPTION */
function refuseEncryption(url: string): void {
  if (new URL(url).protocol === 'http:') return;
  const accepted = 'an http:// address';
  throw new MillraceError('INVALID_OPTION', `--url: load speaks plain HTTP only, and ${url} is not ${accepted}`, {
    field: '--url',
    value: url,
    accepted,
  });
}
