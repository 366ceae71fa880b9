import { kebabCase, nearestSpelling, parseDuration } from '@millrace/core';
import type { MillraceError } from '@millrace/core';
import type { BatchStep, Filter, Flow, Mapper, Router, SinkSpec, SourceSpec, Step } from './flow.ts';

export type Path = readonly (string | number)[];

/** The error for what stands at this path. `problem` follows it: "is no list". */
export type Wrong = (path: Path, problem: string, accepted: string) => MillraceError;

type Raw = Readonly<Record<string, unknown>>;

const FIELDS = ['name', 'source', 'steps', 'sinks', 'sink', 'router', 'dead_letters', 'deadLetters'];
const STEPS = ['map', 'filter', 'rename', 'key', 'batch', 'flatten'];
const ENDPOINT = 'a URL, or an object with a url and options';

/** The flow that a file or a module describes, in full. @throws what `wrong` makes */
export function checkFlow(raw: unknown, defaultName: string, wrong: Wrong): Flow {
  const flow = objectAt([], raw, 'source, steps and sinks', wrong);
  onlyKnown([], flow, FIELDS, wrong);
  const { name = defaultName, source, steps = [], router } = flow;
  const deadLetters = flow['deadLetters'] ?? flow['dead_letters'];
  if (typeof name !== 'string') throw wrong(['name'], 'is no text', 'a name');
  if (router !== undefined && typeof router !== 'function') throw wrong(['router'], 'is no function', 'a function');
  if (deadLetters !== undefined && typeof deadLetters !== 'string') {
    throw wrong(['dead_letters'], 'is no text', 'the path of a file');
  }
  if (!Array.isArray(steps)) throw wrong(['steps'], 'is no list', 'a list of steps');
  return {
    name,
    source: endpointAt(['source'], source, wrong),
    steps: steps.map((step: unknown, index) => stepAt(['steps', index], step, wrong)),
    sinks: sinksOf(flow, wrong),
    ...(router === undefined ? {} : { router: router as Router }),
    ...(deadLetters === undefined ? {} : { deadLetters }),
  };
}

function sinksOf({ sinks, sink, router }: Raw, wrong: Wrong): Record<string, SinkSpec> {
  if ((sinks === undefined) === (sink === undefined)) {
    throw wrong([], 'has no target, or two', 'either sink, or sinks: a list, or an object by name');
  }
  if (sink !== undefined) return { sink: endpointAt(['sink'], sink, wrong) };
  if (Array.isArray(sinks) && router === undefined) {
    if (sinks.length === 0) throw wrong(['sinks'], 'is empty', `a list of ${ENDPOINT}`);
    return Object.fromEntries(
      sinks.map((one: unknown, index) => [`sink-${index + 1}`, endpointAt(['sinks', index], one, wrong)]),
    );
  }
  const byName = objectAt(['sinks'], sinks, 'an object of sinks by name, which the router chooses from', wrong);
  return Object.fromEntries(
    Object.entries(byName).map(([name, one]) => [name, endpointAt(['sinks', name], one, wrong)]),
  );
}

function endpointAt(path: Path, raw: unknown, wrong: Wrong): SourceSpec & SinkSpec {
  const endpoint: Raw = typeof raw === 'string' ? { url: raw } : objectAt(path, raw, ENDPOINT, wrong);
  const { url } = endpoint;
  if (typeof url !== 'string' || url === '') throw wrong(path, 'has no url', ENDPOINT);
  // Its options are checked by the connector, which knows them.
  return endpoint as SourceSpec & SinkSpec;
}

function stepAt(path: Path, raw: unknown, wrong: Wrong): Step {
  const accepted = `one of ${STEPS.join(', ')}`;
  const step = objectAt(path, raw, accepted, wrong);
  onlyKnown(path, step, STEPS, wrong);
  const [kind, ...others] = Object.keys(step);
  if (kind === undefined || others.length > 0) throw wrong(path, 'is not exactly one step', accepted);
  const at = [...path, kind];
  const value = step[kind];
  if (kind === 'batch') return { batch: batchAt(at, value, wrong) };
  if (kind === 'rename') return { rename: namesAt(at, value, wrong) };
  if (kind === 'flatten') {
    if (value === true || typeof value === 'string') return { flatten: value };
    throw wrong(at, 'is neither true nor a text', 'true, or the name of a field');
  }
  if (kind === 'key') {
    if (typeof value === 'string') return { key: value };
    throw wrong(at, 'is no text', 'the name of a field');
  }
  if (typeof value !== 'function') throw wrong(at, 'is no function', 'a function of the value');
  return kind === 'map' ? { map: value as Mapper } : { filter: value as Filter };
}

function batchAt(path: Path, raw: unknown, wrong: Wrong): BatchStep {
  const accepted = 'a number of messages, or size and interval';
  const batch: Raw = typeof raw === 'number' ? { size: raw } : objectAt(path, raw, accepted, wrong);
  onlyKnown(path, batch, ['size', 'interval', 'intervalMs'], wrong);
  const { size, interval, intervalMs } = batch;
  if (!Number.isSafeInteger(size) || (size as number) < 1) {
    throw wrong([...path, 'size'], 'is no number of messages', 'an integer from 1 up');
  }
  const given = interval === undefined ? intervalMs : millisecondsOf(interval);
  if (given === undefined && interval === undefined) return { size: size as number };
  if (typeof given !== 'number' || !(given > 0)) {
    throw wrong([...path, 'interval'], 'is no time', 'a number of seconds, or a text with a unit, such as 500ms');
  }
  return { size: size as number, intervalMs: given };
}

const millisecondsOf = (interval: unknown): number | undefined =>
  typeof interval === 'number' ? interval * 1000 : typeof interval === 'string' ? parseDuration(interval) : undefined;

function namesAt(path: Path, raw: unknown, wrong: Wrong): Record<string, string> {
  const names = objectAt(path, raw, 'old names with their new ones', wrong);
  for (const [from, to] of Object.entries(names)) {
    if (typeof to !== 'string') throw wrong([...path, from], 'is no text', 'the new name');
  }
  return names as Record<string, string>;
}

function objectAt(path: Path, value: unknown, accepted: string, wrong: Wrong): Raw {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Raw;
  throw wrong(path, value === undefined ? 'is missing' : 'is no object', accepted);
}

function onlyKnown(path: Path, given: Raw, known: readonly string[], wrong: Wrong): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestSpelling(kebabCase(unknown), known);
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
  throw wrong([...path, unknown], `is unknown${hint}`, `one of ${known.join(', ')}`);
}
