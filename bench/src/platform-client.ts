import { setTimeout as sleep } from 'node:timers/promises';

/** What `/admin/status` says, as far as benchmarks look at it. */
export interface Status {
  readonly applied: number;
  readonly accepted: number;
  readonly lag: { readonly records: number; readonly ms: number };
}

export async function platformStatus(url: string): Promise<Status> {
  const response = await fetch(new URL('/admin/status', url));
  if (!response.ok) throw new Error(`/admin/status answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Status;
}

/** Resolves once everything accepted is applied. */
export async function caughtUp(url: string, signal?: AbortSignal): Promise<Status> {
  for (;;) {
    const status = await platformStatus(url);
    if (status.lag.records === 0) return status;
    await sleep(20, undefined, { signal });
  }
}

/** Posts NDJSON; all of it must be accepted. */
export async function postLines(url: string, body: string, count: number): Promise<void> {
  const response = await fetch(new URL('/user_tags/batch', url), {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const text = await response.text();
  const answer = response.ok ? (JSON.parse(text) as { accepted: number }) : undefined;
  if (answer?.accepted !== count) throw new Error(`a batch of ${count} was answered ${response.status}: ${text}`);
}
