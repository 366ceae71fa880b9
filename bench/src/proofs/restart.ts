import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { caughtUp, startMillrace, type MillraceProcess } from '@millrace/testkit';
import { postLines } from '../post-lines.ts';
import type { Proof, ProofContext } from '../proof.ts';
import { memoryOf } from '../process-stats.ts';
import { generateTags, tagLines } from '../tags.ts';

const BATCH = 5_000;

/** Ten million events in the log: how soon a restart is ready, how much memory and disk they take. */
export const proof: Proof = {
  name: 'restart',
  title: '1e7 events: ready again in under 2 s, at most 400 MB of memory, 90 bytes of state and 120 of log per event',
  async run(context) {
    const total = context.size === 'full' ? 10_000_000 : 20_000;
    const dataDirectory = join(context.workDirectory, 'data');
    const first = await startMillrace({ dataDirectory });
    const { perSecond, peak } = await fill(first, total, context).catch(async (error: unknown) => {
      await first.kill();
      throw error;
    });
    const logBytes = (await bytesBelow(join(dataDirectory, 'log'))) / total;
    const stateBytes = (await bytesBelow(join(dataDirectory, 'state'))) / total;
    await first.stop();
    const afterStop = await startMillrace({ dataDirectory });
    await afterStop.kill();
    const afterKill = await startMillrace({ dataDirectory });
    await afterKill.stop();
    const readyMs = Math.max(afterStop.readyAfterMs, afterKill.readyAfterMs);
    return {
      passed:
        // Beside other tests, and before a store is filled, none of these is a measure: small only shows that it runs.
        context.size === 'small' || (readyMs < 2_000 && peak.rss <= 400e6 && stateBytes <= 90 && logBytes <= 120),
      figures: {
        events: total,
        'acknowledged and processed per second': Math.round(perSecond),
        'ready after a stop, ms': Math.round(afterStop.readyAfterMs),
        'ready after kill -9, ms': Math.round(afterKill.readyAfterMs),
        'peak RSS, MB': Math.round(peak.rss / 1e6),
        'anonymous part of it, MB': Math.round(peak.anonymous / 1e6),
        'log bytes per event': Number(logBytes.toFixed(1)),
        'state bytes per event': Number(stateBytes.toFixed(1)),
      },
    };
  },
};

async function fill(platform: MillraceProcess, total: number, context: ProofContext) {
  const tags = generateTags(Date.now() - total);
  const peak = { rss: 0, anonymous: 0 };
  const startedAt = performance.now();
  // Two requests at once: one is parsed while the other waits for the disk.
  let sent = 0;
  const send = async (): Promise<void> => {
    while (sent < total) {
      sent += BATCH;
      await postLines(platform.url, tagLines(tags, BATCH), BATCH);
      if (sent % (total / 10) === 0) context.log(`${sent} events sent`);
      const memory = await memoryOf(platform.pid);
      if (memory.rss > peak.rss) Object.assign(peak, memory);
    }
  };
  await Promise.all([send(), send()]);
  await caughtUp(platform.url);
  return { perSecond: (total / (performance.now() - startedAt)) * 1000, peak };
}

async function bytesBelow(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        // Blocks, not length: a segment written in advance, or with holes, counts as what it takes.
        ({ blocks }) => blocks * 512,
        (error: NodeJS.ErrnoException) => {
          // A compaction may have removed the file since it was listed.
          if (error.code === 'ENOENT') return 0;
          throw error;
        },
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
