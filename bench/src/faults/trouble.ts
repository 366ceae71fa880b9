import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerControl, TcpProxy } from '@millrace/testkit';
import type { ProofContext } from '../proof.ts';
import type { Lane } from './lane.ts';

export interface Trouble {
  /** Every connection of the lanes goes through one of these. */
  readonly proxies: readonly TcpProxy[];
  /** Restarted one after the other: killed the first time, told to end the second time, and so on in turn. */
  readonly servers: readonly ServerControl[];
  readonly cuts: number;
  readonly restartsPerServer: number;
  /** Before each cut, a random part of it. */
  readonly maxPauseMs: number;
}

export interface TroubleDone {
  /** Connections that were reset. */
  readonly connections: number;
  readonly restarts: number;
  /** From a cut or restart until every lane had something new at its end, milliseconds. */
  readonly longestRecoveryMs: number;
}

const STUCK_MS = 120_000;

/**
 * Cuts all connections at random moments and restarts the servers in between, each time after every lane has moved on.
 *
 * @throws Error when a lane does not
 */
export async function makeTrouble(
  trouble: Trouble,
  lanes: readonly Lane[],
  context: ProofContext,
): Promise<TroubleDone> {
  const { proxies, servers, cuts, restartsPerServer, maxPauseMs } = trouble;
  const restarts = Array.from({ length: restartsPerServer }, (_, turn) => servers.map((server) => ({ server, turn })));
  const pending = restarts.flat();
  const every = Math.floor(cuts / (pending.length + 1));
  let connections = 0;
  let longestRecoveryMs = 0;
  const total = pending.length;
  for (let cut = 1; cut <= cuts; cut++) {
    await sleep(maxPauseMs * Math.random(), undefined, { signal: context.signal });
    connections += proxies.reduce((sum, proxy) => sum + proxy.cut(), 0);
    longestRecoveryMs = Math.max(longestRecoveryMs, await movedOn(lanes, context));
    if (cut % every !== 0) continue;
    const next = pending.shift();
    if (next === undefined) continue;
    await next.server.kill(next.turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    await next.server.restart();
    longestRecoveryMs = Math.max(longestRecoveryMs, await movedOn(lanes, context));
    context.log(`${cut} cuts, ${total - pending.length} restarts: ${lanes.map(standing).join(', ')}`);
  }
  return { connections, restarts: total - pending.length, longestRecoveryMs };
}

const standing = (lane: Lane): string => `${lane.name} ${lane.arrived()}`;

async function movedOn(lanes: readonly Lane[], { signal }: ProofContext): Promise<number> {
  const startedAt = performance.now();
  const before = lanes.map((lane) => lane.arrived());
  for (;;) {
    const stuck = lanes.filter((lane, index) => lane.arrived() <= before[index]!);
    const elapsedMs = performance.now() - startedAt;
    if (stuck.length === 0) return elapsedMs;
    if (elapsedMs > STUCK_MS) throw new Error(`nothing arrives any more: ${stuck.map(standing).join(', ')}`);
    await sleep(5, undefined, { signal });
  }
}
