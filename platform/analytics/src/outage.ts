import { BackOff, hasCode } from '@millrace/core';

/** Pauses while a backend is away. */
export const outageBackOff = (): BackOff => new BackOff({ firstMs: 100, maxMs: 5000 });

/** Whether a backend is away, rather than refusing: the same call is worth repeating. */
export const isOutage = (error: unknown): boolean => hasCode(error, 'UNAVAILABLE') || hasCode(error, 'TIMEOUT');
