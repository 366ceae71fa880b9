import { describe, it } from 'vitest';

/** What a shared suite needs from an implementation. */
export interface ContractSubject<T, Name extends string> {
  /** A fresh target for every test: an empty queue, a new directory. */
  readonly open: () => Promise<T>;
  /**
   * Tests that do not hold for this implementation, each with its reason, which is printed. Write a test of what it does
   * instead next to the call.
   */
  readonly skip?: Readonly<Partial<Record<Name, string>>>;
}

/** One suite for every implementation of a contract; `describePublisher` is an example. */
export function describeContract<T extends { close(): Promise<void> }, Name extends string>(
  name: string,
  tests: Readonly<Record<Name, (target: T) => Promise<void>>>,
  { open, skip }: ContractSubject<T, Name>,
): void {
  describe(name, () => {
    for (const test of Object.keys(tests) as Name[]) {
      const reason = skip?.[test];
      it.skipIf(reason !== undefined)(reason === undefined ? test : `${test} (skipped: ${reason})`, async () => {
        const target = await open();
        try {
          await tests[test](target);
        } finally {
          await target.close();
        }
      });
    }
  });
}
