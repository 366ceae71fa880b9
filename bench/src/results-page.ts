import type { ProofReport } from './run-proof.ts';

/** A heading of the page, and the proofs below it. */
export interface Chapter {
  /** For the command line. */
  readonly name: string;
  readonly title: string;
  readonly proofs: readonly string[];
  /** What must be installed for it, where it is more than Node.js. */
  readonly needs?: string;
}

/** What `npm run bench` measures, in the order of the page. */
export const CHAPTERS: readonly Chapter[] = [
  { name: 'embedded', title: 'Analytics, embedded', proofs: ['ingest', 'latency', 'growth', 'restart'] },
  {
    name: 'redis',
    title: 'Analytics on Kafka and Redis',
    proofs: ['shared-cost', 'scale-out'],
    needs: 'Kafka, Redis and HAProxy on the same machine',
  },
  {
    name: 'aerospike',
    title: 'Aerospike',
    proofs: ['aerospike-cost', 'aerospike-scale-out', 'aerospike-records', 'aerospike-faults'],
    needs: 'Kafka and HAProxy on the same machine, and the database that each table names',
  },
  {
    name: 'messaging',
    title: 'Publishing and subscribing',
    proofs: ['publishing-rate', 'subscribing-rate', 'outage', 'redis-faults', 'kafka-faults'],
    needs: 'Kafka and Redis on the same machine',
  },
];

/** The same question to both platforms: proof and figure, embedded and shared. */
const BESIDE: readonly (readonly [question: string, embedded: Figure, shared: Figure])[] = [
  [
    'tags/s acknowledged, 64 connections, one tag a request',
    ['ingest', 'millrace, events/s'],
    ['shared-cost', 'tags/s acknowledged'],
  ],
  [
    'CPU per tag over all parts, us',
    ['ingest', 'CPU of the process, us/event: millrace'],
    ['shared-cost', 'CPU us per tag, all parts'],
  ],
  [
    'tags/s in batches of 1,000, processed',
    ['ingest', 'batches of 1,000: processed events/s'],
    ['shared-cost', 'at 3,000,000 tags: bytes per tag in Redis / tags/s in batches'],
  ],
  [
    'tags at 1,000/s with queries, p99 ms',
    ['latency', 'tags at 1,000/s, p99 ms'],
    ['shared-cost', 'tags at 1,000/s with queries, p50 / p99 ms'],
  ],
];

const BESIDE_HEADING = '## Embedded beside Kafka and Redis';

type Figure = readonly [proof: string, name: string];

/** `bench/RESULTS.md`. */
export function resultsPage(reports: readonly ProofReport[], machine: string, date: string): string {
  const chapters = CHAPTERS.map((chapter) => chapterText(chapter, reports));
  const body = withBeside(chapters.filter((chapter) => chapter !== '').join('\n'));
  return `# Results\n\nMade by \`npm run bench\` on ${date}: ${machine}. Compare figures of one table only.\n\n${body}`;
}

/**
 * The page with one chapter measured anew, which says when and where; the others stay as they are.
 *
 * @param page as `resultsPage` made it
 */
export function withChapter(
  page: string,
  chapter: Chapter,
  reports: readonly ProofReport[],
  measured: { readonly machine: string; readonly date: string },
): string {
  const [head = '', ...sections] = page.split(/^(?=## )/m).map((section) => `${section.trimEnd()}\n`);
  const heading = `## ${chapter.title}\n`;
  const at = sections.findIndex((section) => section.startsWith(heading));
  const when = `Measured by \`npm run bench -- ${chapter.name}\` on ${measured.date}: ${measured.machine}.`;
  const text = chapterText(chapter, reports).replace(heading, `${heading}\n${when}\n`).trimEnd() + '\n';
  const measuredNow = at < 0 ? [...sections, text] : sections.with(at, text);
  return withBeside([head, ...measuredNow.filter((section) => !section.startsWith(BESIDE_HEADING))].join('\n'));
}

function chapterText({ title, proofs, needs }: Chapter, reports: readonly ProofReport[]): string {
  const measured = reports.filter(({ name }) => proofs.includes(name)).map(section);
  const where = needs === undefined ? '' : `With ${needs}.\n\n`;
  return measured.length === 0 ? '' : `## ${title}\n\n${where}${measured.join('\n')}`;
}

function section({ name, title, size, passed, figures, notes = [] }: ProofReport): string {
  const rows = Object.entries(figures).map(([figure, value]) => `| ${figure} | ${shown(value)} |\n`);
  const verdict = passed ? '' : '**Not everything that the title says was reached in this run.**\n\n';
  const command = `\`npm run prove -- ${name}${size === 'small' ? ' --small' : ''}\``;
  const remarks = notes.map((note) => `\n- ${note.replaceAll('\n', '\n  ')}`).join('');
  const table = `| figure | value |\n| --- | --- |\n${rows.join('')}`;
  return `### ${title}\n\n${command}\n\n${verdict}${table}${remarks === '' ? '' : `${remarks}\n`}`;
}

/** From what is on the page: its chapters may be of different runs. */
function withBeside(page: string): string {
  const proofs = new Map(
    page.split(/^### /m).map((text) => [/^`npm run prove -- ([\w-]+)/m.exec(text)?.[1] ?? '', text] as const),
  );
  if (!proofs.has('shared-cost')) return page;
  const rows = BESIDE.map(
    ([question, embedded, shared]) => `| ${question} | ${valueOf(proofs, embedded)} | ${valueOf(proofs, shared)} |\n`,
  );
  return `${page}\n${BESIDE_HEADING}\n\n| | embedded | Kafka + Redis |\n| --- | --- | --- |\n${rows.join('')}`;
}

/** By the figure's name without the limit in brackets behind it; of several in one, as p50 / p99, the last. */
function valueOf(proofs: ReadonlyMap<string, string>, [proof, name]: Figure): string {
  const rows = (proofs.get(proof) ?? '').split('\n').map((line) => line.split(' | '));
  const found = rows.find(([figure = '']) => figure === `| ${name}` || figure.startsWith(`| ${name} (`));
  return found === undefined ? 'not measured' : found[1]!.replace(/ \|$/, '').split(' / ').at(-1)!;
}

const shown = (value: string | number): string => (typeof value === 'number' ? value.toLocaleString('en-US') : value);
