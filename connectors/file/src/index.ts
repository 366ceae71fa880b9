import type { Connector } from '@millrace/core';
import { fileSink } from './publisher.ts';
import { fileSource } from './subscriber.ts';

export { fileSinkOptions, fileSourceOptions } from './options.ts';

/** JSON lines: `file:PATH` relative to the working directory, `file:///PATH` absolute. */
export const connector: Connector = {
  sinks: { file: fileSink },
  sources: { file: fileSource },
};
