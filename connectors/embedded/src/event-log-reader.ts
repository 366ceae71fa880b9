import type { Channel, LogReader } from '@millrace/core';
import { nodeDisk, type Disk } from '@millrace/storage';
import { connectSource } from './log/channel.ts';
import { SegmentLogReader } from './log/reader.ts';

export interface EmbeddedLogReaderOptions {
  /** The log's directory, as the owner opened it. */
  readonly directory: string;
  /** Default: this machine's file system. */
  readonly disk?: Disk;
  /** To the thread that owns the log and called `serve` with the other end. */
  readonly channel: Channel;
}

/**
 * A reading end in another thread than the log's owner. It reads the segment files itself; over the channel it only
 * learns how far they are durable. The channel stays open when the reader is closed.
 */
export async function openEmbeddedLogReader(options: EmbeddedLogReaderOptions): Promise<LogReader> {
  const source = await connectSource(options.channel);
  const reader = new SegmentLogReader(options.disk ?? nodeDisk(), options.directory, source);
  const closeReader = reader.close.bind(reader);
  reader.close = async () => {
    await closeReader();
    source.close();
  };
  return reader;
}
