import Aerospike from 'aerospike';
import type { Subject } from './with-client.ts';
import { clientKey } from './with-client.ts';

/** Fifty records with a number, a text, a list and a double each. */
export const PEOPLE = Array.from({ length: 50 }, (_, n) => ({
  n,
  name: `person-${n % 5}`,
  tags: [`t${n % 3}`, 'all'],
  half: n / 2 + 0.25,
}));

/** Writes them into a set of the subject's own, with their keys, and returns the name of the set. */
export async function fill({ client, namespace, set: own }: Subject, name: string): Promise<string> {
  const set = `${own}-${name}`;
  const keep = new Aerospike.WritePolicy({ key: Aerospike.policy.key.SEND, totalTimeout: 20_000 });
  await Promise.all(PEOPLE.map((person) => client.put(clientKey(namespace, set, person.n), person, {}, keep)));
  return set;
}

/** The numbers of those that were found, ascending. */
export const numbers = (records: readonly { bins: Aerospike.AerospikeBins }[]): number[] =>
  records.map(({ bins }) => bins['n'] as number).toSorted((a, b) => a - b);

/** The numbers of those of which it is true. */
export const numbersOf = (test: (person: (typeof PEOPLE)[number]) => boolean): number[] =>
  PEOPLE.filter(test).map(({ n }) => n);
