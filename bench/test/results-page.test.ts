import { describe, expect, it } from 'vitest';
import { PROOFS, proofsIn } from '../src/proof-folder.ts';
import { CHAPTERS, resultsPage, withChapter } from '../src/results-page.ts';
import type { ProofReport } from '../src/run-proof.ts';

const report = (name: string, figures: ProofReport['figures'], more: Partial<ProofReport> = {}): ProofReport => ({
  name,
  title: `title of ${name}`,
  size: 'full',
  seconds: 1,
  passed: true,
  figures,
  ...more,
});

describe('the page of results', () => {
  it('names proofs that exist', async () => {
    const known = (await proofsIn(PROOFS)).map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining(CHAPTERS.flatMap(({ proofs }) => proofs)));
  });

  it('shows each proof with its command and figures, in the order of the chapters', () => {
    const page = resultsPage(
      [report('outage', { lost: 0 }), report('ingest', { rate: 12_345 })],
      '2 cores',
      '2026-01-01',
    );
    expect(page).toContain(
      '### title of ingest\n\n`npm run prove -- ingest`\n\n| figure | value |\n| --- | --- |\n| rate | 12,345 |',
    );
    expect(page.indexOf('title of ingest')).toBeLessThan(page.indexOf('title of outage'));
    expect(page).not.toContain('Analytics on Kafka');
  });

  it('says what was not reached', () => {
    const page = resultsPage([report('outage', {}, { passed: false, notes: ['too slow'] })], '2 cores', '2026-01-01');
    expect(page).toContain('**Not everything that the title says was reached in this run.**');
    expect(page).toContain('- too slow\n');
  });

  it('puts figures of both platforms side by side, without the limits in their names', () => {
    const reports = [
      report('ingest', { 'millrace, events/s': 20_000 }),
      report('shared-cost', {
        'tags/s acknowledged (at least 15,000)': 16_000,
        'tags at 1,000/s with queries, p50 / p99 ms (p99 at most 20)': '1 / 12',
      }),
    ];
    const page = resultsPage(reports, '2 cores', '2026-01-01');
    expect(page).toContain('one tag a request | 20,000 | 16,000 |');
    expect(page).toContain('with queries, p99 ms | not measured | 12 |');
    expect(page).toContain('| CPU per tag over all parts, us | not measured | not measured |');
    const again = { machine: '2 cores', date: '2026-01-02' };
    const later = withChapter(page, CHAPTERS[0]!, [report('ingest', { 'millrace, events/s': 30_000 })], again);
    expect(later).toContain('one tag a request | 30,000 | 16,000 |');
    expect(later.split('one tag a request')).toHaveLength(2);
  });
});
