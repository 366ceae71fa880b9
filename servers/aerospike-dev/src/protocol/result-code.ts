/** Result codes that this server answers with: the names of Aerospike's documentation. */
export const RESULT = {
  ok: 0,
  serverError: 1,
  notFound: 2,
  generation: 3,
  parameter: 4,
  recordExists: 5,
  binExists: 6,
  outOfSpace: 8,
  timeout: 9,
  unavailable: 11,
  incompatibleType: 12,
  recordTooBig: 13,
  hotKey: 14,
  scanAborted: 15,
  unsupportedFeature: 16,
  binNotFound: 17,
  deviceOverload: 18,
  keyMismatch: 19,
  namespaceNotFound: 20,
  binName: 21,
  forbidden: 22,
  elementNotFound: 23,
  elementExists: 24,
  enterpriseOnly: 25,
  notApplicable: 26,
  filteredOut: 27,
  securityNotSupported: 51,
  indexFound: 200,
  indexNotFound: 201,
} as const;

export type ResultCode = (typeof RESULT)[keyof typeof RESULT];

/** Ends the command under way with a result code other than `ok`; never leaves the server. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: ResultCode;

  constructor(code: ResultCode, message: string) {
    super(message);
    this.code = code;
  }
}
