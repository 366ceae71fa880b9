import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killRounds, startMillrace, terminateRound } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let dataDirectory: string;

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
});

afterEach(async () => {
  await rm(dataDirectory, { recursive: true });
});

describe('a platform in a process of its own', () => {
  it('counts acknowledged tags exactly once and others at most once over kill -9', async () => {
    const lines: string[] = [];
    const result = await killRounds({
      dataDirectory,
      rounds: 3,
      random: Math.random,
      longestMs: 500,
      connections: 8,
      batchConnections: 1,
      log: (line) => lines.push(line),
    });
    expect(result.mismatches, lines.join('\n')).toEqual([]);
    expect(result.restartsMs).toHaveLength(3);
    expect(result.sent).toBeGreaterThan(result.acknowledged);
  });

  it('loses nothing on SIGTERM under load, exits with 0 and starts again on its port', async () => {
    const result = await terminateRound({ dataDirectory, loadMs: 500, connections: 8, batchConnections: 1 });
    expect(result).toMatchObject({ exitCode: 0, mismatches: [] });
    expect(result.acknowledged).toBeGreaterThan(0);
    expect(result.output).not.toContain('The deadline of the stop has passed');
  });

  it('keeps another process out of its data directory', async () => {
    const first = await startMillrace({ dataDirectory });
    try {
      await expect(startMillrace({ dataDirectory })).rejects.toThrow(new RegExp(`process ${first.pid}`));
    } finally {
      await first.stop();
    }
  });
});
