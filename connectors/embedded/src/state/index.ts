export { openEmbeddedStateReader, type StateReaderOptions } from './reader.ts';
export { openEmbeddedStateWriter, type StateWriterOptions } from './writer.ts';
