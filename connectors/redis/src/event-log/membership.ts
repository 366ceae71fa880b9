import { randomUUID } from 'node:crypto';
import { type MillraceError, toMillraceError } from '@millrace/core';
import type { Link } from '../link.ts';
import type { LogKeys } from './keys.ts';
import { GIVE_UP, MEMBERS, RENEW, TAKE } from './scripts.ts';

export interface MembershipOptions {
  readonly link: Link;
  readonly keys: LogKeys;
  readonly partitions: number;
  readonly group: string;
  /** Without a sign of life for so long a member loses its partitions, milliseconds. */
  readonly leaseMs: number;
  /** Partitions have come, or should be given up, or are lost: look at `assigned`, `unwanted` and `owns`. */
  readonly onChange: () => void;
}

/** Signs of life within a lease; partitions are renewed at half of it, so that one that is late does not cost them. */
const BEATS_PER_LEASE = 8;

/**
 * A consumer's place in its group. Every partition has a lease, a key that expires: whoever sets it owns the partition.
 * Every member keeps to its fair share, which all reckon alike from the list of members: who has more gives up, who has
 * less takes what is free. So partitions move only when the shares change.
 *
 * The name of the member is a new one for every consumer and stands in the lease, so a late member can neither renew nor
 * give up what went to another.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #member = randomUUID();
  /** Partition -> until when its lease surely holds, by `performance.now()`. */
  readonly #leases = new Map<number, number>();
  /** Not to be taken again before they are free. */
  readonly #givingUp = new Set<number>();
  readonly #stopped = new AbortController();
  #share = 0;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #error: MillraceError | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Joins the group and takes what is free of its share. @throws UNAUTHORIZED, REFUSED, CANCELLED */
  async join(): Promise<void> {
    await this.check();
  }

  get assigned(): readonly number[] {
    return [...this.#leases.keys()];
  }

  /** How many partitions are held beyond the fair share. */
  get excess(): number {
    return Math.max(0, this.#leases.size - this.#share);
  }

  /** Whether no other member can have the partition now. */
  owns(partition: number): boolean {
    return (this.#leases.get(partition) ?? 0) > performance.now();
  }

  /** Why the group can no longer be kept up, such as a password that was changed. */
  get error(): MillraceError | undefined {
    return this.#error;
  }

  /** Asks at once who owns what. @throws UNAUTHORIZED, REFUSED, CANCELLED */
  async check(): Promise<void> {
    await this.#next(true);
    if (this.#error !== undefined) throw this.#error;
  }

  /** One sign of life after the other. */
  #next(isCheck: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = this.#running
      .then(() => this.#beat(isCheck))
      .then(
        () => this.#schedule(),
        (error: unknown) => this.#fail(error),
      );
    return this.#running;
  }

  /** Lets another member have the partition: nothing of it is being handled any more. */
  async giveUp(partition: number): Promise<void> {
    const { link, keys, group } = this.#options;
    this.#leases.delete(partition);
    this.#givingUp.add(partition);
    await link.run(
      (client) => GIVE_UP.run(client, [keys.lease(partition, group)], [this.#member]),
      this.#stopped.signal,
    );
    this.#givingUp.delete(partition);
  }

  /** Leaves the group; when Redis is away, the leases expire by themselves. */
  async leave(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#running;
    const { link, keys, group } = this.#options;
    const partitions = this.assigned;
    this.#leases.clear();
    await Promise.allSettled([
      link.once((client) => client.zrem(keys.members(group), this.#member)),
      ...partitions.map((partition) =>
        link.once((client) => GIVE_UP.run(client, [keys.lease(partition, group)], [this.#member])),
      ),
    ]);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped.signal.aborted) return;
    const again = (): void => void this.#next(false);
    this.#timer = setTimeout(again, this.#options.leaseMs / BEATS_PER_LEASE);
  }

  #fail(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.#error = toMillraceError(error);
    this.#options.onChange();
  }

  async #beat(isCheck: boolean): Promise<void> {
    const { link, keys, partitions, group, leaseMs, onChange } = this.#options;
    const { signal } = this.#stopped;
    const members = (await link.run(
      (client) => MEMBERS.run(client, [keys.members(group)], [this.#member, leaseMs]),
      signal,
    )) as string[];
    const rank = members.toSorted().indexOf(this.#member);
    this.#share = Math.floor(partitions / members.length) + (rank < partitions % members.length ? 1 : 0);
    const before = this.#leases.size;
    const early = performance.now() + leaseMs / 2;
    const due = this.assigned.filter((partition) => isCheck || this.#leases.get(partition)! < early);
    await Promise.all(due.map((partition) => this.#renew(partition)));
    let changed = this.#leases.size < before || this.excess > 0;
    // Members start their search at different places, so that they seldom want the same one.
    const start = Math.floor((Math.max(0, rank) * partitions) / members.length);
    for (let i = 0; i < partitions && this.#leases.size < this.#share; i++) {
      const partition = (start + i) % partitions;
      if (this.#leases.has(partition) || this.#givingUp.has(partition)) continue;
      if (await this.#take(partition)) changed = true;
    }
    if (changed) onChange();
  }

  async #renew(partition: number): Promise<void> {
    const { link, keys, group, leaseMs } = this.#options;
    const renewed = await link.run(async (client) => {
      const until = performance.now() + leaseMs;
      const answer = await RENEW.run(client, [keys.lease(partition, group)], [this.#member, leaseMs]);
      return answer === 1 ? until : undefined;
    }, this.#stopped.signal);
    // Given up meanwhile: then it must not come back.
    if (!this.#leases.has(partition)) return;
    if (renewed === undefined) this.#leases.delete(partition);
    else this.#leases.set(partition, renewed);
  }

  async #take(partition: number): Promise<boolean> {
    const { link, keys, group, leaseMs } = this.#options;
    return link.run(async (client) => {
      const until = performance.now() + leaseMs;
      const taken = (await TAKE.run(client, [keys.lease(partition, group)], [this.#member, leaseMs])) === 1;
      if (taken) this.#leases.set(partition, until);
      return taken;
    }, this.#stopped.signal);
  }
}
