import { hasCode } from '../../errors.ts';
import type { Message } from '../../publisher.ts';
import type { Subscriber } from '../../subscriber.ts';

/** So many messages of a child with manual acknowledgement may wait to be taken. */
const AHEAD = 1000;

/** Takes the messages of one child. */
export class Feed {
  readonly #child: Subscriber;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #stopped = new AbortController();
  /** Asking a child for the next message would acknowledge the one before. */
  readonly #oneAtATime: boolean;
  #ready: Message[] = [];
  #underWay = 0;
  #wake: (() => void) | undefined;
  ended = false;

  /** `changed` is called when there is something to take, and at the end; `failed` when the child has failed. */
  constructor(child: Subscriber, changed: () => void, failed: (error: unknown) => void) {
    this.#child = child;
    this.#changed = changed;
    this.#failed = failed;
    this.#oneAtATime = child.details().ack === 'auto';
  }

  /** Until the child ends or `stop`. Does not reject. */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      while (!signal.aborted) {
        if (this.#full()) await this.#room();
        else if (!(await this.#receive(signal))) break;
      }
    } catch (error) {
      if (!hasCode(error, 'CANCELLED')) this.#failed(error);
    }
    this.ended = true;
    this.#changed();
  }

  take(max: number): Message[] {
    const taken = this.#ready.splice(0, max);
    this.#underWay += taken.length;
    this.#wake?.();
    return taken;
  }

  acknowledge(message: Message): void {
    this.#child.acknowledge(message);
    this.#underWay--;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake?.();
  }

  #full(): boolean {
    return this.#ready.length + (this.#oneAtATime ? this.#underWay : 0) >= (this.#oneAtATime ? 1 : AHEAD);
  }

  /** False when the child has ended. */
  async #receive(signal: AbortSignal): Promise<boolean> {
    const message = await this.#child.next({ signal });
    if (message === undefined) return false;
    this.#ready.push(message);
    this.#changed();
    return true;
  }

  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }
}
