// A target of your own, without a package: a module that exports `sink`, opened by its path.
import { openPublisher } from '@millrace/core';

const printer = new URL('printer.ts', import.meta.url).pathname;
const publisher = await openPublisher(`custom://${printer}`, { prefix: '->' });
await publisher.publish({ value: { total: 12 } });
await publisher.close();

// Prints:
// -> {"total":12}
