import { createLogUpdate } from 'log-update';
import { bar } from './table.ts';
import type { Terminal } from './terminal.ts';

const WIDTH = 24;
const LIVE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 10_000;

export interface ProgressBar {
  /** @param share 0 to 1; undefined where no end is known, and no bar is drawn */
  show(share: number | undefined, text: string): void;
  done(): void;
}

/** Progress on standard error: drawn over itself on a screen, else a line every ten seconds. */
export function progressBar(terminal: Terminal): ProgressBar {
  const interactive = terminal.stderr.isTTY === true;
  const live = interactive ? createLogUpdate(terminal.stderr) : undefined;
  let shownAt = interactive ? Number.NEGATIVE_INFINITY : performance.now();
  return {
    show(share, text) {
      const now = performance.now();
      if (now - shownAt < (interactive ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return;
      shownAt = now;
      if (live === undefined) terminal.note(text);
      else if (share === undefined) live(text);
      else live(`${bar({ ...terminal, interactive }, share, 1, WIDTH).padEnd(WIDTH)} ${text}`);
    },
    done: () => live?.clear(),
  };
}
