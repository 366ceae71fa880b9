import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@millrace/testkit';
import { expect, it } from 'vitest';
import { Trial } from '../src/powercut/trial.ts';

it('the proof of power cuts notices commits of the state that resolve before they are synced', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-powercut-'));
  const trial = new Trial({ directory, random: seededRandom(7), unsyncedCommits: true });
  const problems: string[] = [];
  // The first ones notice it, unless the machine is so busy that no commit comes between two cuts.
  for (let cut = 0; cut < 500 && problems.length === 0; cut++) {
    await trial.liveUntilCut();
    problems.push(...(await trial.check()));
  }
  expect(problems).toContainEqual(expect.stringMatching(/^state at \w+, log starts at \d+$/));
  await rm(directory, { recursive: true });
});
