import type { StateReader, TimelineQuery } from '@millrace/core';
import { Type } from 'typebox';
import { ACTIONS, tagOf, type Action } from '../tag.ts';
import type { FrontendMetrics } from './metrics.ts';
import { invalidParameter, readQuery } from './parameters.ts';
import type { Parameter, Route } from './route.ts';
import { UserProfileSchema, type UserTagBody } from './schemas.ts';
import { toBody } from './tag-parser.ts';
import { parseTimeRange, TIME_RANGE_FORM, wholeMilliseconds } from './time-range.ts';
import { formatTagTime } from './time.ts';

export interface ProfilesDependencies {
  readonly state: StateReader;
  readonly metrics: FrontendMetrics;
}

/** `/user_profiles/{cookie}`: the newest views and buys of one user. */
export function userProfilesRoute({ state, metrics }: ProfilesDependencies, defaultLimit: number): Route {
  const parameters: readonly Parameter[] = [
    { name: 'cookie', in: 'path', required: true, description: 'whose profile', schema: Type.String({ minLength: 1 }) },
    {
      name: 'time_range',
      in: 'query',
      required: true,
      description: TIME_RANGE_FORM,
      schema: Type.String({ examples: ['2022-03-22T12:15:00.000_2022-03-22T12:30:00.000'] }),
    },
    {
      name: 'limit',
      in: 'query',
      description: 'at most so many views and so many buys, after filtering by time; 0 or less: none',
      schema: Type.Integer({ default: defaultLimit }),
    },
  ];

  async function tags(cookie: string, action: Action, query: Omit<TimelineQuery, 'kind'>): Promise<UserTagBody[]> {
    if (query.limit <= 0 || query.from >= query.to) return [];
    const entries = await state.timeline(cookie, { ...query, kind: ACTIONS.indexOf(action) });
    return entries.map((entry) => toBody(tagOf(cookie, action, entry), formatTagTime(entry.time)));
  }

  return {
    methods: ['GET', 'POST'],
    path: '/user_profiles/:cookie',
    summary: 'The newest views and buys of one user',
    description: 'Newest first; of equal times the later arrival first. A body of the request is ignored.',
    parameters,
    answers: { 200: { description: 'the profile; empty lists for an unknown cookie', schema: UserProfileSchema } },
    async handler(request) {
      const started = performance.now();
      const { cookie } = request.params as { cookie: string };
      if (cookie === '') throw invalidParameter('cookie', cookie, 'a string that is not empty');
      const query = readQuery(request, parameters);
      const range = wholeMilliseconds(parseTimeRange(query.required('time_range')));
      const limit = query.integer('limit', defaultLimit);
      const [views, buys] = await Promise.all([
        tags(cookie, 'VIEW', { ...range, limit }),
        tags(cookie, 'BUY', { ...range, limit }),
      ]);
      metrics.profiles.record(started);
      return { cookie, views, buys };
    },
  };
}
