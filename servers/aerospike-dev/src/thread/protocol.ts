import type { ErrorCode } from '@millrace/core';

/** A call of the starting thread: a method of `AerospikeDev`, or of its `faults`. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** An error on its way between the threads, which keeps only what every error has. */
export interface PlainError {
  readonly message: string;
  readonly code: ErrorCode | undefined;
}

/** What the server's thread says. */
export type Report =
  | { readonly kind: 'started'; readonly hosts: string; readonly ports: readonly number[] }
  | { readonly kind: 'refused'; readonly error: PlainError }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'failure'; readonly error: PlainError };
