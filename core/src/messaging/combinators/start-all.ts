/** Starts all, or none: when one fails, those that did start would stay open with nobody to close them. */
export async function startAll(parts: readonly { start(): Promise<void>; close(): Promise<void> }[]): Promise<void> {
  const started = await Promise.allSettled(parts.map((part) => part.start()));
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return;
  await Promise.allSettled(parts.map((part) => part.close()));
  throw failed.reason;
}
