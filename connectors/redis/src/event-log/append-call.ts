import { MillraceError, type Position } from '@millrace/core';

/** One call of `append`, until all its records have settled. */
export class AppendCall {
  readonly promise: Promise<readonly Position[]>;
  readonly #positions: Position[];
  readonly #resolve: (positions: readonly Position[]) => void;
  readonly #reject: (error: MillraceError) => void;
  #open: number;
  #failed = 0;
  #error: MillraceError | undefined;

  constructor(records: number) {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Position[]>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#positions = Array.from({ length: records });
    this.#open = records;
  }

  written(index: number, position: Position): void {
    this.#positions[index] = position;
    this.#settled();
  }

  failed(error: MillraceError): void {
    this.#failed++;
    // The one error that does not promise that nothing was written outweighs the others.
    if (this.#error === undefined || !error.retry) this.#error = error;
    this.#settled();
  }

  #settled(): void {
    if (--this.#open > 0) return;
    const error = this.#error;
    if (error === undefined) this.#resolve(this.#positions);
    else if (this.#failed < this.#positions.length && error.retry) this.#reject(partly(error));
    else this.#reject(error);
  }
}

const partly = (cause: MillraceError): MillraceError =>
  new MillraceError('LOG_FAILED', `some records of the append were written and some were not: ${cause.message}`, {
    cause,
  });
