import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caughtUp } from '@millrace/testkit';
import { loadGenerator, runLoad } from './http-load.ts';
import type { LoadResult } from './load-result.ts';
import { cpuOfParts, type PartCosts, type Parts, costsPerTag } from './part-costs.ts';
import type { ProofContext } from './proof.ts';
import { generateTags, tagJson } from './tags.ts';

export interface SingleTagsOptions<P extends string> {
  /** Where they are posted: a frontend, or the load balancer before several. */
  readonly url: string;
  /** A frontend, which is asked whether all is processed. */
  readonly frontend: string;
  readonly parts: Parts<P>;
  readonly connections: number;
  /** Different tags, sent again and again. */
  readonly bodies: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface SingleTagsResult<P extends string> extends LoadResult {
  readonly perSecond: number;
  /** Until the last of them was processed. */
  readonly processedPerSecond: number;
  /** Per tag. */
  readonly cpuUs: PartCosts<P>;
}

/** Posts tags one by one, as fast as they are answered, and tells what each part of the platform takes for one. */
export async function loadWithSingleTags<P extends string>(
  { url, frontend, parts, connections, bodies, warmUpSeconds, seconds }: SingleTagsOptions<P>,
  context: ProofContext,
): Promise<SingleTagsResult<P>> {
  const file = join(context.workDirectory, 'bodies.txt');
  const stream = generateTags(Date.now() - bodies, 3);
  await writeFile(file, Array.from({ length: bodies }, () => `${tagJson(stream.next().value)}\n`).join(''));
  const generator = loadGenerator();
  const options = {
    url: new URL('/user_tags', url).href,
    bodies: file,
    contentType: 'application/json',
    connections,
  };
  await runLoad(generator, { ...options, seconds: warmUpSeconds });
  await caughtUp(frontend, context.signal);
  context.log('warmed up');
  const before = await cpuOfParts(parts);
  const startedAt = performance.now();
  const result = await runLoad(generator, { ...options, seconds });
  await caughtUp(frontend, context.signal);
  const settledSeconds = (performance.now() - startedAt) / 1000;
  return {
    ...result,
    perSecond: result.requests / result.seconds,
    processedPerSecond: result.requests / settledSeconds,
    cpuUs: costsPerTag(before, await cpuOfParts(parts), result.requests),
  };
}
