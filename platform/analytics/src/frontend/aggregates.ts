import { MillraceError, type StateReader } from '@millrace/core';
import { Type } from 'typebox';
import { ACTIONS, DEVICES } from '../tag.ts';
import { AGGREGATES, DIMENSIONS, toAnswer, whereOf, type DimensionName } from './aggregates-table.ts';
import type { FrontendMetrics } from './metrics.ts';
import { invalidParameter, readQuery, type Query } from './parameters.ts';
import type { Parameter, Route } from './route.ts';
import { AggregatesSchema } from './schemas.ts';
import { lengthOf, minutesOf, parseTimeRange, TIME_RANGE_FORM, type TimeRange } from './time-range.ts';
import { MINUTE_MS } from './time.ts';

const DEFAULT_GROUPS = 1000;
const MAX_GROUPS = 10_000;

export interface AggregatesDependencies {
  readonly state: StateReader;
  readonly metrics: FrontendMetrics;
}

const filter = (name: DimensionName): Parameter => ({
  name,
  in: 'query',
  description: `only tags with this ${name}; an empty value is a value`,
  schema: name === 'device' ? Type.Enum([...DEVICES]) : Type.String(),
});

const PARAMETERS: readonly Parameter[] = [
  {
    name: 'time_range',
    in: 'query',
    required: true,
    description: TIME_RANGE_FORM,
    schema: Type.String({ examples: ['2022-03-22T12:15:00_2022-03-22T12:30:00'] }),
  },
  { name: 'action', in: 'query', required: true, description: ACTIONS.join(' or '), schema: Type.Enum([...ACTIONS]) },
  {
    name: 'aggregates',
    in: 'query',
    required: true,
    repeated: true,
    description: `${AGGREGATES.join(' or ')}; repeat the parameter for more columns`,
    schema: Type.Enum([...AGGREGATES]),
  },
  ...DIMENSIONS.map(filter),
  {
    name: 'group_by',
    in: 'query',
    description: `splits each minute: one or more of ${DIMENSIONS.join(', ')}, separated by commas`,
    schema: Type.String({ examples: ['brand_id', 'country,device'] }),
  },
  {
    name: 'limit',
    in: 'query',
    description: 'with group_by: at most so many groups, those with the highest counts over the whole range',
    schema: Type.Integer({ default: DEFAULT_GROUPS, minimum: 1, maximum: MAX_GROUPS }),
  },
];

/** `/aggregates`: counts and sums of prices per minute. */
export function aggregatesRoute({ state, metrics }: AggregatesDependencies, maxRangeMs: number): Route {
  return {
    methods: ['GET', 'POST'],
    path: '/aggregates',
    summary: 'Counts and sums of prices per minute',
    description:
      'A row for every minute of the range, with zeros where nothing happened; with group_by only what is not empty. ' +
      'A body of the request is ignored.',
    parameters: PARAMETERS,
    answers: { 200: { description: 'the table', schema: AggregatesSchema } },
    async handler(request) {
      const started = performance.now();
      const query = readQuery(request, PARAMETERS);
      const range = parseTimeRange(query.required('time_range'));
      checkLength(range, query.required('time_range'), maxRangeMs);
      const action = oneOf('action', query.required('action'), ACTIONS);
      query.required('aggregates');
      const aggregates = query.all('aggregates').map((name) => oneOf('aggregates', name, AGGREGATES));
      const table = { action, aggregates, filters: filtersOf(query), groupBy: groupingOf(query) };
      const limit = groupLimitOf(query, table.groupBy);
      const minutes = minutesOf(range);
      const from = Math.max(0, minutes[0] ?? 0);
      const to = Math.max(0, (minutes.at(-1) ?? 0) + MINUTE_MS);
      const empty = minutes.length === 0 || from >= to;
      const result = empty
        ? { rows: [], truncated: false }
        : await state.rollup({ from, to, where: whereOf(table), groupBy: table.groupBy, limit });
      const answer = toAnswer(table, minutes, result);
      metrics.aggregates.record(started);
      return answer;
    },
  };
}

function checkLength(range: TimeRange, text: string, maxRangeMs: number): void {
  if (lengthOf(range) <= maxRangeMs) return;
  throw new MillraceError('RANGE_TOO_LONG', 'time_range is too long: ask for it in parts', {
    field: 'time_range',
    value: text,
    accepted: `at most ${maxRangeMs / MINUTE_MS} minutes`,
  });
}

function filtersOf(query: Query): ReadonlyMap<DimensionName, string> {
  const filters = new Map<DimensionName, string>();
  for (const name of DIMENSIONS) {
    const value = query.text(name);
    if (value === undefined) continue;
    filters.set(name, name === 'device' ? oneOf('device', value, DEVICES) : value);
  }
  return filters;
}

function groupingOf(query: Query): readonly DimensionName[] {
  // One list or the name repeated: people try both.
  const given = query.all('group_by').flatMap((text) => text.split(','));
  const names = new Set(given.map((name) => oneOf('group_by', name, DIMENSIONS)));
  return DIMENSIONS.filter((name) => names.has(name));
}

function groupLimitOf(query: Query, groupBy: readonly DimensionName[]): number {
  const limit = query.integer('limit', DEFAULT_GROUPS, { min: 1, max: MAX_GROUPS });
  if (groupBy.length > 0 || query.text('limit') === undefined) return limit;
  throw invalidParameter('limit', String(limit), 'used together with group_by');
}

function oneOf<T extends string>(field: string, value: string, accepted: readonly T[]): T {
  const found = accepted.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalidParameter(field, value, `one of ${accepted.join(', ')}`);
}
