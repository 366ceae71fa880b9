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
