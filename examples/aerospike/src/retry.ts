import { setTimeout as sleep } from 'node:timers/promises';

import { type JsonValue, openPublisher, type Publisher } from '@millrace/core';

import { type Example, runIfMain } from './example.ts';

interface RetryOptions {
  readonly maxRetries?: number;
  /** Wait before the second try, doubled after each. Milliseconds. */
  readonly firstWaitMs?: number;
  readonly print: (line: string) => void;
}

/**
 * Tries a few times, waiting 1 s, 2 s and so on between two tries. A publisher does the like by itself, without a limit
 * or with `retry_max`; this is for a program that wants to know.
 */
export async function publishWithRetry(
  publisher: Publisher,
  value: JsonValue,
  { maxRetries = 3, firstWaitMs = 1000, print }: RetryOptions,
): Promise<boolean> {
  for (let attempt = 0; attempt < maxRetries; attempt++) {
    try {
      await publisher.publish({ value });
      return true;
    } catch (error) {
      print(`Attempt ${attempt + 1} failed: ${error instanceof Error ? error.message : String(error)}`);
      if (attempt + 1 < maxRetries) await sleep(firstWaitMs * 2 ** attempt);
    }
  }
  return false;
}

/** One that is taken at once, and one that has no key and never will be. */
export const retry: Example = async ({ urlOf, scale, print }) => {
  const publisher = await openPublisher(urlOf('test', 'retries'), { retry_max: 1 });
  const options = { firstWaitMs: 1000 * scale, print };
  print(`Published: ${await publishWithRetry(publisher, { __dagserver_key: 'important', data: 1 }, options)}`);
  print(`Published: ${await publishWithRetry(publisher, { data: 2 }, options)}`);
  await publisher.close();
};

await runIfMain(import.meta.main, retry);
