/**
 * The one table of everything Millrace can refuse or fail at. A code is stable: it is part of the public interface,
 * stands in HTTP answers and logs, and is documented in `docs/errors.md` (a test holds the two together).
 *
 * `status` is the HTTP status a frontend answers with. `retry` says whether the same call may succeed later unchanged.
 */
export const ERRORS = {
  // What a caller got wrong
  INVALID_ARGUMENT: { status: 400, retry: false },
  INVALID_JSON: { status: 400, retry: false },
  INVALID_TAG: { status: 400, retry: false },
  INVALID_PARAMETER: { status: 400, retry: false },
  MISSING_PARAMETER: { status: 400, retry: false },
  TIME_IN_FUTURE: { status: 400, retry: false },
  RANGE_TOO_LONG: { status: 400, retry: false },
  UNAUTHORIZED: { status: 401, retry: false },
  NOT_FOUND: { status: 404, retry: false },
  METHOD_NOT_ALLOWED: { status: 405, retry: false },
  BODY_TOO_LARGE: { status: 413, retry: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retry: false },

  // Configuration and start
  INVALID_OPTION: { status: 500, retry: false },
  UNKNOWN_OPTION: { status: 500, retry: false },
  UNKNOWN_SCHEME: { status: 500, retry: false },
  CONNECTOR_NOT_INSTALLED: { status: 500, retry: false },
  NOT_SUPPORTED: { status: 500, retry: false },
  DATA_DIRECTORY_LOCKED: { status: 500, retry: true },
  DATA_DIRECTORY_VERSION: { status: 500, retry: false },
  PARTITIONS_MISMATCH: { status: 500, retry: false },
  SCHEMA_MISMATCH: { status: 500, retry: false },
  NOT_RUNNING: { status: 503, retry: true },

  // The log
  LOG_FULL: { status: 503, retry: true },
  LOG_FAILED: { status: 503, retry: false },
  LOG_CLOSED: { status: 503, retry: true },
  LOG_CORRUPT: { status: 500, retry: false },
  RECORD_TOO_LARGE: { status: 413, retry: false },
  OFFSET_OUT_OF_RANGE: { status: 500, retry: false },
  GROUP_BUSY: { status: 500, retry: true },

  // The state
  COMMIT_GAP: { status: 500, retry: false },
  STALE_OWNER: { status: 500, retry: false },
  STATE_CLOSED: { status: 503, retry: true },
  STATE_CORRUPT: { status: 500, retry: false },

  // The key-value store
  STORE_FAILED: { status: 503, retry: false },

  // Records that cannot be processed; they end in the dead letters
  RECORD_UNREADABLE: { status: 500, retry: false },

  // Passing on
  UNAVAILABLE: { status: 503, retry: true },
  REFUSED: { status: 502, retry: false },
  QUEUE_FULL: { status: 503, retry: true },
  TIMEOUT: { status: 504, retry: true },
  CANCELLED: { status: 503, retry: false },
  ILLEGAL_TRANSITION: { status: 500, retry: false },
  INTERNAL: { status: 500, retry: false },
} as const satisfies Record<string, { status: number; retry: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** What an error is about, where that is one thing: which parameter or option, what was given, what is accepted. */
export interface ErrorDetails {
  /** Name of the parameter, field (`product_info.price`) or option (`--port`). */
  readonly field?: string;
  /** What was given, as it was given. */
  readonly value?: unknown;
  /** The accepted form, in words: "an integer from 1 to 65535". */
  readonly accepted?: string;
}

export interface MillraceErrorOptions extends ErrorDetails {
  readonly cause?: unknown;
}

/**
 * The only error class that Millrace throws on purpose: match on `code`, show `message`, which says what to do next.
 *
 * @example
 * throw new MillraceError('DATA_DIRECTORY_LOCKED', `${path} is in use by process 4711: stop it, or choose another --data`);
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    const { cause, ...details } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  /** HTTP status of the code. */
  get status(): number {
    return ERRORS[this.code].status;
  }

  /** Whether the same call may succeed later, unchanged. */
  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}

/** The error as Millrace's own: foreign ones are wrapped as INTERNAL with the original as `cause`. */
export function toMillraceError(error: unknown, code: ErrorCode = 'INTERNAL'): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

export function hasCode<C extends ErrorCode>(error: unknown, code: C): error is MillraceError & { readonly code: C } {
  return error instanceof MillraceError && error.code === code;
}
