import { caughtUp } from '@millrace/testkit';
import { postLines } from './post-lines.ts';
import { type GeneratedTag, tagLines } from './tags.ts';

const BATCH = 1000;

/**
 * Posts the next tags of a stream in batches of 1,000, one after the other to each of the URLs, and waits until they are
 * processed.
 *
 * @param urls of frontends; one that stands there twice gets two connections
 * @param count a multiple of 1,000
 * @returns tags per second, processed to the last
 */
export async function fillWithTags(
  urls: readonly string[],
  stream: Iterator<GeneratedTag>,
  count: number,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const connection = async (url: string): Promise<void> => {
    while (left > 0 && !signal.aborted) {
      left -= BATCH;
      await postLines(url, tagLines(stream, BATCH), BATCH);
    }
  };
  await Promise.all(urls.map(connection));
  await caughtUp(urls[0]!, signal);
  return (count * 1000) / (performance.now() - startedAt);
}
