/** Numbers of the wire protocol, by the terms of Aerospike's clients. */

export const PROTO_VERSION = 2;
export const PROTO_HEADER_BYTES = 8;
/** A frame that claims more ends its connection, as it does on a real server. */
export const MAX_FRAME_BYTES = 128 * 1024 * 1024;
/** The most that the limit of a record can be set to. */
export const LARGEST_RECORD_BYTES = 8 * 1024 * 1024;
export const MESSAGE_HEADER_BYTES = 22;
export const DIGEST_BYTES = 20;
export const PARTITIONS = 4096;

export const FRAME = { info: 1, admin: 2, message: 3, compressed: 4 } as const;

export const FIELD = {
  namespace: 0,
  set: 1,
  key: 2,
  digest: 4,
  taskId: 7,
  socketTimeout: 9,
  recordsPerSecond: 10,
  partitions: 11,
  resumeDigests: 12,
  maxRecords: 13,
  resumeValues: 15,
  indexName: 21,
  indexRange: 22,
  indexContext: 23,
  indexType: 26,
  udfPackage: 30,
  udfOperation: 33,
  queryBins: 40,
  batch: 41,
  filter: 43,
} as const;

/** Field types are below this number. */
export const FIELD_TYPES = 64;

export const INFO1 = { read: 1, getAll: 2, batch: 8, noBinData: 32, compressResponse: 128 } as const;

export const INFO2 = {
  write: 1,
  delete: 2,
  generation: 4,
  generationGreater: 8,
  durableDelete: 16,
  createOnly: 32,
  respondAllOperations: 128,
} as const;

export const INFO3 = { last: 1, partitionDone: 4, updateOnly: 8, createOrReplace: 16, replaceOnly: 32 } as const;

export const OPERATION = {
  read: 1,
  write: 2,
  cdtRead: 3,
  cdtModify: 4,
  increment: 5,
  expressionRead: 7,
  expressionModify: 8,
  append: 9,
  prepend: 10,
  touch: 11,
  bitRead: 12,
  bitModify: 13,
  delete: 14,
  hllRead: 15,
  hllModify: 16,
} as const;

export const PARTICLE = {
  null: 0,
  integer: 1,
  double: 2,
  string: 3,
  blob: 4,
  boolean: 17,
  hll: 18,
  map: 19,
  list: 20,
  geoJson: 23,
} as const;

/** Times of records count seconds from 2010-01-01T00:00:00Z. */
export const EPOCH_SECONDS = 1_262_304_000;
