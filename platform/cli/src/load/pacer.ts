/** Timers cannot be set finer; what is due by then goes out together. */
const TICK_MS = 1;

/** Says how many tags may have been sent by now. */
export class Pacer {
  private readonly rate: number;
  private startedAt = performance.now();
  private timer: NodeJS.Timeout | undefined;

  /** @param rate per second; 0 is without limit */
  constructor(rate: number) {
    this.rate = rate;
  }

  start(onDue: () => void): void {
    this.startedAt = performance.now();
    if (this.rate > 0) this.timer = setInterval(onDue, TICK_MS);
    onDue();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Whether one more than `sent` is due. */
  due(sent: number): boolean {
    return this.rate === 0 || sent < (this.elapsed() * this.rate) / 1000 + 1;
  }

  /** The rate so far. */
  perSecond(done: number): number {
    return Math.round((done * 1000) / Math.max(1, this.elapsed()));
  }

  private elapsed(): number {
    return performance.now() - this.startedAt;
  }
}
