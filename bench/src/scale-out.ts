import { setTimeout as sleep } from 'node:timers/promises';
import { caughtUp, freePort, queryOf, sendTags, TagOracle, type RoleProcess } from '@millrace/testkit';
import type { ProofContext, ProofResult } from './proof.ts';
import type { SharedPlatform } from './shared-platform.ts';

const SMALL_TAGS = 6000;

/**
 * Two frontends behind HAProxy and three processors: while tags are sent one of each is killed, and one of each comes.
 *
 * @param tags how many are sent and acknowledged at full size
 */
export async function scaleOut(context: ProofContext, platform: SharedPlatform, tags: number): Promise<ProofResult> {
  const full = context.size === 'full';
  const target = full ? tags : SMALL_TAGS;
  const { start } = platform;
  // The first processor comes before any frontend has made the topic, as it may.
  const ports = [await freePort(), await freePort()] as const;
  const starting = [start('processor'), ...ports.map((port) => start('frontend', '--port', String(port)))];
  const [processor, frontend, otherFrontend] = (await Promise.all(starting)) as [RoleProcess, RoleProcess, RoleProcess];
  await Promise.all([start('processor'), start('processor')]);
  const haproxy = await platform.balance(ports);
  context.log(`two frontends and three processors run behind ${haproxy.url}`);

  const oracle = new TagOracle();
  const enough = new AbortController();
  const { signal } = enough;
  context.signal.addEventListener('abort', () => enough.abort(), { once: true });
  const startedAt = performance.now();
  const sending = sendTags({
    url: haproxy.url,
    oracle,
    connections: full ? 60 : 16,
    batchConnections: full ? 2 : 1,
    batchSize: full ? 100 : 20,
    goOn: true,
    signal,
  });
  const at = async (share: number): Promise<void> => {
    while (oracle.acknowledged < share * target && !signal.aborted) await sleep(5);
  };
  await at(0.25);
  await processor.kill();
  context.log(`a processor was killed after ${oracle.acknowledged} tags`);
  await at(0.5);
  await frontend.kill();
  context.log(`a frontend was killed after ${oracle.acknowledged} tags`);
  await at(0.6);
  await Promise.all([start('processor'), start('frontend', '--port', String(ports[0]))]);
  context.log(`a processor and a frontend have come after ${oracle.acknowledged} tags`);
  await at(1);
  enough.abort();
  const { failures } = await sending;
  const seconds = (performance.now() - startedAt) / 1000;
  await caughtUp(otherFrontend.url, context.signal);
  const caughtUpMs = performance.now() - startedAt - seconds * 1000;
  const { mismatches, acknowledged, inDoubtApplied } = await oracle.compare(queryOf(haproxy.url));
  return {
    passed: mismatches.length === 0 && acknowledged >= target,
    figures: {
      'tags sent': oracle.sent,
      'tags acknowledged': acknowledged,
      'requests without a 204': failures.length,
      'unacknowledged but applied': inDoubtApplied,
      'tags per second, all on one machine': Math.round(oracle.sent / seconds),
      'caught up after the last tag, ms': Math.round(caughtUpMs),
      mismatches: mismatches.length,
    },
    notes: [...mismatches.slice(0, 5), ...new Set(failures)].slice(0, 10),
  };
}
