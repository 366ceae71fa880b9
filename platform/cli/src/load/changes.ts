import type { GeneratedTag } from './generator.ts';
import type { Changes } from './questions.ts';

const MINUTE_MS = 60_000;

interface MinuteChange {
  /** Tags on their way. */
  pending: number;
  /** When the last one was answered. */
  last: number;
}

/** When each user and each minute was last written to. */
export class ChangeTracker implements Changes {
  private readonly pending: Uint16Array;
  private readonly last: Float64Array;
  private readonly minutes = new Map<number, MinuteChange>();

  constructor(cookies: number) {
    this.pending = new Uint16Array(cookies);
    this.last = new Float64Array(cookies);
  }

  sent({ cookie, time }: GeneratedTag): void {
    this.pending[cookie]!++;
    const minute = Math.floor(time / MINUTE_MS);
    const change = this.minutes.get(minute);
    if (change === undefined) this.minutes.set(minute, { pending: 1, last: 0 });
    else change.pending++;
  }

  answered({ cookie, time }: GeneratedTag, now: number): void {
    this.pending[cookie]!--;
    this.last[cookie] = now;
    const change = this.minutes.get(Math.floor(time / MINUTE_MS))!;
    change.pending--;
    change.last = now;
  }

  cookieSettledSince(cookie: number, moment: number): boolean {
    return this.pending[cookie] === 0 && this.last[cookie]! <= moment;
  }

  minutesSettledSince(from: number, to: number, moment: number): boolean {
    for (let minute = from / MINUTE_MS; minute < to / MINUTE_MS; minute++) {
      const change = this.minutes.get(minute);
      if (change !== undefined && (change.pending > 0 || change.last > moment)) return false;
    }
    return true;
  }
}
