import { MillraceError } from '../../errors.ts';
import { resolveConfig } from '../config.ts';
import type { PublisherConfig, SubscriberConfig } from '../create.ts';
import { PUBLISHER_ALIASES, publisherOptions } from '../publisher-options.ts';
import type { SinkPublisherOptions } from '../sink-publisher.ts';
import type { SourceSubscriberOptions } from '../source-subscriber.ts';
import { SUBSCRIBER_ALIASES, subscriberOptions } from '../subscriber-options.ts';

/** Options of a publisher that no URL names. @throws INVALID_OPTION, UNKNOWN_OPTION, NOT_SUPPORTED for `wal` */
export function publisherWithoutUrl(name: string, display: string, config: PublisherConfig): SinkPublisherOptions {
  const { destination: _, logger, onError, predicate, priorityExtractor, ...given } = config;
  const sources = [{ place: `publisher "${name}"`, values: given }];
  const [values] = resolveConfig([publisherOptions], PUBLISHER_ALIASES, sources);
  if (values.wal !== undefined) {
    const message = `publisher "${name}" has no write-ahead buffer: give \`wal\` to the publishers behind it`;
    throw new MillraceError('NOT_SUPPORTED', message, { field: 'wal', value: values.wal });
  }
  return { name, display, values, hooks: { logger, onError, predicate, priorityExtractor } };
}

/** As {@link publisherWithoutUrl}. */
export function subscriberWithoutUrl(name: string, display: string, config: SubscriberConfig): SourceSubscriberOptions {
  const { source: _, logger, notify, priorityExtractor, ...given } = config;
  const sources = [{ place: `subscriber "${name}"`, values: given }];
  const [values] = resolveConfig([subscriberOptions], SUBSCRIBER_ALIASES, sources);
  return { name, display, values, hooks: { logger, notify, priorityExtractor } };
}
