import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openAerospikeV1, PARTITIONS } from '@millrace/aerospike';
import { booleanOption, defineOptions, integerOption, stringOption } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { MigrationProblems } from '../migrate/problems.ts';
import { NOTHING_YET, runMigration } from '../migrate/run.ts';
import { fileTarget, noTarget, platformTarget, readProgress, writeProgress } from '../migrate/target.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { progressBar } from '../progress-bar.ts';
import { grouped } from '../terminal.ts';

export const migrateAerospikeV1Command = defineCommand({
  name: 'migrate aerospike-v1',
  summary: 'Move the user tags that the original platform keeps in Aerospike into a running platform, or a file',
  options: defineOptions('migrate-aerospike-v1', {
    ...clientOptions,
    bin: stringOption({
      flag: 'bin',
      env: 'AEROSPIKE_PROFILES_BIN',
      default: 'profile',
      description: 'Bin of the profiles; the original takes an empty name where none is set',
    }),
    aggregatesNamespace: stringOption({
      flag: 'aggregates-namespace',
      env: 'AEROSPIKE_AGGREGATES_NAMESPACE',
      default: 'aggregates',
      minLength: 1,
      description: 'Namespace of the aggregates, whose totals are compared',
    }),
    bucketsPerKey: integerOption({
      flag: 'buckets-per-key',
      env: 'AEROSPIKE_BUCKETS_PER_KEY',
      default: 60,
      min: 1,
      description: 'Minutes per record of the aggregates, as the original was configured',
    }),
    out: stringOption({
      flag: 'out',
      optional: true,
      description: 'Write JSON lines to this file instead, for millrace replay',
    }),
    problems: stringOption({
      flag: 'problems',
      optional: true,
      description: 'Add a JSON line to this file for each record and tag that cannot be moved',
    }),
    dryRun: booleanOption({ flag: 'dry-run', default: false, description: 'Read and count only' }),
    restart: booleanOption({
      flag: 'restart',
      default: false,
      description: 'Begin with the first partition, whatever was moved before',
    }),
    json: jsonOption,
  }),
  args: [{ name: 'source', required: true, description: 'namespace of the profiles: aerospike://host:3000/profiles' }],
  examples: [
    'millrace migrate aerospike-v1 aerospike://localhost:3000/profiles --dry-run',
    'millrace migrate aerospike-v1 aerospike://localhost:3000/profiles',
    'millrace migrate aerospike-v1 aerospike://localhost:3000/profiles --out tags.ndjson',
  ],
  async run({ options, terminal, interrupted, args: [url = ''] }) {
    const { dryRun, out, bucketsPerKey, aggregatesNamespace } = options;
    const platform = dryRun || out !== undefined ? undefined : await findPlatform(options);
    const place = `${url.split('?')[0]!}\n${options.bin}\n${out ?? options.url ?? 'data directory'}`;
    const name = createHash('sha256').update(place).digest('hex').slice(0, 32);
    const path = join(options.data, 'migrate', `${name}.json`);
    const from = (options.restart || dryRun ? undefined : await readProgress(path)) ?? NOTHING_YET;
    if (from.next > 0)
      terminal.note(`Going on at partition ${from.next} of ${PARTITIONS}; --restart begins at the first.`);
    const found = new MigrationProblems(terminal, options.problems);
    // Before anything is moved, so that no problem is lost for want of a place.
    await found.save();
    const source = await openAerospikeV1(url, { bin: options.bin, aggregatesNamespace, bucketsPerKey });
    let target = noTarget;
    const bar = progressBar(terminal);
    try {
      if (platform !== undefined) {
        target = platformTarget(platform, interrupted, (message, tag) =>
          found.add({ code: 'REFUSED', message, details: { value: tag } }),
        );
      } else if (out !== undefined && !dryRun) {
        target = await fileTarget(out, from.position, from.next > 0 || options.restart);
      }
      const moved = await runMigration({
        source,
        target,
        from,
        signal: interrupted,
        onProblem: found.add,
        async saved(progress) {
          await found.save();
          if (!dryRun) await writeProgress(path, progress);
          const { views, buys } = progress.tags;
          bar.show(progress.next / PARTITIONS, `${grouped(progress.profiles)} profiles, ${grouped(views + buys)} tags`);
        },
      }).finally(() => bar.done());
      if (moved.next < PARTITIONS) {
        terminal.note('Stopped before the end: the same command goes on from here.');
        return EXIT.interrupted;
      }
      const { minutes, position: _, next: __, ...report } = moved;
      const { totals: aggregates, problems } = await source.totals(minutes);
      for (const problem of problems) found.add(problem);
      await found.save();
      if (options.json) terminal.print(JSON.stringify({ ...report, dryRun, aggregates }));
      else print(report, aggregates);
      const bad = report.unreadable + report.damagedTags + report.refused + problems.length;
      return bad === 0 ? EXIT.ok : EXIT.failure;
    } finally {
      found.sumUp();
      await target.close();
      source.close();
    }

    function print(
      report: Omit<typeof NOTHING_YET, 'minutes' | 'position' | 'next'>,
      totals: typeof report.tags,
    ): void {
      const { tags } = report;
      const verb = dryRun ? 'found' : 'moved';
      terminal.print(
        `${grouped(report.profiles)} profiles ${verb}: ${grouped(tags.views)} views and ${grouped(tags.buys)} buys; ` +
          `${grouped(report.refused)} tags refused, ${grouped(report.unreadable)} records and ${grouped(report.damagedTags)} tags unreadable`,
      );
      for (const kind of ['views', 'buys'] as const) {
        terminal.print(
          `${kind}: ${grouped(totals[kind])} in the aggregates of the same minutes, ${grouped(totals[kind] - tags[kind])} more than ${verb}; ` +
            `prices: ${grouped(totals[`${kind}Price`])}, ${grouped(totals[`${kind}Price`] - tags[`${kind}Price`])} more`,
        );
      }
      terminal.print(
        'Aggregates are sums and cannot be turned back into tags: those of the platform are counted anew from the tags that ' +
          'the profiles still have, so what the profiles have dropped is missing from them.',
      );
    }
  },
});
